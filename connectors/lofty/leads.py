"""Leads: read one, list them by page or by scroll, write them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.auth.api_caller import Query
from connectors.lofty.call import LoftyAnswer, LoftyCaller

LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Some leads, raw. `total` counts all that match; `scroll_id` leads to the next page. `is_repaired`: see `Objects`."""

    leads: tuple[dict[str, Any], ...]
    total: int | None = None
    scroll_id: str | None = None
    is_repaired: bool = False


class LeadCalls(LoftyCaller):
    """The operations on leads. Leads come as Lofty's own JSON: the mapping reads that."""

    async def get_lead(self, lead_id: str, *, with_trash: bool = False) -> dict[str, Any]:
        """One lead. 404/20006: missing, without access, not visible yet, or in the trash (seen with `with_trash`)."""
        query: Query = {"withTrash": True} if with_trash else {}
        answer = await self.call("get-lead", {"leadId": lead_id}, query=query)
        lead = answer.object("lead")
        answer.demand_team(self._team, (lead,))
        return lead

    async def list_leads(
        self,
        *,
        limit: int = LARGEST_PAGE,
        offset: int | None = None,
        scroll_id: str | None = None,
        filters: Query | None = None,
    ) -> LeadPage:
        """One page of leads, at most 100, from `offset` on or after the page that gave `scroll_id`.

        `filters` are Lofty's own parameters (`stage`, `sort`, `desc`, …): it ignores a name that it does not know, and
        answers 200 with unfiltered leads. So the page must confirm its limit, or `MalformedAnswer` is raised.
        """
        query: Query = {**(filters or {}), "limit": limit, "offset": offset, "scrollId": scroll_id}
        answer = await self.call("list-leads", query=query)
        leads = answer.objects("leads")
        answer.demand_team(self._team, leads)
        metadata = confirmed(answer, limit)
        total, scroll = metadata.get("total"), metadata.get("scrollId")
        return LeadPage(
            tuple(leads), total if isinstance(total, int) else None, str(scroll) if scroll else None, leads.is_repaired
        )

    async def each_lead(self, *, limit: int = LARGEST_PAGE, filters: Query | None = None) -> AsyncIterator[LeadPage]:
        """All leads, page after page, by scroll where Lofty gives one, else by offset. Ends after the last page."""
        seen, scroll = 0, None
        while True:
            page = await self.list_leads(
                limit=limit, offset=None if scroll else seen, scroll_id=scroll, filters=filters
            )
            if page.leads:
                yield page
            seen, scroll = seen + len(page.leads), page.scroll_id
            # A short page need not be the last: leads that vanish while we scroll leave holes.
            if not page.leads or (seen >= page.total if page.total is not None else len(page.leads) < limit):
                return

    async def create_lead(self, fields: Mapping[str, Any]) -> str:
        """A new lead. Lofty may merge it into an existing one: the id may then be of a lead that is gone (404)."""
        return (await self.call("create-lead", body=dict(fields))).id("leadId")

    async def update_lead(self, lead_id: str, fields: Mapping[str, Any]) -> None:
        """Change these fields. `tags` replaces all tags; `tagsAdd` and `tagsRemove` do not."""
        await self.call("update-lead", {"leadId": lead_id}, body=dict(fields))

    async def delete_lead(self, lead_id: str, *, reason: str) -> None:
        """Put a lead into the trash. The API cannot restore it."""
        await self.call("delete-lead", {"leadId": lead_id}, query={"reason": reason})


def confirmed(answer: LoftyAnswer, limit: int) -> dict[str, Any]:
    """A page's metadata. Raises `MalformedAnswer` when Lofty used another limit than it was asked for."""
    metadata = answer.metadata()
    if metadata.get("limit") != limit:
        raise answer.malformed(f"_metadata.limit {limit} (it says {metadata.get('limit')!r})")
    return metadata
