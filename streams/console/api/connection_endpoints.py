"""The endpoints of connections: the list, their settings, and what is done with one of them."""

from __future__ import annotations

from streams.console.api import connection_acts, connection_edits, connections, rehearsals
from streams.console.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *connections.ENDPOINTS,
    *connection_edits.ENDPOINTS,
    *connection_acts.ENDPOINTS,
    *rehearsals.ENDPOINTS,
)
