"""Endpoints of contacts: the list, the search, and the timeline of one."""

from __future__ import annotations

from pydantic import Field

from streams.console.api import leads
from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.contacts import Search, Timeline


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


async def _search(call: ApiCall) -> Search:
    query = call.query
    return await call.services.contacts.search(
        query.q, connection=query.connection, limit=query.limit, offset=query.offset
    )


ENDPOINTS = (
    Endpoint(
        *("GET", "/contacts", "search-contacts", "contacts", "Find contacts.", "viewer"),
        *(Search, _search, SearchQuery),
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/contacts/{connection}/{lead}", "explain-contact", "contacts", "The timeline of one contact."),
        *("viewer", Timeline, lambda call: call.services.contacts.timeline(**call.path)),
        errors=(404,),
    ),
    Endpoint(
        *("GET", "/explain", "explain", "contacts", "The timelines of all contacts with this id or address.", "viewer"),
        *(tuple[Timeline, ...], lambda call: call.services.contacts.explain(**call.arguments), ExplainQuery),
        concerns="filtered",
    ),
    *leads.ENDPOINTS,
)
