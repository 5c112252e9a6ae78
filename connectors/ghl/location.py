"""What a location knows beside its contacts: custom fields, custom values, tags, users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from connectors.ghl.call import GhlCaller
from connectors.ghl.wire import GhlCustomField, GhlCustomValue, LocationTag, User


class LocationCalls(GhlCaller):
    """The operations on a location's dictionaries."""

    async def get_location(self, location_id: str) -> dict[str, Any]:
        """The location itself, as GHL shows it: `name`, `settings` and more. Empty where the answer holds none."""
        answer = await self.call("get-location", {"locationId": location_id})
        location = answer.value("location")
        return location if isinstance(location, dict) else {}

    async def takes_duplicates(self, location_id: str) -> bool:
        """Whether several contacts may have one e-mail or phone, by `allows_duplicates`."""
        return allows_duplicates(await self.get_location(location_id))

    async def list_custom_fields(
        self, location_id: str, *, model: Literal["contact", "opportunity", "all"] | None = None
    ) -> tuple[GhlCustomField, ...]:
        """The custom fields of a location: values can be written by these ids only."""
        answer = await self.call("get-custom-fields", {"locationId": location_id}, query={"model": model})
        return answer.many(GhlCustomField, "customFields")

    async def create_custom_field(self, location_id: str, fields: Mapping[str, Any]) -> GhlCustomField:
        """A new custom field. Not safe to repeat: list them first."""
        answer = await self.call("create-custom-field", {"locationId": location_id}, body=fields)
        return answer.one(GhlCustomField, "customField")

    async def list_location_tags(self, location_id: str) -> tuple[LocationTag, ...]:
        """The tags that a location knows."""
        answer = await self.call("get-location-tags", {"locationId": location_id})
        return answer.many(LocationTag, "tags")

    async def list_users(self, location_id: str) -> tuple[User, ...]:
        """The users of a location: their ids are what `assignedTo` takes."""
        return (await self.call("get-user-by-location", query={"locationId": location_id})).many(User, "users")

    async def list_custom_values(self, location_id: str) -> tuple[GhlCustomValue, ...]:
        """The custom values of a location, all in one answer."""
        answer = await self.call("get-custom-values", {"locationId": location_id})
        return answer.many(GhlCustomValue, "customValues")

    async def create_custom_value(self, location_id: str, name: str, value: str) -> GhlCustomValue:
        """A new custom value. Not safe to repeat: list them first."""
        body = {"name": name, "value": value}
        answer = await self.call("create-custom-value", {"locationId": location_id}, body=body)
        return answer.one(GhlCustomValue, "customValue")

    async def update_custom_value(self, location_id: str, value_id: str, name: str, value: str) -> None:
        """Replace a custom value: GHL wants its name, too."""
        ids = {"locationId": location_id, "id": value_id}
        await self.call("update-custom-value", ids, body={"name": name, "value": value})

    async def delete_custom_value(self, location_id: str, value_id: str) -> None:
        """Delete a custom value."""
        await self.call("delete-custom-value", {"locationId": location_id, "id": value_id})


def allows_duplicates(location: Mapping[str, Any]) -> bool:
    """A location's setting Allow Duplicate Contact. A location that does not say so counts as yes: a create then refuses nobody."""
    settings = location.get("settings")
    return not isinstance(settings, dict) or settings.get("allowDuplicateContact") is not False
