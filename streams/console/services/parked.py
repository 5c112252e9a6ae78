"""Parked work: by cause, by record; sending it on its way again, giving it up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible, visible
from streams.console.errors import NotFound, WrongInput
from streams.console.services.kafka_errors import KafkaTurn, on_kafka
from streams.console.services.retry_outcomes import Retries, RetryOutcome
from streams.messages import Parked, ParkedDecision
from streams.messages.parked_decision import Decision
from streams.messages.topics import PARKED, RESOLVED, TopicNames
from streams.operations.history.index.reader import IndexReader, NoIndex, ParkedLine
from streams.operations.history.index.sources import sources
from streams.operations.history.record_fetch import RecordPosition, fetch_records
from streams.operations.parked.open_records import ParkedItem, RecordFilter, RetryRecord, by_cause
from streams.operations.parked.queue import ParkedQueue
from streams.settings import Settings

NO_SUCH_RECORD = "This record is no longer there: records are kept for 90 days."
KEPT_SECONDS = 2.0
LONGEST_WORDS = 2_000
MOST_ORIGINAL = 200_000
SEEN_SECONDS = 3.0
"""How long a decision waits until the index has read it, so that the next list no longer shows the record."""


@dataclass(frozen=True, slots=True)
class ParkedGroup:
    """What is parked for one cause. `words` are the vendor's own, of the newest record."""

    connection: str
    stage: str
    reason: str
    count: int
    oldest_ms: int
    newest_ms: int
    words: str


