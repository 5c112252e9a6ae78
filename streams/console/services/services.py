"""All services of a gateway, and the one place that wires them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from streams.console.services.audit import AuditReader
from streams.console.services.backfill import Backfills
from streams.console.services.conflicts import Conflicts
from streams.console.services.connection_changes import (
    ConnectionAccess,
    ConnectionEdits,
    ConnectionImports,
    Installations,
)
from streams.console.services.connections import Connections
from streams.console.services.contacts import Contacts
from streams.console.services.dependencies import ServiceDependencies
from streams.console.services.locations import Locations
from streams.console.services.mapping import Mappings
from streams.console.services.notifications import Notifications
from streams.console.services.overview import DeploymentFollower, OverviewService
from streams.console.services.parked import ParkedWork
from streams.console.services.replay import Replays
from streams.console.services.runs import Runs
from streams.settings import Settings


class _Running(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages and the API use."""

    current: Callable[[], Settings]
    follower: DeploymentFollower
    overview: OverviewService
    contacts: Contacts
    parked: ParkedWork
    conflicts: Conflicts
    connections: Connections
    connection_access: ConnectionAccess
    connection_edits: ConnectionEdits
    connection_imports: ConnectionImports
    installations: Installations
    locations: Locations
    mapping: Mappings
    backfill: Backfills
    replay: Replays
    runs: Runs
    audit: AuditReader
    notifications: Notifications

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.current()

    @property
    def connection_names(self) -> tuple[str, ...]:
        """The connections in force that whoever asks may see, sorted."""
        return self.mapping.connection_names

    async def start(self) -> None:
        """Start what runs beside the requests."""
        for service in self._running:
            await service.start()

    async def stop(self) -> None:
        """Stop it."""
        for service in reversed(self._running):
            await service.stop()

    @property
    def _running(self) -> tuple[_Running, ...]:
        return (
            *(self.follower, self.mapping, self.connections, self.backfill),
            *(self.connection_edits, self.replay, self.runs, self.notifications),
        )


def services_of(deps: ServiceDependencies) -> Services:
    """All services."""
    settings, reader, audit, now_ms = deps.settings, deps.reader, deps.audit, deps.now_ms
    mappings = Mappings(settings, reader, audit, now_ms)
    current = mappings.settings
    follower = DeploymentFollower(settings, current, now_ms)
    parked = ParkedWork(current, reader, audit, now_ms)
    backfills = Backfills(current, audit, now_ms)

    async def served() -> set[str]:
        return {one.connection for one in (await follower.overview()).connections if one.is_owned}

    edits = ConnectionEdits(mappings.editor, audit, served, mappings.check_visible_mapping, now_ms)
    contacts = Contacts(current, reader, now_ms, audit, follower.overview)
    locations = Locations(current, audit)
    connections = Connections(current, parked, backfills, edits.unfinished, contacts.leads)
    installations = Installations(edits, audit, connections.tokens.until_granted, deps.batching_producer, now_ms)
    replays = Replays(current, audit, now_ms)
    return Services(
        current=current,
        follower=follower,
        overview=OverviewService(follower, parked, contacts),
        contacts=contacts,
        parked=parked,
        conflicts=Conflicts(current, audit, reader),
        connections=connections,
        connection_access=ConnectionAccess(deps, current, connections.tokens),
        connection_edits=edits,
        connection_imports=ConnectionImports(edits, installations.give_access, audit, now_ms),
        installations=installations,
        locations=locations,
        mapping=mappings,
        backfill=backfills,
        replay=replays,
        runs=Runs.of(deps, current, edits, locations, replays, backfills),
        audit=AuditReader(settings, reader, now_ms),
        notifications=Notifications(deps, current, follower.seen),
    )
