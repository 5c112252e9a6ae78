"""The endpoints of the API."""

from __future__ import annotations

from streams.console.api import (
    audit,
    backfill,
    conflicts,
    connection_edits,
    connections,
    contacts,
    mapping,
    notifications,
    overview,
    parked,
    replay,
    sign_in,
)
from streams.console.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    endpoint
    for page in (
        *(sign_in, overview, connections, connection_edits, contacts),
        *(parked, conflicts, backfill, audit, mapping, replay, notifications),
    )
    for endpoint in page.ENDPOINTS
)