@dataclass(frozen=True, slots=True)
class ParkedGroups:
    """All causes, the most frequent first."""

    groups: tuple[ParkedGroup, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """One record in a list."""

    id: str
    connection: str
    stage: str
    reason: str
    entity: str
    words: str
    status: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class ParkedPage:
    """Some records, the newest first."""

    rows: tuple[ParkedRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """One record, whole. `original` is the text that could not go on; `is_cut` when it is longer than shown."""

    id: str
    connection: str
    stage: str
    reason: str
    entity: str
    words: str
    status: int | None
    trace_id: str
    source: str
    at_ms: int
    original: str
    original_bytes: int
    is_cut: bool
    is_open: bool
    same_cause: int


@dataclass(frozen=True, slots=True)
class Left:
    """A record that cannot be tried again, and why."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Decided:
    """How many were decided about, and which were not. By `retry` the console says what came of records that were sent again."""

    count: int
    left: tuple[Left, ...] = ()
    retry: str = ""


class ParkedWork:
    """What waits for a person."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        reader: IndexReader | None,
        audit: AuditWriter,
        now_ms: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._audit = audit
        self._now_ms = now_ms
        self._names = TopicNames(settings().kafka.topic_prefix)
        self._topic = self._names.of(PARKED)
        self._resolved = next(one.code for one in sources(self._names) if one.short == RESOLVED)
        self._kept: tuple[float, tuple[ParkedItem, ...]] = (-KEPT_SECONDS, ())
        self._looking = KafkaTurn()
        self._read: dict[str, Parked] = {}
        self._retries = Retries()

    async def groups(self, connection: str = "") -> ParkedGroups:
        """What is open, by cause."""
        chosen = [one for one in await self._open() if RecordFilter(connection=connection).takes(one)]
        return ParkedGroups(tuple(_group(*one) for one in by_cause(chosen)), len(chosen))

    async def records(self, wanted: RecordFilter, *, limit: int = 50, offset: int = 0) -> ParkedPage:
        """What is open of some kind, the newest first."""
        chosen = await self._chosen(wanted)
        rows = tuple(_row(one) for one in reversed(chosen))
        return ParkedPage(rows[offset : offset + limit], len(rows))

    async def record(self, record: str) -> ParkedRecord:
        """One record, open or not."""
        partition, _, offset = record.partition("@")
        if not (partition.isdigit() and offset.isdigit() and len(partition) < 6 and len(offset) < 19):
            raise NotFound(f"{record[:40]!r} is not the id of a record: the list of what needs attention has them.")
        if int(partition) >= self._settings().kafka.partitions:
            raise NotFound(NO_SUCH_RECORD)
        position = RecordPosition(self._topic, int(partition), int(offset))
        found = await on_kafka(lambda: fetch_records(self._settings(), [position]))
        if position not in found:
            raise NotFound(NO_SUCH_RECORD)
        item = ParkedItem.of(position.partition, position.offset, found[position].key, found[position].value)
        one = item.parked
        items = await self._open()
        if not is_visible(_connection_of(item)):
            raise NotFound(NO_SUCH_RECORD)
        name = item.connection or "?"
        same = sum(RecordFilter(name, one.stage, one.reason).takes(item) for item in items)
        original = one.original_bytes()
        text = original[:MOST_ORIGINAL].decode(errors="replace")
        return ParkedRecord(
            *(record, name, one.stage, one.reason, one.entity or "", one.message[:LONGEST_WORDS]),
            *(one.status, one.trace_id or "", one.source, one.at_ms, text, len(original)),
            is_cut=len(original) > MOST_ORIGINAL,
            is_open=any(item.id == record for item in items),
            same_cause=same,
        )

    async def retry(self, by: Actor, wanted: RecordFilter) -> Decided:
        """Send records on their way again. Those that cannot be are left, each with the reason."""
        chosen = await self._whole(await self._chosen(_named(wanted)))
        ready, failed = ParkedQueue(self._settings()).ready(chosen, self._now_ms())
        left = tuple(Left(record, why) for record, why in failed.items())
        decided = await self._decide(by, "parked retry", wanted, "retried", ready, left)
        retried = self._retries.add((item for item, _ in ready), self._now_ms(), by.name)
        return replace(decided, retry=retried.id if ready else "")

    async def outcome(self, retry: str) -> RetryOutcome:
        """What came of a retry so far."""
        retried = self._retries.get(retry)
        if retried is None or not all(map(is_visible, retried.connections)):
            raise NotFound("This gateway does not follow that retry: it was made at another one, or long ago.")
        pending = None
        if self._reader is not None:
            with suppress(NoIndex):
                pending = await self._reader.pending_entities(retried.entities)
        return retried.outcome(await self._open(), pending)

    async def discard(self, by: Actor, wanted: RecordFilter) -> Decided:
        """Give records up: they are no longer listed."""
        nothing: Sequence[RetryRecord] = ()
        ready = [(item, nothing) for item in await self._chosen(_named(wanted))]
        return await self._decide(by, "parked discard", wanted, "discarded", ready, ())

    async def _decide(
        self,
        by: Actor,
        action: Action,
        wanted: RecordFilter,
        decision: Decision,
        ready: Sequence[tuple[ParkedItem, Sequence[RetryRecord]]],
        left: tuple[Left, ...],
    ) -> Decided:
        about = {name: str(getattr(wanted, name)) for name in RecordFilter.__slots__ if getattr(wanted, name)}
        async with self._audit.acting(by, action, {**about, "records": str(len(ready))}) as result:
            resolution = ParkedDecision(record="", decision=decision, at_ms=self._now_ms(), by=by.name)
            if ready:
                await on_kafka(lambda: ParkedQueue(self._settings()).decide(ready, resolution))
            result.detail = f"{len(ready)} {decision}" + (f", {len(left)} left" if left else "")
        self._kept = (-KEPT_SECONDS, ())
        await self._until_seen([item.id for item, _ in ready[-1:]])
        return Decided(len(ready), left)

    async def _chosen(self, wanted: RecordFilter) -> list[ParkedItem]:
        return [item for item in await self._open() if wanted.takes(item)]

    async def _open(self) -> tuple[ParkedItem, ...]:
        """What waits and whoever asks may see, the oldest first."""
        return visible(await self._open_of_all(), _connection_of)

    async def _open_of_all(self) -> tuple[ParkedItem, ...]:
        """All that waits; looked up again after two seconds."""
        async with self._looking:
            at, items = self._kept
            if time.monotonic() - at < KEPT_SECONDS:
                return items
            found = await self._by_index() if self._reader is not None else None
            if found is None:
                found = tuple(await on_kafka(lambda: ParkedQueue(self._settings()).open()))
            self._kept = (time.monotonic(), found)
            return found

    async def _by_index(self) -> tuple[ParkedItem, ...] | None:
        """By the index; None while it is being built. The words of records are read once and kept."""
        assert self._reader is not None  # asked before
        try:
            fresh = await self._reader.freshness()
            lines = await self._reader.open_parked()
        except NoIndex:
            return None
        if not fresh.is_complete or not fresh.is_alive(time.time_ns() // 1_000_000):
            return None
        wanted = {_id(one): RecordPosition(self._topic, one.partition, one.offset) for one in lines}
        missing = [position for record, position in wanted.items() if record not in self._read]
        if missing:
            found = await on_kafka(lambda: fetch_records(self._settings(), missing))
            for position, message in found.items():
                record = f"{position.partition}@{position.offset}"
                self._read[record] = _lean(
                    ParkedItem.of(position.partition, position.offset, message.key, message.value).parked
                )
        self._read = {record: one for record, one in self._read.items() if record in wanted}
        return tuple(ParkedItem(_id(one), self._read[_id(one)]) for one in lines if _id(one) in self._read)

    async def _whole(self, items: list[ParkedItem]) -> list[ParkedItem]:
        """The same records with their bytes."""
        positions = {
            item.id: RecordPosition(self._topic, *(int(part) for part in item.id.split("@"))) for item in items
        }
        found = await on_kafka(lambda: fetch_records(self._settings(), positions.values()))
        return [
            ParkedItem.of(position.partition, position.offset, found[position].key, found[position].value)
            for item in items
            if (position := positions[item.id]) in found
        ]

    async def _until_seen(self, records: list[str]) -> None:
        if self._reader is None or not records:
            return
        until = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < until:
            try:
                if all([await self._reader.is_resolved(record) for record in records]):
                    return
            except NoIndex:
                return
            await asyncio.sleep(0.05)


def _named(wanted: RecordFilter) -> RecordFilter:
    if wanted == RecordFilter():
        raise WrongInput("Say which: a connection, a stage, a reason, an entity or a record.")
    return wanted


def _connection_of(item: ParkedItem) -> str:
    return item.connection or ""


def _id(line: ParkedLine) -> str:
    return f"{line.partition}@{line.offset}"


def _lean(one: Parked) -> Parked:
    """Without the bytes, which only a retry needs."""
    return one.model_copy(update={"original": "", "message": one.message[:LONGEST_WORDS]})


def _group(cause: tuple[str, str, str], items: list[ParkedItem]) -> ParkedGroup:
    newest = max(items, key=lambda one: one.parked.at_ms).parked
    oldest_ms = min(one.parked.at_ms for one in items)
    return ParkedGroup(*cause, len(items), oldest_ms, newest.at_ms, newest.message[:LONGEST_WORDS])


def _row(item: ParkedItem) -> ParkedRow:
    one = item.parked
    return ParkedRow(
        *(item.id, item.connection or "?", one.stage, one.reason, one.entity or ""),
        *(one.message[:LONGEST_WORDS], one.status, one.at_ms),
    )
