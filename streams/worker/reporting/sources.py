"""The parts of a worker from which its status is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.kafka.batching_producer import BatchingProducer
from streams.worker.dispatch.deployments import Deployments
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.oauth_tokens import OAuthTokens
from streams.worker.dispatch.settling_reads import SettlingReads
from streams.worker.partitions.lease import Lease
from streams.worker.partitions.ownership import Ownership
from streams.worker.tables import Tables


@dataclass(frozen=True, slots=True)
class StatusSources:
    """Made once the worker has all of them."""

    tables: Tables
    lease: Lease
    ownership: Ownership
    reading: DispatchLoop
    writing: DispatchLoop
    tokens: OAuthTokens | None
    batching_producer: BatchingProducer
    failing_seconds: Callable[[], float]
    deployments: Deployments
    settling: SettlingReads
