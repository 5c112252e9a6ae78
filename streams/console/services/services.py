"""All services of a gateway."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.services.audit import AuditLog
from streams.console.services.backfill import Backfills
from streams.console.services.connections import Connections
from streams.console.services.contacts import Contacts
from streams.console.services.mapping import Mappings
from streams.console.services.overview import OverviewService
from streams.console.services.parked import ParkedWork
from streams.console.services.replay import Replays
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages and the API are given."""

    settings: Settings
    overview: OverviewService
    contacts: Contacts
    parked: ParkedWork
    connections: Connections
    mapping: Mappings
    backfill: Backfills
    replay: Replays
    audit: AuditLog
