"""What may be sent where: an allow-list for each endpoint, because GHL refuses a whole body for one field too many.

GHL answers 422 `property X should not exist`, and what is allowed differs from endpoint to endpoint:
`companyName` and `gender` may be created but not updated, `locationId` must be created and must not be updated.

Some fields that GHL would take are withheld here, each with its reason (`withheld`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one body. `items` are the shapes of the objects within list fields."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    items: Mapping[str, Shape] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed(self) -> frozenset[str]:
        """Every name that may be sent."""
        return self.required | self.optional


def build(operation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an operation, with all of its problems at once.

    Raises `InvalidRequest` for a field that the endpoint does not take, or that it needs and does not get.
    """
    problems = _problems(BODIES[operation], fields, "")
    if problems:
        raise InvalidRequest("ghl", operation, tuple(problems))
    return dict(fields)


def _problems(shape: Shape, fields: Mapping[str, Any], prefix: str) -> list[str]:
    found = []
    for name in fields:
        if name in shape.withheld:
            found.append(f"{prefix}{name} is withheld: {shape.withheld[name]}")
        elif name not in shape.allowed:
            allowed = ", ".join(sorted(shape.allowed)) or "nothing"
            found.append(f"{prefix}{name} should not exist; allowed: {allowed}")
    found += [f"{prefix}{name} is missing" for name in sorted(shape.required - fields.keys())]
    for name, item_shape in shape.items.items():
        for position, item in enumerate(fields.get(name) or ()):
            where = f"{prefix}{name}[{position}]"
            if isinstance(item, Mapping):
                found += _problems(item_shape, item, f"{where}.")
            else:
                found.append(f"{where} should be an object")
    return found


def _shape(*, required: str = "", optional: str = "", **more: Any) -> Shape:
    return Shape(frozenset(required.split()), frozenset(optional.split()), **more)


_CUSTOM_FIELDS = {
    "customFields": _shape(
        required="id",
        optional="field_value",
        withheld={"key": "GHL silently ignores custom fields that are addressed by key", "field_key": "see key"},
    )
}
_CONTACT = (
    "firstName lastName name email phone address1 city state postalCode country website timezone source assignedTo"
    " dnd dndSettings inboundDndSettings customFields dateOfBirth"
)
_APPOINTMENT = "title endTime appointmentStatus assignedUserId description address ignoreDateRange toNotify ignoreFreeSlotValidation"
_OPPORTUNITY = "pipelineStageId monetaryValue assignedTo customFields"
_REPLACES_TAGS = "it replaces all tags, also those that are not ours; use add-tags and remove-tags"

BODIES: Mapping[str, Shape] = {
    "create-contact": _shape(
        required="locationId", optional=f"{_CONTACT} companyName gender tags", items=_CUSTOM_FIELDS
    ),
    "upsert-contact": _shape(
        required="locationId",
        optional=f"{_CONTACT} companyName gender",
        items=_CUSTOM_FIELDS,
        withheld={
            "tags": _REPLACES_TAGS,
            "createNewIfDuplicateAllowed": "with it an upsert is no longer repeatable: it creates each time",
        },
    ),
    "update-contact": _shape(optional=_CONTACT, items=_CUSTOM_FIELDS, withheld={"tags": _REPLACES_TAGS}),
    "search-contacts-advanced": _shape(required="locationId pageLimit", optional="page searchAfter filters sort query"),
    "create-task": _shape(required="title dueDate completed", optional="body assignedTo"),
    "update-task": _shape(optional="title body dueDate completed assignedTo"),
    "update-task-completed": _shape(required="completed"),
    "create-note": _shape(required="body", optional="userId title color pinned"),
    "update-note": _shape(optional="body userId title color pinned"),
    "add-tags": _shape(required="tags"),
    "remove-tags": _shape(required="tags"),
    "add-followers-contact": _shape(required="followers"),
    "remove-followers-contact": _shape(required="followers"),
    "add-contact-to-campaign": _shape(),
    "add-contact-to-workflow": _shape(optional="eventStartTime"),
    "delete-contact-from-workflow": _shape(optional="eventStartTime"),
    "create-association": _shape(required="contacts tags locationId", optional="removeAllTags"),
    "add-remove-contact-from-business": _shape(required="locationId ids businessId"),
    "task-search": _shape(optional="contactId completed assignedTo query limit skip businessId"),
    "create-appointment": _shape(required="calendarId locationId contactId startTime", optional=_APPOINTMENT),
    "edit-appointment": _shape(
        required="appointmentStatus",  # without it GHL sets it to confirmed
        optional=f"{_APPOINTMENT.replace(' appointmentStatus', '')} calendarId startTime",
    ),
    "delete-event": _shape(),
    "create-custom-field": _shape(
        required="name dataType",
        optional="placeholder acceptedFormat isMultipleFile maxNumberOfFiles textBoxListOptions position model",
    ),
    "create-opportunity": _shape(
        required="locationId contactId pipelineId name status", optional=_OPPORTUNITY, items=_CUSTOM_FIELDS
    ),
    "update-opportunity": _shape(optional=f"{_OPPORTUNITY} pipelineId name status", items=_CUSTOM_FIELDS),
    "update-opportunity-status": _shape(required="status", optional="lostReasonId"),
    "Upsert-opportunity": _shape(
        required="locationId pipelineId followers isRemoveAllFollowers followersActionType",
        optional="id name status pipelineStageId monetaryValue assignedTo lostReasonId",
        withheld={"contactId": "GHL's document does not know it here: look for the opportunity, then create or update"},
    ),
    "search-opportunities-advanced": _shape(
        required="locationId query limit page searchAfter additionalDetails",
    ),
    "add-followers-opportunity": _shape(required="followers"),
    "remove-followers-opportunity": _shape(required="followers"),
    "create-custom-value": _shape(required="name value"),
    "update-custom-value": _shape(required="name value"),
}
"""The bodies by operation. An operation that is not here has no body."""
