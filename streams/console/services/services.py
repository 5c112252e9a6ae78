"""All services of a gateway, and the one place that wires them."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.services.audit import AuditReader
from streams.console.services.backfill import Backfills
from streams.console.services.conflicts import Conflicts
from streams.console.services.connections import Connections
from streams.console.services.contacts import Contacts
from streams.console.services.dependencies import ServiceDependencies
from streams.console.services.locations import Locations
from streams.console.services.mapping import Mappings
from streams.console.services.notifications import Notifications
from streams.console.services.overview import DeploymentFollower, OverviewService
from streams.console.services.parked import ParkedWork
from streams.console.services.replay import Replays
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


def services_of(deps: ServiceDependencies) -> Services:
    """All services."""
    settings, reader, audit, now_ms = deps.settings, deps.reader, deps.audit, deps.now_ms
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
        connections=Connections(
            *(settings, parked, backfills, audit, deps.seal, deps.batching_producer, now_ms),
            *(mappings.settings, contacts.leads),
        ),
        locations=Locations(settings, audit),
        mapping=mappings,
        backfill=backfills,
        replay=Replays(settings, audit, now_ms),
        audit=AuditReader(settings, reader, now_ms),
        notifications=Notifications(deps, follower.seen),
    )
