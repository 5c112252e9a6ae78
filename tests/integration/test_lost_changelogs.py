"""A `links` changelog that was deleted, created again or cut off: no worker works on it, and nothing is made twice in GHL."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from streams.kafka.lost_links import receipt_without_link
from streams.messages.topics import LINKS_TABLE, RECEIPTS
from streams.settings import Settings
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import PARTITIONS, Stage, stage
from tests.kafka.broker import Broker

LEADS = 6


def admin_of(on: Stage) -> AdminClient:
    """Kafka's own administration."""
    return AdminClient({"bootstrap.servers": on.broker.bootstrap})


def links_of(on: Stage) -> str:
    """The changelog that this is about."""
    return on.names.changelog(LINKS_TABLE)


def delete(on: Stage) -> None:
    """Delete the changelog, and return once it is gone."""
    admin, deadline = admin_of(on), time.monotonic() + within(30)
    for gone in admin.delete_topics([links_of(on)]).values():
        gone.result(within(30))
    while links_of(on) in admin.list_topics(timeout=within(30)).topics:
        assert time.monotonic() < deadline, "the topic is not deleted"


def make_anew(on: Stage) -> None:
    """Delete it, and make it again, as an operator would who does not know better."""
    delete(on)
    on.broker.create_topics({links_of(on): {"cleanup.policy": "compact"}}, PARTITIONS)


def cut_off(on: Stage) -> None:
    """A wrong cleanup.policy for a while: what stood there is gone. (Kafka refuses DeleteRecords on a compacted topic.)"""
    cut_off_topic(on.broker.bootstrap, links_of(on), PARTITIONS)


def cut_off_topic(bootstrap: str, topic: str, partitions: int) -> None:
    """The same, of any changelog."""
    _set_policy(bootstrap, topic, "compact,delete")
    ends = [TopicPartition(topic, number, -1) for number in range(partitions)]
    admin, deadline = AdminClient({"bootstrap.servers": bootstrap}), time.monotonic() + within(30)
    while ends:  # a broker hears of a new policy some time after it is set
        found = admin.delete_records(ends)
        ends = [place for place, cut in found.items() if cut.exception(within(30)) is not None]
        assert time.monotonic() < deadline, [cut.exception() for cut in found.values()]
    _set_policy(bootstrap, topic, "compact")


def _set_policy(bootstrap: str, topic: str, policy: str) -> None:
    entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for changed in admin.incremental_alter_configs([resource]).values():
        changed.result(within(30))


async def fill(on: Stage) -> list[str]:
    """Leads with a note each, in GHL."""
    leads = [on.new_lead() for _ in range(LEADS)]
    for lead in leads:
        on.edit("create", "note", leadId=lead, fields={"content": "Once."})
    await on.until_quiet()
    assert notes(on) == [1] * LEADS
    return leads


def notes(on: Stage) -> list[int]:
    """How many notes each contact has."""
    return [len(one["notes"]) for one in on.contacts().values()]


async def refused(on: Stage, settings: Settings) -> str:
    """Why another worker does not work."""
    was_ready = False
    with suppress(Exception):  # it ends with what it could not do
        async with Worker(settings, on.given()) as other, asyncio.timeout(within(60)):
            while not on.ended and not was_ready:
                was_ready = other.is_ready
                await asyncio.sleep(0.05)
    assert not was_ready
    why = " ".join(on.ended)
    on.ended.clear()
    return why


