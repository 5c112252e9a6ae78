"""Endpoints of verifications."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.api.parked import OfConnection
from streams.console.services.verifications import Verification


class NewVerification(Input):
    """What is compared: a connection, or one lead of it by its Lofty id. `is_repair`: what is wrong is repaired, too."""

    connection: str = Field(max_length=63)
    lead: str = Field("", max_length=40)
    is_repair: bool = False


ENDPOINTS = (
    Endpoint(
        *("GET", "/verifications", "get-verifications", "verifications"),
        *("The newest comparisons of GHL with Lofty.", "viewer", tuple[Verification, ...]),
        lambda call: call.services.runs.verifications.all(call.query.connection),
        query=OfConnection,
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/verifications/{id}", "get-verification", "verifications"),
        *("One comparison: its progress, then its findings.", "viewer", Verification),
        lambda call: call.services.runs.verifications.get(call.path["id"]),
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/verifications", "start-verification", "verifications"),
        *("Compare GHL with Lofty, and repair what differs if wanted.", "operator", Verification),
        lambda call: call.services.runs.verifications.start_verification(
            call.by, call.body.connection, call.body.lead, is_repair=call.body.is_repair
        ),
        body=NewVerification,
        errors=(404, 429),
        concerns="filtered",
    ),
)
