"""What the parts of one worker share, put together once its producer is there."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.to_ghl.deployment_mark import deployment_id
from streams.kafka.parking import Parking
from streams.messages.size_limits import SizeLimits
from streams.messages.topics import RECEIPTS, TopicNames
from streams.settings import Settings
from streams.worker.connections import LiveConnections
from streams.worker.dependencies import Dependencies
from streams.worker.output import Output
from streams.worker.partitions.applied_offsets import AppliedOffsets
from streams.worker.partitions.lease import Lease
from streams.worker.partitions.ownership import Hooks, Ownership
from streams.worker.producing import WorkerProducer
from streams.worker.reporting import Reporter
from streams.worker.tables import Tables


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What dispatchers and agents of one worker are made from. The connections of `settings` are those of the start: `connections` are the live ones."""

    settings: Settings
    deps: Dependencies
    names: TopicNames
    connections: LiveConnections
    tables: Tables
    output: Output
    lease: Lease
    ownership: Ownership
    applied_offsets: AppliedOffsets
    reporter: Reporter
    deployment: str
    """This deployment's id, as its marks on the locations name it."""


def new_parts(
    deps: Dependencies, producer: WorkerProducer, lease: Lease, reporter: Reporter, hooks: Hooks, cluster_id: str
) -> WorkerParts:
    """The parts, with tables that are not recovered yet. `reporter` knows the settings and the names of topics."""
    settings, names, batching = reporter.settings, reporter.names, producer.batching
    keeps_all = deps.broker_keeps_all
    tables = Tables.of(
        *(settings, names, batching, deps.monotonic, deps.end),
        keeps_all=keeps_all,
        opening=deps.opening,
        sharers=deps.processes,
    )

    def row_failed(table: str, error: BaseException) -> None:
        deps.end(f"Kafka did not take a row of the table {table} ({error}).")

    for table in tables.every_table:
        table.failed = row_failed
    limits = SizeLimits.of(settings.gateway.max_body_bytes)
    parking = Parking(names, settings.kafka.partitions, deps.metrics.put_aside, limits)
    applied_offsets = AppliedOffsets()
    receipts_topic = names.of(RECEIPTS)
    ownership = Ownership(deps.instance, receipts_topic, batching, applied_offsets, deps.now_ms, hooks)
    return WorkerParts(
        settings=settings,
        deps=deps,
        names=names,
        connections=reporter.connections,
        tables=tables,
        output=Output(batching, parking, deps.now_ms),
        lease=lease,
        ownership=ownership,
        applied_offsets=applied_offsets,
        reporter=reporter,
        deployment=deployment_id(cluster_id, settings.kafka.topic_prefix),
    )
