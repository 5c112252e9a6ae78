"""Runs a replay: sends its records in order, and records its progress only for what Kafka has acknowledged.

A process that is killed sends its last records once more when the replay is resumed. That changes nothing, because each record
is judged by the state at its arrival. So nothing is skipped, and nothing is written twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from streams.core.fingerprint import fingerprint
from streams.kafka.group_lag import GroupLag
from streams.kafka.record_store import RecordStore
from streams.messages import Replay
from streams.messages.topics import PARKED, RESOLVED, SNAPSHOTS, TopicNames
from streams.operations.replay.errors import EditedMeanwhile, OtherMapping
from streams.operations.replay.runs import Runs
from streams.operations.replay.semantics import under
from streams.operations.replay.sources import Handling, ReplaySource, ReplayStep, source_of
from streams.operations.replay.throttle import Throttle
from streams.operations.worker_queries.directories import ask_directories
from streams.settings import Connection, Settings

DEFAULT_RATE = 200.0
"""Records a second: a hundred thousand snapshots take eight minutes, and the workers have most of their time for live work."""

SAVE_SECONDS = 1.0
MOST_IN_A_BATCH = 1000

Phase = Literal["reading", "sending", "waiting for the workers"]

COUNTERS: dict[Handling, str] = {"sent": "handed", "skipped": "passed", "failed": "left"}
"""The counter of `Replay` for each handling; the message keeps the names of its first release."""


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """What a replay does now. While `reading`, `topic` and `number` say what was read."""

    phase: Phase
    replay: Replay
    topic: str = ""
    number: int = 0


Report = Callable[[ReplayProgress], None]


async def run_replay(
    settings: Settings,
    runs: Runs,
    replay: Replay,
    *,
    rate: float = DEFAULT_RATE,
    report: Report = lambda progress: None,
    report_failed: Callable[[str, str], None] = lambda key, why: None,
    stop: asyncio.Event | None = None,
) -> Replay:
    """Run a replay from its last position to its end, or until `stop`. Returns it in its last state.

    A replay of snapshots that was stopped under other mappings than those of `settings` begins again.
    `report_failed` takes the key of each record that cannot be replayed, and the reason.
    Raises `CannotReplay`, `NoWorker`, and aiokafka's errors.
    """
    if other := await _connection_of_other_mapping(settings, replay):
        raise OtherMapping(other)
    replay = under_mappings(settings, replay)
    lag = GroupLag(settings, TopicNames(settings.kafka.topic_prefix).group)
    throttle = Throttle(rate, lag)
    try:
        with RecordStore() as store:
            source = source_of(settings, replay, store, _now_ms())
            replay = await runs.put(await _gathered(source, replay, report))
            saved = time.monotonic()
            for batch in _batches(source.steps(replay.position), throttle.batch_size):
                await throttle.wait_for_turn(sum(bool(step.records) for step in batch), partial(_wait, report, replay))
                if stop is not None and stop.is_set():
                    return await runs.put(_moved(replay, state="stopped"))
                await _send(settings, runs, throttle, batch)
                for step in batch:
                    if step.handling == "failed":
                        report_failed(step.key, step.why)
                replay = _counted(replay, batch)
                if time.monotonic() - saved >= SAVE_SECONDS:
                    replay, saved = await runs.put(replay), time.monotonic()
                report(ReplayProgress("sending", replay))
            replay = await runs.put(replay)
            await throttle.wait_for_workers(0, partial(_wait, report, replay))
            if other := await _connection_of_other_mapping(settings, replay):
                await runs.put(_moved(replay, state="stopped"))
                raise EditedMeanwhile(other, replay.run)
            return await runs.put(_moved(replay, state="done"))
    finally:
        await lag.aclose()


async def _gathered(source: ReplaySource, replay: Replay, report: Report) -> Replay:
    """The replay once its topic is read, with the number of its records."""
    chosen = await source.gather(lambda topic, number: report(ReplayProgress("reading", replay, topic, number)))
    if replay.selection.topic != PARKED:
        return _moved(replay, state="running", chosen=chosen)
    done = replay.handed + replay.passed + replay.left  # records that were sent are not parked any longer
    return _moved(replay, state="running", chosen=chosen + done, left=0)


def _wait(report: Report, replay: Replay) -> None:
    report(ReplayProgress("waiting for the workers", replay))


def under_mappings(settings: Settings, replay: Replay) -> Replay:
    """A replay as it continues under these settings: from its last position, or from its beginning (`semantics.under`)."""
    if replay.selection.topic != SNAPSHOTS:
        return replay
    fingerprints = {connection.name: connection.mapping_fingerprint for connection in _selected(settings, replay)}
    return under(replay, fingerprint(fingerprints))


def _selected(settings: Settings, replay: Replay) -> list[Connection]:
    wanted = replay.selection.connection
    return [connection for connection in settings.connections.values() if wanted in ("", connection.name)]


async def _connection_of_other_mapping(settings: Settings, replay: Replay) -> str:
    """A connection whose worker writes by another mapping than that of `settings`; empty where none does, or none matters."""
    if replay.selection.topic != SNAPSHOTS:
        return ""
    answers = await ask_directories(settings, _selected(settings, replay))
    connections = settings.connections
    differing = (name for name, answer in answers.items() if answer.mapping != connections[name].mapping_fingerprint)
    return next(differing, "")


async def _send(settings: Settings, runs: Runs, throttle: Throttle, batch: list[ReplayStep]) -> None:
    resolved = TopicNames(settings.kafka.topic_prefix).of(RESOLVED)
    records = [record for step in batch for record in step.records]
    offsets = await runs.batching_producer.produce(records)
    for record, offset in zip(records, offsets, strict=True):
        if record.topic != resolved:
            throttle.record_sent((record.topic, record.partition), offset)
    await runs.batching_producer.produce([record for step in batch for record in step.then])


def _batches(steps: Iterator[ReplayStep], most: int) -> Iterator[list[ReplayStep]]:
    """Steps of which at most `most` are sent."""
    batch: list[ReplayStep] = []
    sent = 0
    for step in steps:
        batch.append(step)
        sent += step.handling == "sent"
        if sent >= most or len(batch) >= MOST_IN_A_BATCH:
            yield batch
            batch, sent = [], 0
    if batch:
        yield batch


def _counted(replay: Replay, batch: list[ReplayStep]) -> Replay:
    counts = {
        counter: getattr(replay, counter) + sum(step.handling == handling for step in batch)
        for handling, counter in COUNTERS.items()
    }
    return _moved(replay, position=batch[-1].key, **counts)


def _moved(replay: Replay, **facts: object) -> Replay:
    return replay.model_copy(update={"moved_ms": _now_ms(), **facts})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
