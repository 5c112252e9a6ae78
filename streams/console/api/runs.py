"""The endpoint of the history of runs."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.run_list import RunKind, RunPage


class RunQuery(Input):
    """Narrows to one connection, and to one kind."""

    connection: str = Field("", max_length=63)
    kind: RunKind | None = None


ENDPOINTS = (
    Endpoint(
        *("GET", "/runs", "get-runs", "runs"),
        *(
            "The newest imports, checks, comparisons, rehearsals, acts and applied mappings, whichever gateway ran them.",
            "viewer",
            RunPage,
        ),
        lambda call: call.services.runs.history.page(call.query.connection, call.query.kind or ""),
        query=RunQuery,
        concerns="filtered",
    ),
)
