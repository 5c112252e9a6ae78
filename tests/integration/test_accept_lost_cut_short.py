"""A person accepts what a changelog has lost, and the command is cut short: the next run ends its work, and no row is lost."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from streams.kafka.admin import NotPutBack, create_first, create_missing
from streams.messages.topics import OUTBOX_TABLE, TopicNames
from streams.operations import accept_lost as subject
from streams.operations.accept_lost import accept_lost
from streams.settings import Settings, parse_settings
from tests.integration.test_lost_changelogs import cut_off_topic
from tests.kafka.broker import Broker

PARTITIONS = 4
ROWS = [{f"{number}-{n}".encode(): b"a row" for n in range(20)} for number in range(PARTITIONS)]


class CutShort(BaseException):
    """As a kill: nothing that follows is done."""


def settings_of(broker: Broker) -> Settings:
    """Of a deployment without workers."""
    text = f"""
[kafka]
bootstrap_servers = "{broker.bootstrap}"
topic_prefix = "cut-{uuid.uuid4().hex[:6]}."
partitions = {PARTITIONS}
replication_factor = 1
[worker]
store = "memory"
"""
    return parse_settings(text, {}, read_file=lambda path: "", source="cut short")


@pytest.mark.thorough
@pytest.mark.parametrize("after", ["saved in part", "saved", "deleted", "made again", "put back in part", "put back"])
async def test_the_next_run_puts_back_what_only_the_changelog_held(
    real_kafka: Broker, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Wherever the first one was cut short; a third has nothing to do, and what was saved is gone."""
    settings = settings_of(real_kafka)
    names = TopicNames(settings.kafka.topic_prefix)
    topic = names.changelog(OUTBOX_TABLE)
    await create_missing(settings)
    try:
        await subject._put(settings, topic, [{b"cut": b"off"} for _ in ROWS])
        await asyncio.to_thread(cut_off_topic, real_kafka.bootstrap, topic, PARTITIONS)
        await subject._put(settings, topic, ROWS)
        with monkeypatch.context() as patched:
            _cut_short(patched, topic, after)
            with pytest.raises(CutShort):
                await accept_lost(settings, [OUTBOX_TABLE])
        with pytest.raises(NotPutBack, match="lofty-ghl topics create --accept-lost outbox"):  # as a worker that starts
            await create_first(settings)
        await accept_lost(settings, [OUTBOX_TABLE])
        found = [await subject.newest_values(settings, topic, [number]) for number in range(PARTITIONS)]
        is_saved = await subject._is_saved(settings, topic)
        assert all(state.exists for state in await create_first(settings))
        third = await accept_lost(settings, [OUTBOX_TABLE])
    finally:
        real_kafka.delete_topics([*names.specs(), f"{topic}-saved"])

    assert found == ROWS
    assert not is_saved
    assert third.put_back == {OUTBOX_TABLE: 0}


def _cut_short(patched: pytest.MonkeyPatch, topic: str, after: str) -> None:
    put, delete, remake = subject._put, subject.delete_topic, subject._remake

    async def cut_put(settings: Settings, where: str, rows: list[subject.Rows]) -> int:
        if after.endswith("in part") and (where == topic) == after.startswith("put"):
            await put(settings, where, [{}, *rows[1:]])
            raise CutShort
        written = await put(settings, where, rows)
        if after in ("saved", "put back") and (where == topic) == (after == "put back"):
            raise CutShort
        return written

    async def cut_delete(settings: Settings, where: str) -> None:
        await delete(settings, where)
        if after == "deleted":
            raise CutShort

    async def cut_remake(settings: Settings, where: str) -> None:
        await remake(settings, where)
        if after == "made again":
            raise CutShort

    changed: dict[str, Any] = {"_put": cut_put, "delete_topic": cut_delete, "_remake": cut_remake}
    for name, function in changed.items():
        patched.setattr(subject, name, function)
