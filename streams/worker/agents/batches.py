"""Takes what is there: batches from a Faust stream without waiting for them to fill.

Faust's `take_events` wakes up by a timer, which costs latency at light load and processor time when idle.
Here the first event is awaited, and whatever has gathered in the stream's queue meanwhile goes with it.
Only while events come faster than one at a time does a batch gather for some milliseconds more: under load, fewer and
larger batches carry more, at light load nothing waits.
Events are acknowledged only after the batch was processed, in order, so that a commit never passes work in progress
(concurrency above one would: faust-streaming issue 606).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from faust.types import EventT, StreamT

from streams.messages.message import NewerMessage
from streams.worker.agents.gap_check import GapCheck, OffsetGap, TopicPartition
from streams.worker.agents.in_progress import InProgress

MOST_EVENTS = 500
"""A batch's size at most: the work that a crash repeats."""

BUSY_EVENTS = 4
"""A batch of more than this says that events come faster than they are taken."""

GATHER_SECONDS = 0.01
"""How long the next batch then gathers. Measured in `tests/bench`: it more than halves the cost of a record under load."""

log = logging.getLogger("lofty_ghl.agents")

ResumesAt = Callable[[TopicPartition], Awaitable[int]]
TellDeleted = Callable[[list[OffsetGap]], Awaitable[None]]
Process = Callable[[list[Any]], Awaitable[None]]


class WorkerStops(Exception):
    """Raised by a process that waits for what comes no longer: its batch is read again by whoever comes next."""


async def batches(stream: StreamT[Any], most: int = MOST_EVENTS) -> AsyncIterator[list[EventT[Any]]]:
    """Yield what has arrived, at least one event, at most `most`. Acknowledges a batch when the next one is asked for."""
    stream.enable_acks = False
    queue = stream.channel.queue  # type: ignore[attr-defined]  # a topic's channel, not a plain iterable
    consumer = stream.app.consumer
    is_busy = False
    async for first in stream.events():
        if is_busy:
            await asyncio.sleep(GATHER_SECONDS)
        events = [first]
        while len(events) < most and not queue.empty():
            try:
                event = queue.get_nowait()
            except StopAsyncIteration:
                # The worker stops: Faust says so through the queue. What was taken is not acknowledged, and read again.
                # Raised as an error, Faust would restart the agent, then wait for its end and never see it.
                return
            message = event.message
            if message.generation_id != stream.app.consumer_generation_id:
                continue  # fetched before the last rebalance: it will be fetched again by whoever owns it now
            if not message.tracked:
                message.tracked = True
                consumer.track_message(message)
            events.append(event)
        is_busy = len(events) > BUSY_EVENTS
        yield events
        for event in events:
            await stream.ack(event)


def agent(
    name: str,
    process: Process,
    in_progress: InProgress,
    end: Callable[[str], None],
    resumes_at: ResumesAt | None = None,
    tell_deleted: TellDeleted | None = None,
) -> Callable[[StreamT[Any]], Awaitable[None]]:
    """The body of an agent: hand each batch of Kafka messages to `process`.

    `process` parks what it cannot read. If it raises all the same (Kafka does not take our writes, or a defect of ours),
    the process ends at once and without committing (`end`): Faust would skip the events and commit past them.
    The supervisor starts it again, and the same events are read again.
    So it does in front of a record that a newer release wrote: that is for whoever can read it.
    So it does when the consumer has skipped events. `resumes_at` asks Kafka for the offset at which the group goes on in a
    place; None is for compacted topics, where skipped events cannot be distinguished from compacted ones.

    Kafka may have deleted events before they were read: `tell_deleted` finds them by the gaps in a batch's offsets, and reports them.
    """

    async def consume(stream: StreamT[Any]) -> None:
        gap_check = GapCheck()
        async for events in batches(stream):
            try:
                with in_progress.working():
                    gaps = _gaps(gap_check, events) if resumes_at or tell_deleted else []
                    for gap in gaps:
                        if resumes_at is not None and gap.came > await resumes_at(gap.topic_partition):
                            end(f"Agent {name}: the consumer has skipped {gap}. They are read at the next start.")
                    if gaps and tell_deleted is not None:
                        await tell_deleted(gaps)
                    await process([event.message for event in events])
            except WorkerStops:
                return  # as `batches` does: what was taken is not acknowledged
            except NewerMessage as error:
                where = " ".join(getattr(error, "__notes__", ()))
                end(f"Agent {name} stops in front of a record of a newer release: {error}. {where}")
            except Exception:
                log.critical("agent %s failed with %d records", name, len(events), exc_info=True)
                end(
                    f"Agent {name} failed. Its records are read again. If this repeats, look for the first error in the log."
                )

    consume.__name__ = name
    return consume


def _gaps(gap_check: GapCheck, events: list[EventT[Any]]) -> list[OffsetGap]:
    messages = [event.message for event in events]
    checked = (gap_check.check((one.topic, one.partition), one.generation_id or 0, one.offset) for one in messages)
    return [gap for gap in checked if gap is not None]
