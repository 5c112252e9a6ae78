"""Opportunities: a location's pipelines with their stages, and what is in them, one of a contact in each pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.ghl.answers import Followers, OpportunityPage
from connectors.ghl.call import GhlAnswer, GhlCaller
from connectors.ghl.wire import GhlOpportunity, LostReason, Pipeline


class OpportunityCalls(GhlCaller):
    """The operations on pipelines and opportunities.

    A location has one opportunity of a contact in a pipeline, unless its settings allow more: a second one is refused with
    400, and `meta.existingId` is the one that exists. GHL's upsert names no contact, so look first and then create or update.
    """

    async def list_pipelines(self, location_id: str) -> tuple[Pipeline, ...]:
        """The pipelines of a location with their stages, all in one answer."""
        return (await self.call("get-pipelines", query={"locationId": location_id})).many(Pipeline, "pipelines")

    async def list_lost_reasons(self, location_id: str, *, skip: int = 0, limit: int = 100) -> tuple[LostReason, ...]:
        """Why opportunities are lost, in the location's own words: `lostReasonId` takes their ids."""
        query = {"locationId": location_id, "skip": str(skip), "limit": str(limit)}
        return (await self.call("get-lost-reason", query=query)).many(LostReason, "lostReasons")

    async def search_opportunities(
        self,
        location_id: str,
        *,
        contact_id: str | None = None,
        pipeline_id: str | None = None,
        status: str | None = None,
        page: int = 1,
        limit: int = 100,
    ) -> OpportunityPage:
        """Search by what is given, the newest first. Answers lag writes, so a new opportunity may not be there yet."""
        query = {
            "location_id": location_id,
            "contact_id": contact_id,
            "pipeline_id": pipeline_id,
            "status": status,
            "page": str(page),
            "limit": str(limit),
        }
        return _page(await self.call("search-opportunity", query=query))

    async def search_opportunities_by_text(
        self, location_id: str, text: str, *, search_after: Sequence[str] = (), limit: int = 100
    ) -> OpportunityPage:
        """Search by a text, such as a contact's name. Answers lag writes."""
        details = dict.fromkeys(("notes", "tasks", "calendarEvents", "unReadConversations"), False)
        body = {
            "locationId": location_id,
            "query": text,
            "limit": limit,
            "page": 1,
            "searchAfter": list(search_after),
            "additionalDetails": details,
        }
        return _page(await self.call("search-opportunities-advanced", body=body))

    async def get_opportunity(self, opportunity_id: str) -> GhlOpportunity:
        """One opportunity in its present state."""
        return (await self.call("get-opportunity", {"id": opportunity_id})).one(GhlOpportunity, "opportunity")

    async def create_opportunity(self, fields: Mapping[str, Any]) -> GhlOpportunity:
        """A new opportunity. Not safe to repeat where a location allows several of a contact in a pipeline."""
        return (await self.call("create-opportunity", body=fields)).one(GhlOpportunity, "opportunity")

    async def update_opportunity(self, opportunity_id: str, fields: Mapping[str, Any]) -> GhlOpportunity | None:
        """Change these fields. The opportunity after it, when GHL sends it."""
        answer = await self.call("update-opportunity", {"id": opportunity_id}, body=fields)
        return answer.one_or_none(GhlOpportunity, "opportunity")

    async def set_opportunity_status(
        self, opportunity_id: str, status: str, *, lost_reason_id: str | None = None
    ) -> None:
        """Mark an opportunity as open, won, lost or abandoned."""
        body = {"status": status} if lost_reason_id is None else {"status": status, "lostReasonId": lost_reason_id}
        await self.call("update-opportunity-status", {"id": opportunity_id}, body=body)

    async def upsert_opportunity(self, fields: Mapping[str, Any]) -> GhlOpportunity:
        """Update the opportunity that `id` names. GHL's document wants followers in it, and knows no contact."""
        return (await self.call("Upsert-opportunity", body=fields)).one(GhlOpportunity, "opportunity")

    async def delete_opportunity(self, opportunity_id: str) -> None:
        """Delete an opportunity."""
        await self.call("delete-opportunity", {"id": opportunity_id})

    async def add_opportunity_followers(self, opportunity_id: str, user_ids: Sequence[str]) -> Followers:
        """Let users follow an opportunity."""
        ids, body = {"id": opportunity_id}, {"followers": list(user_ids)}
        answer = await self.call("add-followers-opportunity", ids, body=body)
        return Followers(answer.texts("followers"), answer.texts("followersAdded"))

    async def remove_opportunity_followers(self, opportunity_id: str, user_ids: Sequence[str]) -> Followers:
        """Let users follow an opportunity no longer (a DELETE with a body)."""
        ids, body = {"id": opportunity_id}, {"followers": list(user_ids)}
        answer = await self.call("remove-followers-opportunity", ids, body=body)
        return Followers(answer.texts("followers"), answer.texts("followersRemoved"))


def _page(answer: GhlAnswer) -> OpportunityPage:
    meta = answer.value("meta")
    total = meta.get("total") if isinstance(meta, dict) else answer.value("total")
    return OpportunityPage(answer.many(GhlOpportunity, "opportunities"), total if isinstance(total, int) else None)
