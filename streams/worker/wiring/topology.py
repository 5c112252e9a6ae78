"""Which agent reads which topic: the way of a change to GHL, the Lofty sync, and what operators ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.kafka.parking import bounded
from streams.messages import Stage
from streams.messages.size_limits import CHANGE_BYTES
from streams.messages.topics import (
    CHANGES,
    FETCHES,
    GHL_CHANGES,
    LOFTY_WRITES,
    RECEIPTS,
    SNAPSHOTS,
    TOKENS,
)
from streams.worker.agents.batches import Process
from streams.worker.agents.dedupe import dedupe
from streams.worker.agents.deliver import deliver
from streams.worker.agents.desired_states import DesiredStates
from streams.worker.agents.fetch import fetch
from streams.worker.agents.record import record
from streams.worker.newest_edits import NewestEdits
from streams.worker.parts import WorkerParts
from streams.worker.wiring.dispatchers import Dispatchers
from streams.worker.wiring.request_agents import request_agents

NOT_RESUMED = frozenset({SNAPSHOTS, TOKENS})
"""Compacted topics, where events that the consumer skipped cannot be distinguished from compacted ones."""

KEYED_BY = {
    "dedupe": "connection",
    "fetch": "connection",
    "deliver": "connection",
    "record": "connection",
    "write_back": "connection",
    "replay": "connection",
    "sweep": "connection",
    "inspect": "connection",
    "respond": "location",
}
"""What the keys of an agent's topic begin with. Each looks its connections up, or offers to who does. Tokens are of no connection."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What agents are made of. `agents` gives each as its name, its topic and what it does with a batch."""

    parts: WorkerParts
    dispatchers: Dispatchers
    edits: NewestEdits

    def agents(self) -> Iterator[tuple[str, str, Process]]:
        """Every agent of a worker. What is too large for their rows is parked before, and new connections are known before."""
        tables, sender = self.parts.tables, self.dispatchers.ghl.writer.sender
        offers = self.dispatchers.offers
        desired = DesiredStates(
            outbox=tables.outbox,
            links=tables.links,
            settled_as=offers.settled_as,
            epoch=self.parts.ownership.epoch,
            under_way=sender.under_way.get,
            offer=offers.offer_write,
            is_outdated=self.dispatchers.ghl.outdated.are,
            connection=self.parts.connections.get,
        )
        for name, topic, process in (
            *self._change_agents(desired),
            *self._lofty_sync_agents(),
            *request_agents(self.parts, self.dispatchers, desired),
        ):
            if name in KEYED_BY:
                process = self.edits.before(process, self._serves[KEYED_BY[name]])
            yield name, topic, self._bounded(name, process)

    @property
    def _serves(self) -> dict[str, Callable[[str], bool]]:
        return {"connection": self.edits.serves, "location": self.edits.serves_location}

    def _bounded(self, name: str, process: Process) -> Process:
        output = self.parts.output
        limits = output.parking.limits
        # Receipts are the worker's own, and none may be passed over. Tokens are sealed, and a few hundred bytes.
        most: dict[str, tuple[Stage, int]] = {
            "dedupe": ("dedupe", CHANGE_BYTES),
            "fetch": ("fetch", 2 * CHANGE_BYTES),
            "deliver": ("deliver", limits.state),
            "respond": ("respond", limits.state),
            "write_back": ("write back", limits.state),
            "replay": ("replay", limits.state + CHANGE_BYTES),
            "sweep": ("sweep", CHANGE_BYTES),
            "inspect": ("inspect", CHANGE_BYTES),
        }
        if name not in most:
            return process
        stage, most_bytes = most[name]
        return bounded(
            process,
            stage=stage,
            most_bytes=most_bytes,
            batching_producer=output.batching_producer,
            parking=output.parking,
            now_ms=output.now_ms,
        )

    def _change_agents(self, desired: DesiredStates) -> Iterator[tuple[str, str, Process]]:
        """A change of Lofty is deduplicated, read, put where it is wanted, written and recorded."""
        parts, tables, offers = self.parts, self.parts.tables, self.dispatchers.offers
        metrics, output, reporter = parts.deps.metrics, parts.output, parts.reporter
        yield (
            "dedupe",
            CHANGES,
            dedupe(
                seen=tables.seen,
                output=output,
                fetches_topic=parts.names.of(FETCHES),
                lofty_partitions=parts.connections.view(parts.connections.lofty),
                count=lambda decision: metrics.changes.labels(decision).inc(),
                new_trace=reporter.new_trace,
                traced=reporter.admitted if parts.deps.tracing.is_on else None,
            ),
        )
        yield "fetch", FETCHES, fetch(fetches=tables.fetches, output=output, offer=offers.offer_change)
        process = deliver(
            desired=desired,
            output=output,
            receipts_topic=parts.names.of(RECEIPTS),
            snapshots_topic=parts.names.of(SNAPSHOTS),
            count=metrics.delivered,
        )
        yield "deliver", SNAPSHOTS, process
        yield (
            "record",
            RECEIPTS,
            record(
                links=tables.links,
                outbox=tables.outbox,
                output=output,
                settled_as=offers.settled_as,
                request_read=offers.request_read,
                applied_offsets=parts.applied_offsets,
                follower=self.dispatchers.lofty_sync,
                sharing=self.dispatchers.lofty_sync.identities.holders,
                count_left_out=metrics.left_out,
            ),
        )

    def _lofty_sync_agents(self) -> Iterator[tuple[str, str, Process]]:
        """An event of GHL is judged, and what follows from it is written to Lofty."""
        yield "respond", GHL_CHANGES, self.dispatchers.lofty_sync.respond_process()
        yield "write_back", LOFTY_WRITES, self.dispatchers.lofty_sync.write_back_process()
