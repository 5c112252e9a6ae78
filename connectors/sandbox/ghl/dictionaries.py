"""The rules of what a location knows: custom fields, tags, users."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.refusals import GhlRefusal, invalid
from connectors.sandbox.ghl.requests import GhlRequest, GhlResult, Rule
from connectors.sandbox.ghl.state import LocationState

DATA_TYPES = (
    "TEXT",
    "LARGE_TEXT",
    "NUMERICAL",
    "PHONE",
    "MONETORY",
    "CHECKBOX",
    "SINGLE_OPTIONS",
    "MULTIPLE_OPTIONS",
    "RADIO",
    "DATE",
    "TEXTBOX_LIST",
    "FILE_UPLOAD",
    "SIGNATURE",
    "EMAIL",
)


def list_custom_fields(ask: GhlRequest) -> GhlResult:
    """Those of contacts, unless asked otherwise."""
    model = ask.query.get("model", "contact")
    if model not in ("contact", "opportunity", "all"):
        raise invalid(["model must be one of the following values: contact, opportunity, all"])
    fields = [one for one in ask.place.custom_fields.values() if model in ("all", one["model"])]
    return GhlResult({"customFields": fields})


def create_custom_field(ask: GhlRequest) -> GhlResult:
    """A new field; its key comes from its name, and both are unique."""
    body = ask.body
    if body["dataType"] not in DATA_TYPES:
        raise invalid([f"dataType must be one of the following values: {', '.join(DATA_TYPES)}"])
    field = new_custom_field(ask.place, body)
    if any(one["fieldKey"] == field["fieldKey"] for one in ask.place.custom_fields.values()):
        raise GhlRefusal(400, f"Custom field with name {body['name']} already exists")
    ask.place.custom_fields[field["id"]] = field
    return GhlResult({"customField": field}, 201, field["id"], True)


def new_custom_field(place: LocationState, given: Mapping[str, Any]) -> dict[str, Any]:
    """A custom field from its name and type."""
    model = given.get("model", "contact")
    key = re.sub(r"[^a-z0-9]+", "_", given["name"].lower()).strip("_")
    return {
        "id": given.get("id") or place.new_id(),
        "name": given["name"],
        "fieldKey": given.get("fieldKey") or f"{model}.{key}",
        "placeholder": given.get("placeholder", ""),
        "dataType": given["dataType"],
        "position": given.get("position", 0),
        "picklistOptions": [one for one in given.get("picklistOptions", []) if isinstance(one, str)],
        "picklistImageOptions": [],
        "isAllowedCustomOption": False,
        "isMultiFileAllowed": bool(given.get("isMultipleFile", False)),
        "maxFileLimit": given.get("maxNumberOfFiles", 1),
        "locationId": place.settings.id,
        "model": model,
    }


def list_tags(ask: GhlRequest) -> GhlResult:
    """The location's tags."""
    location_id = ask.place.settings.id
    tags = [{"id": tag_id, "name": name, "locationId": location_id} for name, tag_id in ask.place.tags.items()]
    return GhlResult({"tags": tags})


def list_users(ask: GhlRequest) -> GhlResult:
    """The location's users."""
    return GhlResult({"users": list(ask.place.users.values())})


def new_user(place: LocationState, given: Mapping[str, Any]) -> dict[str, Any]:
    """A user for a seed, from an e-mail and a name."""
    first, _, last = given.get("name", "").partition(" ")
    return {
        "id": place.new_id(),
        "name": "",
        "firstName": first,
        "lastName": last,
        "email": "",
        "phone": "",
        "extension": "",
        "roles": {"type": "account", "role": "user", "locationIds": [place.settings.id]},
        **given,
    }


RULES: Mapping[str, Rule] = {
    "get-custom-fields": list_custom_fields,
    "create-custom-field": create_custom_field,
    "get-location-tags": list_tags,
    "get-user-by-location": list_users,
}
