"""The rules of what a location knows: custom fields, custom values, tags, users."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.refusals import GhlRefusal, invalid
from connectors.sandbox.ghl.requests import GhlRequest, Rule
from connectors.sandbox.ghl.state import LocationState
from connectors.sandbox.shared.sandbox import RuleResult

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

ONE_OPTION = frozenset({"SINGLE_OPTIONS", "RADIO"})
"""The types whose value is one of the field's options."""


def list_custom_fields(request: GhlRequest) -> RuleResult:
    """Those of contacts, unless asked otherwise."""
    model = request.query.get("model", "contact")
    if model not in ("contact", "opportunity", "all"):
        raise invalid(["model must be one of the following values: contact, opportunity, all"])
    fields = [one for one in request.location.custom_fields.values() if model in ("all", one["model"])]
    return RuleResult({"customFields": fields})


def create_custom_field(request: GhlRequest) -> RuleResult:
    """A new field; its key comes from its name, and both are unique."""
    body = request.body
    if body["dataType"] not in DATA_TYPES:
        raise invalid([f"dataType must be one of the following values: {', '.join(DATA_TYPES)}"])
    field = new_custom_field(request.location, body)
    if any(one["fieldKey"] == field["fieldKey"] for one in request.location.custom_fields.values()):
        raise GhlRefusal(400, f"Custom field with name {body['name']} already exists")
    request.location.custom_fields[field["id"]] = field
    return RuleResult({"customField": field}, 201, field["id"], True)


def new_custom_field(location: LocationState, given: Mapping[str, Any]) -> dict[str, Any]:
    """A custom field from its name and type."""
    model = given.get("model", "contact")
    return {
        "id": given.get("id") or location.new_id(),
        "name": given["name"],
        "fieldKey": given.get("fieldKey") or f"{model}.{_key(given['name'])}",
        "placeholder": given.get("placeholder", ""),
        "dataType": given["dataType"],
        "position": given.get("position", 0),
        "picklistOptions": [one for one in _options(given) if isinstance(one, str)],
        "picklistImageOptions": [],
        "isAllowedCustomOption": bool(given.get("isAllowedCustomOption", False)),
        "isMultiFileAllowed": bool(given.get("isMultipleFile", False)),
        "maxFileLimit": given.get("maxNumberOfFiles", 1),
        "locationId": location.settings.id,
        "model": model,
    }


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def list_custom_values(request: GhlRequest) -> RuleResult:
    """All of them."""
    return RuleResult({"customValues": list(request.location.custom_values.values())})


def create_custom_value(request: GhlRequest) -> RuleResult:
    """A new one."""
    made = _custom_value(request, request.location.new_id())
    return RuleResult({"customValue": made}, 201, made["id"], True)


def update_custom_value(request: GhlRequest) -> RuleResult:
    """Another name and value; the key follows the name."""
    known = _known_value(request)
    return RuleResult({"customValue": _custom_value(request, known)}, 200, known, True)


def delete_custom_value(request: GhlRequest) -> RuleResult:
    """It is gone."""
    known = _known_value(request)
    del request.location.custom_values[known]
    return RuleResult({"succeded": True}, 200, known, True)


def _known_value(request: GhlRequest) -> str:
    known = request.ids["id"]
    if known not in request.location.custom_values:
        raise GhlRefusal(400, f"Custom value with id {known} not found")  # its words are a guess
    return known


def _custom_value(request: GhlRequest, value_id: str) -> dict[str, Any]:
    """Keep it. No two have one key: that GHL refuses this is a guess, on the strict side."""
    body, values = request.body, request.location.custom_values
    field_key = f"{{{{ custom_values.{_key(body['name'])} }}}}"
    if any(one["fieldKey"] == field_key and one["id"] != value_id for one in values.values()):
        raise GhlRefusal(400, f"Custom value with name {body['name']} already exists")
    location_id = request.location.settings.id
    made = {
        "id": value_id,
        "name": body["name"],
        "fieldKey": field_key,
        "value": body["value"],
        "locationId": location_id,
    }
    values[value_id] = made
    return made


def _options(given: Mapping[str, Any]) -> list[Any]:
    """Those of a seed, or of a field that is created by the API: GHL's document has one list of options for all types."""
    labels = [one.get("label") for one in given.get("textBoxListOptions", []) if isinstance(one, dict)]
    return list(given.get("picklistOptions", labels))


def get_location(request: GhlRequest) -> RuleResult:
    """The location with its settings."""
    settings = request.location.settings
    about = {"allowDuplicateContact": settings.allow_duplicates, "allowDuplicateOpportunity": False}
    return RuleResult({"location": {"id": settings.id, "name": settings.id, "settings": about}})


def list_tags(request: GhlRequest) -> RuleResult:
    """The location's tags."""
    location_id = request.location.settings.id
    tags = [{"id": tag_id, "name": name, "locationId": location_id} for name, tag_id in request.location.tags.items()]
    return RuleResult({"tags": tags})


def list_users(request: GhlRequest) -> RuleResult:
    """The location's users."""
    return RuleResult({"users": list(request.location.users.values())})


def new_user(location: LocationState, given: Mapping[str, Any]) -> dict[str, Any]:
    """A user for a seed, from an e-mail and a name."""
    first, _, last = given.get("name", "").partition(" ")
    return {
        "id": location.new_id(),
        "name": "",
        "firstName": first,
        "lastName": last,
        "email": "",
        "phone": "",
        "extension": "",
        "roles": {"type": "account", "role": "user", "locationIds": [location.settings.id]},
        **given,
    }


RULES: Mapping[str, Rule] = {
    "get-location": get_location,
    "get-custom-fields": list_custom_fields,
    "create-custom-field": create_custom_field,
    "get-location-tags": list_tags,
    "get-custom-values": list_custom_values,
    "create-custom-value": create_custom_value,
    "update-custom-value": update_custom_value,
    "delete-custom-value": delete_custom_value,
    "get-user-by-location": list_users,
}
