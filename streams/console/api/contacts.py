"""Endpoints that only look."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Asked, Endpoint, Input
from streams.console.services.audit import AuditPage
from streams.console.services.backfill import BackfillState
from streams.console.services.connections import ConnectionState
from streams.console.services.contacts import Search, Timeline
from streams.console.services.overview import History, OverviewNow
from streams.console.services.parked import ParkedFilter, ParkedGroups, ParkedPage, ParkedRecord


class SearchQuery(Input):
    """What is looked for."""

    q: str = Field(min_length=1, max_length=200, description="a name, e-mail address, phone number, Lofty id or GHL id")
    connection: str = Field("", max_length=63)
    limit: int = Field(25, ge=1, le=100)
    offset: int = Field(0, ge=0, le=5000)


class ExplainQuery(Input):
    """Whose story is wanted."""

    who: str = Field(
        min_length=1, max_length=200, description="a Lofty lead's id, a GHL contact's id, an e-mail address"
    )
    connection: str = Field("", max_length=63)


class OfConnection(Input):
    """Narrows to one connection."""

    connection: str = Field("", max_length=63)


class ParkedQuery(Input):
    """Which parked records; an empty field is any."""

    connection: str = Field("", max_length=63)
    stage: str = Field("", max_length=40)
    reason: str = Field("", max_length=200)
    entity: str = Field("", max_length=300, description="a lead's id, or a key with * for any text")
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0)


class AuditQuery(Input):
    """Which acts."""

    who: str = Field("", max_length=100)
    before: str = Field("", max_length=60, description="the `after` of the page before")
    limit: int = Field(50, ge=1, le=500)


async def _overview(asked: Asked) -> OverviewNow:
    return await asked.services.overview.now()


async def _history(asked: Asked) -> History:
    return await asked.services.overview.history()


async def _connections(asked: Asked) -> tuple[ConnectionState, ...]:
    return await asked.services.connections.all()


async def _search(asked: Asked) -> Search:
    one = asked.query
    return await asked.services.contacts.search(one.q, connection=one.connection, limit=one.limit, offset=one.offset)


async def _timeline(asked: Asked) -> Timeline:
    return await asked.services.contacts.timeline(asked.path["connection"], asked.path["lead"])


async def _explain(asked: Asked) -> tuple[Timeline, ...]:
    return await asked.services.contacts.explain(asked.query.who.strip(), asked.query.connection)


async def _groups(asked: Asked) -> ParkedGroups:
    return await asked.services.parked.groups(asked.query.connection)


async def _records(asked: Asked) -> ParkedPage:
    one = asked.query
    wanted = ParkedFilter(one.connection, one.stage, one.reason, one.entity)
    return await asked.services.parked.records(wanted, limit=one.limit, offset=one.offset)


async def _record(asked: Asked) -> ParkedRecord:
    return await asked.services.parked.record(asked.path["id"])


async def _backfills(asked: Asked) -> tuple[BackfillState, ...]:
    return await asked.services.backfill.all()


async def _audit(asked: Asked) -> AuditPage:
    one = asked.query
    return await asked.services.audit.page(who=one.who, before=one.before, limit=one.limit)


ENDPOINTS = (
    Endpoint(
        *("GET", "/overview", "get-overview", "overview", "The deployment as its workers tell it.", "viewer"),
        *(OverviewNow, _overview),
    ),
    Endpoint(
        *("GET", "/overview/history", "get-history", "overview", "Rates, lag and age of the last hours.", "viewer"),
        *(History, _history),
    ),
    Endpoint(
        *("GET", "/connections", "get-connections", "connections", "How each connection stands.", "viewer"),
        *(tuple[ConnectionState, ...], _connections),
    ),
    Endpoint(
        *("GET", "/contacts", "search-contacts", "contacts", "Find contacts.", "viewer"),
        *(Search, _search, SearchQuery),
        refuses=(404,),
    ),
    Endpoint(
        *("GET", "/contacts/{connection}/{lead}", "explain-contact", "contacts", "The story of one contact.", "viewer"),
        *(Timeline, _timeline),
        refuses=(404,),
    ),
    Endpoint(
        *("GET", "/explain", "explain", "contacts", "The stories of whom an id or address names exactly.", "viewer"),
        *(tuple[Timeline, ...], _explain, ExplainQuery),
    ),
    Endpoint(
        *("GET", "/parked", "get-parked-groups", "parked", "What is parked, by cause.", "viewer"),
        *(ParkedGroups, _groups, OfConnection),
    ),
    Endpoint(
        *("GET", "/parked/records", "get-parked-records", "parked", "Parked records, the newest first.", "viewer"),
        *(ParkedPage, _records, ParkedQuery),
    ),
    Endpoint(
        *("GET", "/parked/records/{id}", "get-parked-record", "parked", "One record, with its bytes.", "viewer"),
        *(ParkedRecord, _record),
        refuses=(404,),
    ),
    Endpoint(
        *(
            "GET",
            "/backfills",
            "get-backfills",
            "backfills",
            "How each connection's reading of Lofty stands.",
            "viewer",
        ),
        *(tuple[BackfillState, ...], _backfills),
    ),
    Endpoint(
        *("GET", "/audit", "get-audit", "audit", "Who did what, the newest first.", "viewer"),
        *(AuditPage, _audit, AuditQuery),
    ),
)
