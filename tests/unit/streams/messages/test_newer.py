"""Rolling upgrades: what a newer release wrote stops its older reader, whatever it is, and is never passed over."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

import streams.core
import streams.messages
import streams.worker.agents
from streams.core.rows import LinkRow
from streams.kafka.parking import Parking
from streams.kafka.tables import MemoryStore, Table
from streams.messages import InvalidMessage, Message, NewerMessage, Parked
from streams.messages.topics import TopicNames
from streams.worker.agents.batches import agent
from streams.worker.agents.in_progress import InProgress
from streams.worker.output import Output
from tests.unit.streams.worker.agents.test_batches import FakeStream


def every_word() -> list[type[Message]]:
    """Each message and each row of a table."""
    for package in (streams.messages, streams.core):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return sorted(
        (one for one in Message.__subclasses__() if one.__module__.startswith("streams.")), key=lambda one: one.__name__
    )


WORDS = every_word()
AGENTS = (
    "backfill_orders",
    "dedupe",
    "deliver",
    "fetch",
    "inspect",
    "record",
    "replay",
    "respond",
    "tokens",
    "write_back",
)
"""Each of them works records off; what is passed over there is lost."""


def of_tomorrow(word: type[Message]) -> list[bytes]:
    """Values of the next version that this release does not read: of today's form, of another, and of none."""
    version = word.version + 1
    today = dict.fromkeys(word.model_fields, "x") | {"v": version}
    return [orjson.dumps(one) for one in (today, {"v": version}, {"v": version + 5, "lead": {"deep": [1]}})]


def test_all_words_are_known_here() -> None:
    """Messages as well as rows."""
    assert {"Change", "Snapshot", "Receipt", "WorkerStatus", "LinkRow", "TokenRow", "LoftyCommandRow"} <= {
        one.__name__ for one in WORDS
    }


@pytest.mark.parametrize("word", WORDS, ids=lambda one: one.__name__)
def test_a_newer_version_is_told_from_poison_whatever_its_form(word: type[Message]) -> None:
    """Its fields may mean something else by then."""
    for raw in of_tomorrow(word):
        with pytest.raises(NewerMessage, match=f"version .* is newer than {word.version}: upgrade this worker"):
            word.from_bytes(raw)


@pytest.mark.parametrize("word", WORDS, ids=lambda one: one.__name__)
def test_what_is_written_is_read_and_readers_are_at_most_one_version_ahead(word: type[Message]) -> None:
    """A version is read by one release before it is written by the next, so that two of them work side by side."""
    written = word.model_fields["v"].default
    assert written <= word.version <= written + 1


@pytest.mark.parametrize("raw", [b'{"v": 2', b'["v", 2]', b'{"v": "2"}', b'{"v": null}', b'{"v": 1.5}', b"\xff", b""])
def test_poison_is_poison_still(raw: bytes) -> None:
    """Only a version inside of an object counts."""
    with pytest.raises(InvalidMessage) as raised:
        Parked.from_bytes(raw)
    assert not isinstance(raised.value, NewerMessage)


@pytest.mark.parametrize("name", AGENTS)
async def test_an_agent_parks_no_record_of_a_newer_release(name: str) -> None:
    """It stops in front of it; nothing is appended, so nothing is passed over."""
    factory: Any = getattr(importlib.import_module(f"streams.worker.agents.{name}"), name)
    producer: Any = object()
    output = Output(producer, Parking(TopicNames(""), 1), lambda: 0)
    parts = {name: object() for name in inspect.signature(factory).parameters}
    process = factory(**parts | {"output": output})
    message = SimpleNamespace(topic="t", partition=3, offset=7, key=b"k", value=b'{"v": 99}', timestamp=0.0)
    with pytest.raises(NewerMessage) as raised:
        await process([message])
    assert raised.value.__notes__ == ["It was met at t/3@7."]


def test_every_agent_is_among_those() -> None:
    """A new one that reads words must stop, too."""
    reading = {
        module.name
        for module in pkgutil.iter_modules(streams.worker.agents.__path__)
        if {"InvalidMessage", "EachRecord"}
        & vars(importlib.import_module(f"streams.worker.agents.{module.name}")).keys()
    }
    assert reading - {"each_record"} == set(AGENTS)


async def test_the_worker_ends_with_a_line_that_says_what_to_do() -> None:
    """Before anything of the batch is acknowledged."""
    ended = asyncio.get_running_loop().create_future()

    async def process(_messages: list[Any]) -> None:
        Parking(TopicNames(""), 1).unreadable(
            "record", SimpleNamespace(topic="ghl.receipts", partition=2, offset=5), NewerMessage("Receipt", 2, 1), 0
        )

    def end_process(why: str) -> None:
        ended.set_result(why)
        raise SystemExit(70)  # the real one does not come back

    stream = FakeStream()
    stream.put(1)
    with pytest.raises(SystemExit):
        await agent("record", process, InProgress(), end_process)(stream)  # type: ignore[arg-type]  # a fake
    assert await ended == (
        "Agent record stops in front of a record of a newer release: expected a Receipt: version 2 is newer than 1: "
        "upgrade this worker. It was met at ghl.receipts/2@5."
    )
    assert stream.acked == []


def test_a_row_of_a_newer_release_ends_the_worker_wherever_it_is_read() -> None:
    """By key, and among all of a partition: its dispatchers would try it again each minute, for ever."""
    store, told = MemoryStore(), list[str]()
    store.write(4, b"links", [(b"acme:1:contact:1", b'{"v": 2}')], 0)
    table = Table("links", LinkRow, "p.links", store, SimpleNamespace(), told.append)  # type: ignore[arg-type]  # not asked
    with pytest.raises(NewerMessage):
        table.get(4, "acme:1:contact:1")
    with pytest.raises(NewerMessage):
        list(table.items(4))
    says = "A row of a newer release is in the table links (p.links/4, key acme:1:contact:1): expected a LinkRow: version 2"
    assert [one.startswith(says) for one in told] == [True, True]
