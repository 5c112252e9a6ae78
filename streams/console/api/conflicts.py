"""Endpoints of conflicts: who is who."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.api.parked import OfConnection
from streams.console.services.conflicts import ConflictList
from streams.operations.conflicts.decide import ConflictOutcome


class ConflictDecision(Input):
    """What a person says of a lead and of whom it has something in common with."""

    connection: str = Field(max_length=63)
    lead: str = Field(max_length=128, description="the id of a lead that the list names as `person`")
    contact: str = Field(
        "", max_length=128, description="only towards this GHL contact, `other_contact_id` in the list"
    )
    decision: Literal["same", "apart"] = Field(description="`same`: they are one person; `apart`: they are two")


ENDPOINTS = (
    Endpoint(
        *("GET", "/conflicts", "get-conflicts", "conflicts", "What two people have in common.", "viewer"),
        *(ConflictList, lambda call: call.services.conflicts.found(**call.arguments), OfConnection),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/conflicts/decide", "decide-conflict", "conflicts", "Decide who is who.", "operator"),
        *(ConflictOutcome, lambda call: call.services.conflicts.decide(call.by, **call.arguments)),
        body=ConflictDecision,
        errors=(404, 409),
        concerns="filtered",
    ),
)