@pytest.mark.thorough
async def test_a_missing_changelog_is_not_made_anew_in_silence(real_kafka: Broker, tmp_path: Path) -> None:
    """Worker and `topics create` say so; once the loss is accepted all is put back, and each note is there once."""
    async with stage(real_kafka, tmp_path, store="rocksdb", restarts=True) as on:
        config = config_of(on, tmp_path)
        leads = await fill(on)
        await on.worker.__aexit__(None, None, None)
        await asyncio.to_thread(delete, on)
        started = await command("worker", config)
        created = await command("topics create", config)
        unknown = await command("topics create", config, "--accept-lost", "lynx")
        accepted = await command("topics create", config, "--accept-lost", "links", "--json")
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            for lead in leads:
                on.edit("update", "lead", id=lead, fields={"firstName": "Eve"})
                on.edit("create", "note", leadId=lead, fields={"content": "Twice."})
            await on.until_quiet()
            assert notes(on) == [2] * LEADS
            assert {one["firstName"] for one in on.contacts().values()} == {"Eve"}

    for code, _, complaint in (started, created):
        assert code == 2, (started, created)
        assert links_of(on) in complaint
        assert "a second time" in complaint
        assert "lofty-ghl topics create --accept-lost links" in complaint
    assert (unknown[0], "no table 'lynx'" in unknown[2]) == (2, True), unknown
    document = orjson.loads(accepted[1])
    assert document["created"] == [links_of(on)]
    assert document["put_back"] == {"links": 2 * LEADS}
    kept = {str(one) for one in (tmp_path / on.names.group).glob("accepted-partition-*")}
    assert {*document["aside"]} == kept != set()


@pytest.mark.parametrize("harm", [make_anew, cut_off])
async def test_no_worker_works_with_a_changelog_that_has_lost_rows(
    real_kafka: Broker, tmp_path: Path, harm: Any
) -> None:
    """Neither one that has a copy (it keeps it) nor one that comes fresh; once accepted, a fresh one makes nothing twice."""
    async with stage(real_kafka, tmp_path / "one", store="rocksdb", restarts=True) as on:
        config = config_of(on, tmp_path)
        leads = await fill(on)
        await on.worker.__aexit__(None, None, None)
        await asyncio.to_thread(harm, on)
        with_copy = "" if harm is cut_off else await refused(on, on.settings)
        elsewhere = on.settings.worker.model_copy(update={"data_dir": str(tmp_path / "two")})
        settings = on.settings.model_copy(update={"worker": elsewhere})
        fresh = await refused(on, settings)
        before = notes(on)
        accepted = await command("topics create", config, "--accept-lost", "links", "--json")
        asked = len(on.requests("ghl"))
        async with Worker(settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            for lead in leads:
                on.edit("create", "note", leadId=lead, fields={"content": "Twice."})
            await on.until_quiet()
            assert notes(on) == [2] * LEADS
        searched = [one for one in on.requests("ghl")[asked:] if one.operation == "search-contacts-advanced"]

    assert len(searched) == 1, "leads without a link are looked for by their Lofty ids"
    assert before == [1] * LEADS
    assert (accepted[0], orjson.loads(accepted[1])["put_back"]) == (0, {"links": 2 * LEADS}), accepted
    assert harm is cut_off or "was deleted and recreated" in with_copy, with_copy
    assert ("begins at offset" if harm is cut_off else "holds no link of") in fresh, fresh
    for why in filter(None, (with_copy, fresh)):
        assert f"{links_of(on)}/" in why
        assert "lofty-ghl topics create --accept-lost links" in why


async def test_a_worker_ends_when_its_changelog_is_made_anew_while_it_works(real_kafka: Broker, tmp_path: Path) -> None:
    """With the first row that comes to an offset which was another's; it is refused when it starts again."""
    async with stage(real_kafka, tmp_path, store="rocksdb", restarts=True) as on:
        leads = await fill(on)
        await asyncio.to_thread(make_anew, on)
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "Twice."})
        async with asyncio.timeout(within(120)):
            while not on.ended:
                await asyncio.sleep(0.05)
        why = on.ended[0]
        on.ended.clear()
        with suppress(Exception):  # in production its process has ended
            await on.worker.__aexit__(None, None, None)
        on.ended.clear()
        again = await refused(on, on.settings)
        assert max(notes(on)) <= 2

    assert links_of(on) in why or "table links" in why, why
    assert "was deleted and recreated" in again, again


async def test_receipts_that_end_before_their_commit_are_not_waited_for(real_kafka: Broker, tmp_path: Path) -> None:
    """A topic that was made again is shorter than what was committed of the former one."""
    async with stage(real_kafka, tmp_path) as on:
        await fill(on)
        beyond = dict.fromkeys(range(PARTITIONS), 10_000)
        async with asyncio.timeout(within(30)):
            found = await receipt_without_link(on.settings, on.names.of(RECEIPTS), beyond, lambda *_: True)

    assert found is None
