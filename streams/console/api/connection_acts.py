"""Endpoints of acts on many connections at once."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.bulk_acts import MOST_CONNECTIONS, BulkAct, BulkRun


class NewBulkAct(Input):
    """What is done, on which connections. `refresh` reads the custom fields and users of their GHL locations again."""

    act: BulkAct
    connections: list[str] = Field(min_length=1, max_length=MOST_CONNECTIONS)


ENDPOINTS = (
    Endpoint(
        *("POST", "/connection-acts", "start-connection-act", "connections"),
        *("Pause, resume, compare or refresh many connections, one after the other.", "operator", BulkRun),
        lambda call: call.services.runs.bulk.start(call.by, call.body.act, call.body.connections),
        body=NewBulkAct,
        errors=(404, 429),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/connection-acts/{run}", "get-connection-act", "connections"),
        *("What came of an act on many connections, for each.", "viewer", BulkRun),
        lambda call: call.services.runs.bulk.get(call.path["run"]),
        errors=(404,),
        concerns="filtered",
    ),
)
