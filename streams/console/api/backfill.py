"""Endpoints of backfills."""

from __future__ import annotations

from streams.console.api.endpoint import Endpoint
from streams.console.services.backfill import BackfillState

ENDPOINTS = (
    Endpoint(
        *(
            "GET",
            "/backfills",
            "get-backfills",
            "backfills",
            "How far the import of each connection's existing leads is.",
            "viewer",
        ),
        *(tuple[BackfillState, ...], lambda call: call.services.backfill.all()),
        concerns="filtered",
    ),
    Endpoint(
        *(
            "POST",
            "/backfills/{connection}",
            "order-backfill",
            "backfills",
            "Import the existing leads of a connection.",
            "operator",
        ),
        *(BackfillState, lambda call: call.services.backfill.order(call.by, call.path["connection"])),
        errors=(404, 409),
    ),
)
