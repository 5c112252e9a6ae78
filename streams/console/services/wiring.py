"""The one place that wires the services."""

from __future__ import annotations

from collections.abc import Callable

from streams.console.auth.audit_log import Audit
from streams.console.auth.sessions import Seal
from streams.console.services.audit import AuditLog
from streams.console.services.backfill import Backfills
from streams.console.services.connections import Connections
from streams.console.services.contacts import Contacts
from streams.console.services.mapping import Mappings
from streams.console.services.overview import OverviewService, Watch
from streams.console.services.parked import ParkedWork
from streams.console.services.replay import Replays
from streams.console.services.services import Services
from streams.kafka.batching_producer import BatchingProducer
from streams.operations.history.index.reader import IndexReader
from streams.operations.status.overview import Overview
from streams.settings import Settings


def services_of(
    settings: Settings,
    reader: IndexReader | None,
    watch: Watch,
    mappings: Mappings,
    replays: Replays,
    audit: Audit,
    seal: Seal,
    batching_producer: Callable[[], BatchingProducer],
    now_ms: Callable[[], int],
) -> Services:
    """All services. `reader` is None where the index is switched off."""
    parked = ParkedWork(settings, reader, audit, now_ms)
    backfills = Backfills(settings, audit, now_ms)

    async def deployment() -> Overview:
        return (await watch.deployment())[0]

    contacts = Contacts(settings, reader, now_ms, mappings.settings, deployment)
    return Services(
        settings=settings,
        overview=OverviewService(watch, parked, contacts),
        contacts=contacts,
        parked=parked,
        connections=Connections(settings, parked, backfills, audit, seal, batching_producer, now_ms),
        mapping=mappings,
        backfill=backfills,
        replay=replays,
        audit=AuditLog(settings, reader, now_ms),
    )
