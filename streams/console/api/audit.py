"""The endpoint of the audit."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.audit import AuditPage


class AuditQuery(Input):
    """Which acts."""

    who: str = Field("", max_length=100)
    before: str = Field("", max_length=60, description="the `after` of the page before")
    limit: int = Field(50, ge=1, le=500)


ENDPOINTS = (
    Endpoint(
        *("GET", "/audit", "get-audit", "audit", "Who did what, the newest first.", "viewer"),
        *(AuditPage, lambda call: call.services.audit.page(**call.arguments), AuditQuery),
        concerns="filtered",
    ),
)
