"""A defect that one record brings out parks that record, at every stage: its neighbours go on, and the worker does not end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.kafka.batching_producer import Record
from streams.kafka.parking import Parking
from streams.messages import BackfillOrder, Change, Inspection, Message, NewerMessage, Parked, Redelivery, Snapshot
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import LoftyCommand
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import TopicNames
from streams.worker.agents.backfill_orders import backfill_orders
from streams.worker.agents.batches import Process
from streams.worker.agents.dedupe import dedupe
from streams.worker.agents.deliver import deliver
from streams.worker.agents.desired_states import DesiredStates
from streams.worker.agents.each_record import MOST_KEYS, EachRecord
from streams.worker.agents.fetch import fetch
from streams.worker.agents.inspect import inspect
from streams.worker.agents.replay import replay
from streams.worker.agents.respond import respond
from streams.worker.agents.tokens import tokens
from streams.worker.agents.write_back import write_back
from streams.worker.output import Output

BAD, GOOD = "666", "777"


class Table:
    """A table in memory, that fails where the bad one is looked up."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], Any] = {}
        self.error: type[Exception] = RecursionError

    def get(self, partition: int, key: str) -> Any:
        if BAD in key:
            raise self.error("planted")
        return self.rows.get((partition, key))

    def put(self, partition: int, key: str, row: Any) -> None:
        self.rows[partition, key] = row

    async def flush(self) -> None:
        """Nothing waits."""


class BatchingProducer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def produce(self, records: Any, **_: Any) -> None:
        self.records += list(records)

    def parked(self) -> list[Parked]:
        return [Parked.from_bytes(one.value) for one in self.records if one.topic == "parked"]


class Desk:
    """What agents are made with."""

    def __init__(self) -> None:
        self.table, self.batching_producer = Table(), BatchingProducer()
        self.parking = Parking(TopicNames(""), 4)
        self.output = Output(self.batching_producer, self.parking, lambda: 7)  # type: ignore[arg-type]  # a fake


def ignored(*_: Any) -> None:
    """Nobody is informed."""


def entity(lead: str) -> dict[str, Any]:
    return {"connection": "acme", "lead": lead, "kind": "contact", "id": lead}


def change(lead: str) -> Change:
    return Change(**entity(lead), operation="updated", update_time_ms=1, accepted_ms=1)


def snapshot(lead: str) -> Snapshot:
    times = {"version_ms": 1, "read_ms": 1, "update_time_ms": 1, "accepted_ms": 1}
    return Snapshot(**entity(lead), state={"leadId": 7}, fingerprint="f", **times)


def _dedupe(on: Desk) -> Process:
    places = {"acme": 1}
    return dedupe(seen=on.table, fetches_topic="f", lofty_partitions=places, count=ignored, output=on.output)  # type: ignore[arg-type]  # a fake


def _fetch(on: Desk) -> Process:
    return fetch(fetches=on.table, offer=ignored, output=on.output)  # type: ignore[arg-type]  # a fake


def _desired(on: Desk) -> DesiredStates:
    return DesiredStates(
        outbox=on.table,  # type: ignore[arg-type]  # a fake
        links=Table(),  # type: ignore[arg-type]  # a fake
        settled_as=lambda _: "x",
        epoch=lambda _: 1,
        under_way=lambda _: None,
        offer=ignored,
    )


def _deliver(on: Desk) -> Process:
    return deliver(desired=_desired(on), output=on.output, receipts_topic="r", snapshots_topic="s", count=ignored)


def _replay(on: Desk) -> Process:
    return replay(desired=_desired(on), output=on.output, snapshots_topic="s", count=ignored)


def _respond(on: Desk) -> Process:
    def wants(event: GhlEvent) -> bool:
        if BAD in event.location:
            raise RecursionError("planted")
        return event.type == "NoteCreate"

    more = {"installed": ignored, "offer": ignored, "count": ignored}
    return respond(events=on.table, webhooks=on.table, wants=wants, **more, output=on.output)  # type: ignore[arg-type]  # a fake


def _sweep(on: Desk) -> Process:
    return backfill_orders(sweeps=on.table, offer=ignored, output=on.output)  # type: ignore[arg-type]  # a fake


