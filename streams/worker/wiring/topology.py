"""Which agent reads which topic, in one place: the way of a change, the way back, and what operators ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.parking import Parking, bounded
from streams.messages import Stage
from streams.messages.size_limits import CHANGE_BYTES
from streams.messages.topics import (
    CHANGES,
    FETCHES,
    GHL_CHANGES,
    INSPECTIONS,
    LOFTY_WRITES,
    OBSERVATIONS,
    RECEIPTS,
    REPLAYS,
    SNAPSHOTS,
    SWEEPS,
    TOKENS,
    TopicNames,
)
from streams.settings import Settings
from streams.settings.partitions import Places
from streams.worker.agents.batches import Process
from streams.worker.agents.dedupe import dedupe
from streams.worker.agents.deliver import deliver
from streams.worker.agents.fetch import fetch
from streams.worker.agents.inspect import inspect
from streams.worker.agents.record import record
from streams.worker.agents.replay import replay
from streams.worker.agents.sweep import sweep
from streams.worker.agents.tokens import tokens
from streams.worker.dependencies import Dependencies
from streams.worker.partitions.applied_offsets import AppliedOffsets
from streams.worker.partitions.ownership import Ownership
from streams.worker.reporting import Reporter
from streams.worker.tables import Tables
from streams.worker.wiring.dispatchers import Dispatchers

NOT_RESUMED = frozenset({SNAPSHOTS, TOKENS})
"""Compacted topics, where events that the consumer skipped cannot be told from compacted ones."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What agents are made of. `agents` gives each as its name, its topic and what it does with a batch."""

    settings: Settings
    deps: Dependencies
    names: TopicNames
    places: Places
    tables: Tables
    batching_producer: BatchingProducer
    parking: Parking
    reporter: Reporter
    recorded: AppliedOffsets
    ownership: Ownership
    dispatchers: Dispatchers

    def agents(self) -> Iterator[tuple[str, str, Process]]:
        """Every agent of a worker. What is too large for their rows is parked before."""
        for name, topic, process in (*self._way_there(), *self._way_back(), *self._asked_for()):
            yield name, topic, self._bounded(name, process)

    def _bounded(self, name: str, process: Process) -> Process:
        limits = self.parking.limits
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
            batching_producer=self.batching_producer,
            parking=self.parking,
            now_ms=self.deps.now_ms,
        )

    def _way_there(self) -> Iterator[tuple[str, str, Process]]:
        """A change of Lofty: deduplicated, read, put where it is wanted, written, recorded."""
        deps, tables, dispatchers, names = self.deps, self.tables, self.dispatchers, self.names
        yield (
            "dedupe",
            CHANGES,
            dedupe(
                seen=tables.seen,
                batching_producer=self.batching_producer,
                parking=self.parking,
                fetches_topic=names.of(FETCHES),
                lofty_partitions={name: self.places.lofty(c) for name, c in self.settings.connections.items()},
                now_ms=deps.now_ms,
                count=lambda decision: deps.metrics.changes.labels(decision).inc(),
                new_trace=self.reporter.new_trace,
                traced=self.reporter.admitted if deps.tracing.is_on else None,
            ),
        )
        yield (
            "fetch",
            FETCHES,
            fetch(
                fetches=tables.fetches,
                batching_producer=self.batching_producer,
                parking=self.parking,
                offer=dispatchers.offer_read,
                now_ms=deps.now_ms,
            ),
        )
        yield (
            "deliver",
            SNAPSHOTS,
            deliver(
                outbox=tables.outbox,
                links=tables.links,
                batching_producer=self.batching_producer,
                parking=self.parking,
                receipts_topic=names.of(RECEIPTS),
                settled_as=dispatchers.settled_as,
                offer=dispatchers.offer_write,
                epoch=self.ownership.epoch,
                under_way=dispatchers.under_way,
                now_ms=deps.now_ms,
                count=deps.metrics.delivered,
            ),
        )
        yield (
            "record",
            RECEIPTS,
            record(
                links=tables.links,
                outbox=tables.outbox,
                batching_producer=self.batching_producer,
                parking=self.parking,
                settled_as=dispatchers.settled_as,
                ask=dispatchers.ask,
                recorded=self.recorded.advance,
                linked=dispatchers.back.linked,
                now_ms=deps.now_ms,
            ),
        )

    def _way_back(self) -> Iterator[tuple[str, str, Process]]:
        """An event of GHL: judged, and what it asks of Lofty done."""
        yield "respond", GHL_CHANGES, self.dispatchers.back.respond_process()
        yield "write_back", LOFTY_WRITES, self.dispatchers.back.write_back_process()

    def _asked_for(self) -> Iterator[tuple[str, str, Process]]:
        """What people and commands ask: replays, sweeps, inspections, and access given."""
        deps, tables, batching_producer, parking = self.deps, self.tables, self.batching_producer, self.parking
        dispatchers = self.dispatchers
        yield (
            "replay",
            REPLAYS,
            replay(
                outbox=tables.outbox,
                links=tables.links,
                batching_producer=batching_producer,
                parking=parking,
                settled_as=dispatchers.settled_as,
                offer=dispatchers.offer_write,
                epoch=self.ownership.epoch,
                under_way=dispatchers.under_way,
                now_ms=deps.now_ms,
                count=lambda decision: deps.metrics.snapshots.labels(f"replayed: {decision}").inc(),
            ),
        )
        yield (
            "sweep",
            SWEEPS,
            sweep(
                sweeps=tables.sweeps,
                batching_producer=batching_producer,
                parking=parking,
                offer=dispatchers.sweeper.offer_sweep,
                now_ms=deps.now_ms,
            ),
        )
        yield (
            "inspect",
            INSPECTIONS,
            inspect(
                ask=dispatchers.inspector.ask,
                batching_producer=batching_producer,
                parking=parking,
                observations_topic=self.names.of(OBSERVATIONS),
                now_ms=deps.now_ms,
            ),
        )
        if dispatchers.tokens is not None:
            adopt = dispatchers.tokens.adopt
            yield (
                "tokens",
                TOKENS,
                tokens(
                    table=tables.tokens,
                    batching_producer=batching_producer,
                    parking=parking,
                    adopt=adopt,
                    now_ms=deps.now_ms,
                ),
            )
