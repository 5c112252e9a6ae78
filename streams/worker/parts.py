"""What the parts of one worker share."""

from __future__ import annotations

from dataclasses import dataclass

from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions
from streams.worker.dependencies import Dependencies
from streams.worker.output import Output
from streams.worker.partitions.applied_offsets import AppliedOffsets
from streams.worker.partitions.lease import Lease
from streams.worker.partitions.ownership import Ownership
from streams.worker.reporting import Reporter
from streams.worker.tables import Tables


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What dispatchers and agents of one worker are made from."""

    settings: Settings
    deps: Dependencies
    names: TopicNames
    connection_partitions: ConnectionPartitions
    tables: Tables
    output: Output
    lease: Lease
    ownership: Ownership
    applied_offsets: AppliedOffsets
    reporter: Reporter