def _inspect(on: Desk) -> Process:
    def take_question(one: Inspection) -> None:
        on.table.get(0, one.lead)
        on.table.put(0, one.lead, one)

    return inspect(take_question=take_question, observations_topic="o", output=on.output)


def _tokens(on: Desk) -> Process:
    return tokens(table=on.table, adopt=ignored, output=on.output)  # type: ignore[arg-type]  # a fake


def _write_back(on: Desk) -> Process:
    return write_back(commands=on.table, offer=ignored, output=on.output)  # type: ignore[arg-type]  # a fake


def _event(lead: str) -> Message:
    return GhlEvent(type="NoteCreate", location=f"loc-{lead}", id="n", contact="c", at_ms=1, accepted_ms=1, body={})


def _write(lead: str) -> Message:
    return LoftyCommand(
        connection="acme", lead=lead, about="note:n", target="note", because="x", at_ms=1, accepted_ms=1, state={}
    )


def _question(lead: str) -> Message:
    return Inspection(run="r", number=1, connection="acme", lead=lead, question="contact", at_ms=1, expires_ms=9)


STAGES: list[tuple[str, Callable[[Desk], Process], Callable[[str], Message]]] = [
    ("dedupe", _dedupe, change),
    ("fetch", _fetch, change),
    ("deliver", _deliver, snapshot),
    ("replay", _replay, lambda lead: Redelivery(run="r", snapshot=snapshot(lead))),
    ("respond", _respond, _event),
    ("sweep", _sweep, lambda lead: BackfillOrder(connection=f"c{lead}", id="i", at_ms=0)),
    ("inspect", _inspect, _question),
    ("tokens", _tokens, lambda lead: SealedToken(token=f"t{lead}", sealed="s", at_ms=1)),
    ("write back", _write_back, _write),
]


def message(value: bytes, key: bytes = b"k", offset: int = 5) -> Any:
    return SimpleNamespace(topic="t", partition=2, offset=offset, key=key, value=value, headers=[], timestamp=0.0)


@pytest.mark.parametrize(("stage", "made", "word"), STAGES, ids=[stage for stage, _, _ in STAGES])
async def test_a_defect_parks_its_record_at_every_stage(
    stage: str, made: Callable[[Desk], Process], word: Callable[[str], Message]
) -> None:
    """With its bytes and its place, so that it can be sent again once the defect is fixed."""
    on = Desk()
    bad = word(BAD).to_bytes()
    await made(on)([message(word(GOOD).to_bytes()), message(bad, b"bad", 6), message(word(GOOD).to_bytes(), b"k", 7)])
    (parked,) = on.batching_producer.parked()
    assert (parked.stage, parked.source, parked.original_bytes()) == (stage, "t/2@6", bad)
    assert "RecursionError: planted" in parked.message
    assert on.table.rows, "the others went on"


@pytest.mark.parametrize("error", [KafkaConnectionError, OSError, TimeoutError, NewerMessage, asyncio.CancelledError])
def test_what_says_nothing_of_the_record_passes_nothing_over(error: type[BaseException]) -> None:
    outputs: list[Record] = []
    each = EachRecord("fetch", Desk().output)
    planted = error("Change", 9, 1) if error is NewerMessage else error()
    with pytest.raises(error), each.of(message(b"{}"), outputs):
        raise planted
    assert outputs == []


def test_a_defect_of_many_ends_the_worker_instead_of_emptying_the_topic() -> None:
    """Of many keys: one key may have as many records as it likes. One that goes well says that it is about the others."""
    outputs: list[Record] = []
    each = EachRecord("fetch", Desk().output)

    def fail(number: int) -> None:
        with each.of(message(b"{}", b"key %d" % number), outputs):
            raise KeyError(number)

    for _ in range(10):
        fail(0)
    with each.of(message(b"{}"), outputs):
        pass
    for number in range(MOST_KEYS):
        fail(number)
    fail(0)
    assert len(outputs) == 11 + MOST_KEYS
    with pytest.raises(KeyError):
        fail(MOST_KEYS)
    assert len(outputs) == 11 + MOST_KEYS
