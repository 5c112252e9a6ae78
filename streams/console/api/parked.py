"""Endpoints of parked records."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.parked import Decided, ParkedGroups, ParkedPage, ParkedRecord
from streams.console.services.retry_outcomes import RetryOutcome
from streams.operations.parked.open_records import RecordFilter


class OfConnection(Input):
    """Narrows to one connection."""

    connection: str = Field("", max_length=63)


class ParkedChoice(Input):
    """Which parked records; at least one field must be named. `id` is as the list has it."""

    connection: str = Field("", max_length=63)
    stage: str = Field("", max_length=40)
    reason: str = Field("", max_length=200)
    entity: str = Field("", max_length=300)
    id: str = Field("", max_length=40)


class ParkedQuery(Input):
    """Which parked records; an empty field is any."""

    connection: str = Field("", max_length=63)
    stage: str = Field("", max_length=40)
    reason: str = Field("", max_length=200)
    entity: str = Field("", max_length=300, description="a lead's id, or a key with * for any text")
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0)


async def _records(call: ApiCall) -> ParkedPage:
    query = call.query
    wanted = RecordFilter(query.connection, query.stage, query.reason, query.entity)
    return await call.services.parked.records(wanted, limit=query.limit, offset=query.offset)


ENDPOINTS = (
    Endpoint(
        *("GET", "/parked", "get-parked-groups", "parked", "What is parked, by cause.", "viewer"),
        *(ParkedGroups, lambda call: call.services.parked.groups(**call.arguments), OfConnection),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/parked/records", "get-parked-records", "parked", "Parked records, the newest first.", "viewer"),
        *(ParkedPage, _records, ParkedQuery),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/parked/records/{id}", "get-parked-record", "parked", "One record, with its bytes.", "viewer"),
        *(ParkedRecord, lambda call: call.services.parked.record(call.path["id"])),
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/parked/retry", "retry-parked", "parked", "Retry parked records.", "operator"),
        *(Decided, lambda call: call.services.parked.retry(call.by, RecordFilter(**call.arguments))),
        body=ParkedChoice,
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/parked/retries/{id}", "get-parked-retry", "parked", "What came of a retry so far.", "viewer"),
        *(RetryOutcome, lambda call: call.services.parked.outcome(call.path["id"])),
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/parked/discard", "discard-parked", "parked", "Discard parked records.", "operator"),
        *(Decided, lambda call: call.services.parked.discard(call.by, RecordFilter(**call.arguments))),
        body=ParkedChoice,
        concerns="filtered",
    ),
)
