"""What a contact belongs to: tags, followers, campaigns, workflows, businesses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from connectors.ghl.answers import BulkTagged, Followers
from connectors.ghl.call import GhlCaller


class RelationCalls(GhlCaller):
    """The operations that join a contact to something, or part them."""

    async def add_tags(self, contact_id: str, tags: Sequence[str]) -> tuple[str, ...]:
        """Add tags to those that are there. GHL keeps them in lower case, and answers with all of them."""
        answer = await self.call("add-tags", {"contactId": contact_id}, body={"tags": list(tags)})
        return answer.texts("tags")

    async def remove_tags(self, contact_id: str, tags: Sequence[str]) -> tuple[str, ...]:
        """Remove these tags and no others (a DELETE with a body). Answers with those that are left."""
        answer = await self.call("remove-tags", {"contactId": contact_id}, body={"tags": list(tags)})
        return answer.texts("tags")

    async def tag_many(
        self, kind: Literal["add", "remove"], location_id: str, contact_ids: Sequence[str], tags: Sequence[str]
    ) -> BulkTagged:
        """Add tags to, or remove them from, many contacts. It succeeds in part: look at `refused`."""
        answer = await self.call(
            "create-association",
            {"type": kind},
            body={"contacts": list(contact_ids), "tags": list(tags), "locationId": location_id},
        )
        responses = [one for one in answer.value("responses") or () if isinstance(one, dict)]
        return BulkTagged(
            tuple(str(one.get("contactId")) for one in responses if one.get("type") == "success"),
            {str(one.get("contactId")): str(one.get("message")) for one in responses if one.get("type") != "success"},
        )

    async def add_followers(self, contact_id: str, user_ids: Sequence[str]) -> Followers:
        """Let users follow a contact."""
        answer = await self.call("add-followers-contact", {"contactId": contact_id}, body={"followers": list(user_ids)})
        return Followers(answer.texts("followers"), answer.texts("followersAdded"))

    async def remove_followers(self, contact_id: str, user_ids: Sequence[str]) -> Followers:
        """Let users follow a contact no longer (a DELETE with a body)."""
        answer = await self.call(
            "remove-followers-contact", {"contactId": contact_id}, body={"followers": list(user_ids)}
        )
        return Followers(answer.texts("followers"), answer.texts("followersRemoved"))

    async def add_to_campaign(self, contact_id: str, campaign_id: str) -> None:
        """Start a campaign for a contact."""
        await self.call("add-contact-to-campaign", {"contactId": contact_id, "campaignId": campaign_id}, body={})

    async def remove_from_campaign(self, contact_id: str, campaign_id: str) -> None:
        """End a campaign for a contact."""
        await self.call("remove-contact-from-campaign", {"contactId": contact_id, "campaignId": campaign_id})

    async def remove_from_every_campaign(self, contact_id: str) -> None:
        """End all campaigns for a contact."""
        await self.call("remove-contact-from-every-campaign", {"contactId": contact_id})

    async def add_to_workflow(self, contact_id: str, workflow_id: str, *, start_time: str | None = None) -> None:
        """Start a workflow for a contact, at an ISO 8601 time with offset or at once."""
        body = {} if start_time is None else {"eventStartTime": start_time}
        await self.call("add-contact-to-workflow", {"contactId": contact_id, "workflowId": workflow_id}, body=body)

    async def remove_from_workflow(self, contact_id: str, workflow_id: str, *, start_time: str | None = None) -> None:
        """End a workflow for a contact (a DELETE with a body)."""
        body = {} if start_time is None else {"eventStartTime": start_time}
        await self.call("delete-contact-from-workflow", {"contactId": contact_id, "workflowId": workflow_id}, body=body)

    async def set_business(
        self, location_id: str, contact_ids: Sequence[str], business_id: str | None
    ) -> tuple[str, ...]:
        """Put contacts into a business, or with None out of theirs. Answers with the contacts changed."""
        answer = await self.call(
            "add-remove-contact-from-business",
            body={"locationId": location_id, "ids": list(contact_ids), "businessId": business_id},
        )
        return answer.texts("ids")
