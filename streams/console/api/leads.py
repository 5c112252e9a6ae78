"""Endpoints of the list of leads, and of its export."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.leads import LeadPage
from streams.operations.history.index.lead_list import LeadFilter
from streams.operations.history.index.lead_rows import LeadState


class LeadQuery(Input):
    """Which leads; what is left out does not matter."""

    connection: str = Field("", max_length=63)
    q: str = Field("", max_length=200, description="a name, e-mail address, phone number, Lofty id or GHL id")
    state: LeadState | None = None
    agent: str = Field("", max_length=200, description="the name of the agent, in any case")
    tag: str = Field("", max_length=200, description="a tag of Lofty's, in any case")
    since: int = Field(0, ge=0, le=9_999_999_999_999, description="read from Lofty at or after this time")

    @property
    def filter(self) -> LeadFilter:
        """The same for the service."""
        return LeadFilter(self.q.strip(), self.state, self.agent.strip(), self.tag.strip(), self.since)


class LeadPageQuery(LeadQuery):
    """Which leads, and which part of them."""

    after: str = Field("", max_length=60, description="the `after` of the page before")
    limit: int = Field(50, ge=1, le=500)


async def _page(call: ApiCall) -> LeadPage:
    query = call.query
    return await call.services.contacts.listing.page(
        query.filter, connection=query.connection, after=query.after, limit=query.limit
    )


async def _export(call: ApiCall) -> web.Response:
    lines = await call.services.contacts.listing.export(call.by, call.query.filter, connection=call.query.connection)
    return web.Response(body=lines, content_type="text/csv", charset="utf-8")


ENDPOINTS = (
    Endpoint(
        *("GET", "/leads", "list-leads", "contacts", "Leads by state, agent, tag and time, page by page.", "viewer"),
        *(LeadPage, _page, LeadPageQuery),
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/leads/export", "export-leads", "contacts", "All leads that fit, as a CSV file.", "viewer"),
        *(str, _export, LeadQuery),
        errors=(404,),
        concerns="filtered",
        answers="text/csv",
    ),
)
