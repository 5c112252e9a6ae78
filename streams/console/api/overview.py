"""Endpoints of the overview."""

from __future__ import annotations

from streams.console.api.endpoint import Endpoint
from streams.console.services.overview import History, OverviewNow

ENDPOINTS = (
    Endpoint(
        *("GET", "/overview", "get-overview", "overview", "The deployment as its workers report it.", "viewer"),
        *(OverviewNow, lambda call: call.services.overview.now()),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/overview/history", "get-history", "overview", "Rates, lag and age of the last hours.", "viewer"),
        *(History, lambda call: call.services.overview.history()),
        concerns="filtered",
    ),
)
