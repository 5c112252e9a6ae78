"""A team: its members, custom fields, tags and webhook subscriptions."""

from __future__ import annotations

from typing import Any

from connectors.lofty.call import LoftyCaller
from connectors.lofty.leads import confirmed
from connectors.lofty.wire import Subscription, read_subscription


class TeamCalls(LoftyCaller):
    """The operations on a team."""

    async def who_am_i(self) -> dict[str, Any]:
        """The member whose access this is: `teamId`, `firstName`, `lastName`, `email`, `roleName`.

        Raises `WrongAccount` when it is a member of another team than expected.
        """
        answer = await self.call("get-me")
        answer.id("teamId")
        me: dict[str, Any] = answer.content
        answer.demand_team(self._team, (me,))
        return me

    async def list_members(self, *, limit: int = 100, offset: int = 0) -> list[dict[str, Any]]:
        """One page of members. Their ids do not match the agent ids on leads: join by e-mail or name."""
        answer = await self.call("list-members", query={"limit": limit, "offset": offset})
        members = answer.objects("members")
        if answer.metadata().get("limit") is not None:
            confirmed(answer, limit)  # a smaller limit than asked for would make a page look like the last one
        return members

    async def list_custom_fields(self) -> list[dict[str, Any]]:
        """The custom fields that leads can have."""
        return (await self.call("list-custom-fields")).objects(None)

    async def list_lead_pipelines(self, *, page: int = 0, page_size: int = 100) -> list[dict[str, Any]]:
        """One page of the stages that leads can be in: `id` and `name`, and a lead's `stage` is such a name.

        Lofty calls them lead pipelines. Pages are counted from 0.
        """
        answer = await self.call("list-lead-pipelines", query={"currPage": page, "pageSize": page_size})
        return answer.objects("pipelines")

    async def list_tags(self) -> list[dict[str, Any]]:
        """Tags: definitions (`leadId` 0) and uses of them, mixed."""
        return (await self.call("list-tags")).objects(None)

    async def list_subscriptions(self) -> tuple[Subscription, ...]:
        """All subscriptions of the team, those of other vendors too: know yours by the callback URL."""
        answer = await self.call("list-subscriptions")
        answer.demand_team(self._team, answer.objects(None))
        return tuple(read_subscription(found, answer.malformed) for found in answer.objects(None))

    async def create_subscription(
        self, list_id: int, callback_url: str, *, limit: int = 5000, permission_mode: int = 1
    ) -> Subscription:
        """Subscribe to one list. Not safe to repeat: a second one doubles every delivery.

        `limit` 5000 is the most, and `permission_mode` 1 covers all leads that the key's owner may see.
        """
        body = {
            "listId": list_id,
            "callbackUrl": callback_url,
            "limit": limit,
            "permissionMode": permission_mode,
        }
        answer = await self.call("create-subscription", body=body)
        return read_subscription(answer.content, answer.malformed)

    async def delete_subscription(self, subscribe_id: str) -> None:
        """End a subscription."""
        await self.call("delete-subscription", {"subscribeId": subscribe_id})
