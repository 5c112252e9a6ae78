"""The endpoints of the API."""

from __future__ import annotations

from streams.console.api import (
    audit,
    backfill,
    conflicts,
    connection_endpoints,
    contacts,
    leads,
    mapping,
    notifications,
    overview,
    parked,
    replay,
    sign_in,
    verifications,
)
from streams.console.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    endpoint
    for page in (
        *(sign_in, overview, connection_endpoints, contacts, leads),
        *(parked, conflicts, backfill, audit, mapping, replay, notifications, verifications),
    )
    for endpoint in page.ENDPOINTS
)
