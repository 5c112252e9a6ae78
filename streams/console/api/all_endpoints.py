"""The endpoints of the API."""

from __future__ import annotations

from streams.console.api import (
    backfill,
    catalogue,
    conflicts,
    connection_endpoints,
    contacts,
    doctor,
    mapping,
    notifications,
    overview,
    parked,
    replay,
    runs,
    verifications,
)
from streams.console.api.access_endpoints import ACCESS_ENDPOINTS
from streams.console.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ACCESS_ENDPOINTS + tuple(
    endpoint
    for page in (
        *(overview, connection_endpoints, contacts),
        *(parked, conflicts, backfill, mapping, replay, notifications, verifications, doctor, runs),
        catalogue,
    )
    for endpoint in page.ENDPOINTS
)
