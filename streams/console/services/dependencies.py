"""What the services of a gateway are made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.console.auth.audit_log import AuditWriter
from streams.console.auth.sessions import Seal
from streams.console.services.notifier import Count
from streams.kafka.batching_producer import BatchingProducer
from streams.operations.history.index.reader import IndexReader
from streams.settings import Settings


def count_nothing(way: str, result: str, is_retry: bool) -> None:
    """Where nobody reads metrics."""


@dataclass(frozen=True, slots=True)
class ServiceDependencies:
    """`reader` is None where the index is switched off. `gateway` is this process's id, `count` counts notifications."""

    settings: Settings
    reader: IndexReader | None
    audit: AuditWriter
    seal: Seal
    batching_producer: Callable[[], BatchingProducer]
    now_ms: Callable[[], int]
    gateway: str = ""
    count: Count = count_nothing
