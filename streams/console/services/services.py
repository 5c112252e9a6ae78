"""All services of a gateway, and the one place that wires them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.console.auth.audit_log import AuditWriter
from streams.console.auth.sessions import Seal
from streams.console.services.audit import AuditReader
from streams.console.services.backfill import Backfills
from streams.console.services.conflicts import Conflicts
from streams.console.services.connections import Connections
from streams.console.services.contacts import Contacts
from streams.console.services.locations import Locations
from streams.console.services.mapping import Mappings
from streams.console.services.notifications import Notifications
from streams.console.services.notifier import Count
from streams.console.services.overview import DeploymentFollower, OverviewService
from streams.console.services.parked import ParkedWork
from streams.console.services.replay import Replays
from streams.kafka.batching_producer import BatchingProducer
from streams.operations.history.index.reader import IndexReader
from streams.operations.notifications.sent_log import SentLog
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages and the API use."""

    settings: Settings
    follower: DeploymentFollower
    overview: OverviewService
    contacts: Contacts
    parked: ParkedWork
    conflicts: Conflicts
    connections: Connections
    locations: Locations
    mapping: Mappings
    backfill: Backfills
    replay: Replays
    audit: AuditReader
    notifications: Notifications

    async def start(self) -> None:
        """Start what runs beside the requests."""
        for service in (self.follower, self.mapping, self.replay, self.notifications):
            await service.start()

    async def stop(self) -> None:
        """Stop it."""
        for service in (self.notifications, self.follower, self.mapping, self.replay):
            await service.stop()


def services_of(
    settings: Settings,
    reader: IndexReader | None,
    audit: AuditWriter,
    seal: Seal,
    batching_producer: Callable[[], BatchingProducer],
    now_ms: Callable[[], int],
    gateway: str = "",
    count: Count = lambda way, result, *, is_retry=False: None,
) -> Services:
    """All services. `reader` is None where the index is switched off. `gateway` is this process's id, `count` counts notifications."""
    follower = DeploymentFollower(settings, now_ms)
    mappings = Mappings(settings, reader, audit, now_ms)
    parked = ParkedWork(settings, reader, audit, now_ms)
    backfills = Backfills(settings, audit, now_ms)

    contacts = Contacts(settings, reader, now_ms, mappings.settings, follower.overview)
    return Services(
        settings=settings,
        follower=follower,
        overview=OverviewService(follower, parked, contacts),
        contacts=contacts,
        parked=parked,
        conflicts=Conflicts(settings, audit),
        connections=Connections(settings, parked, backfills, audit, seal, batching_producer, now_ms),
        locations=Locations(settings, audit),
        mapping=mappings,
        backfill=backfills,
        replay=Replays(settings, audit, now_ms),
        audit=AuditReader(settings, reader, now_ms),
        notifications=Notifications(
            settings, audit, SentLog(settings, batching_producer, gateway), follower.seen, gateway, now_ms, count
        ),
    )
