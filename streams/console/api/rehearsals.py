"""Endpoints of what comes before an import: whose accounts they are, and a rehearsal."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.rehearsals import Rehearsal
from streams.operations.access_check import AccessCheck

_PATH = "/connections/{connection}/rehearsals"


class NewRehearsal(Input):
    """How much is rehearsed: the oldest `sample` leads, or all where it is null."""

    sample: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


ENDPOINTS = (
    Endpoint(
        *("POST", "/connections/{connection}/check-access", "check-access", "connections"),
        *(
            "Read a little of both accounts: whose they are, and which permissions are missing.",
            "operator",
            AccessCheck,
        ),
        lambda call: call.services.locations.check_access(call.by, call.path["connection"]),
        errors=(404, 503),
    ),
    Endpoint(
        *("GET", _PATH, "get-rehearsals", "rehearsals"),
        *("The newest rehearsals of a connection.", "viewer", tuple[Rehearsal, ...]),
        lambda call: call.services.runs.rehearsals.of(call.path["connection"]),
    ),
    Endpoint(
        *("GET", f"{_PATH}/{{id}}", "get-rehearsal", "rehearsals"),
        *("One rehearsal: its progress, then what it found.", "viewer", Rehearsal),
        lambda call: call.services.runs.rehearsals.get(call.path["connection"], call.path["id"]),
        errors=(404,),
    ),
    Endpoint(
        *("POST", _PATH, "start-rehearsal", "rehearsals"),
        *("Find out what an import of the leads would do. Nothing is written.", "operator", Rehearsal),
        lambda call: call.services.runs.rehearsals.start_rehearsal(call.by, call.path["connection"], call.body.sample),
        body=NewRehearsal,
        errors=(404, 429),
    ),
)
