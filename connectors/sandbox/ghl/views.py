"""The shapes in which GHL shows one contact: by id, as created, listed, searched. Empty fields are left out."""

from __future__ import annotations

from typing import Any

from connectors.sandbox.ghl.state import ContactState, iso

_PLAIN = (
    "firstName",
    "lastName",
    "email",
    "phone",
    "companyName",
    "source",
    "assignedTo",
    "address1",
    "city",
    "state",
    "country",
    "postalCode",
    "website",
    "dateOfBirth",
    "businessId",
    "dnd",
    "dndSettings",
)
_LISTED = ("email", "timezone", "country", "source", "businessId")
_SEARCHED = (
    "email",
    "phone",
    "city",
    "state",
    "country",
    "postalCode",
    "website",
    "source",
    "companyName",
    "assignedTo",
    "businessId",
    "dateOfBirth",
    "dnd",
    "dndSettings",
    "timezone",
)


def full_name(contact: ContactState) -> str:
    """First and last name."""
    fields = contact.fields
    return f"{fields.get('firstName') or ''} {fields.get('lastName') or ''}".strip()


def custom_values(contact: ContactState) -> list[dict[str, Any]]:
    """Custom fields as they are read: `value`, not `field_value`."""
    return [{"id": field_id, "value": value} for field_id, value in contact.custom.items()]


def _named(contact: ContactState) -> dict[str, Any]:
    fields = contact.fields
    view: dict[str, Any] = {
        "id": contact.id,
        "locationId": contact.location_id,
        "type": "lead",
        "tags": list(contact.tags),
    }
    view.update({name: fields[name] for name in _PLAIN if fields.get(name) is not None})
    view["customFields"] = custom_values(contact)
    view["dateAdded"] = iso(contact.added)
    view["dateUpdated"] = iso(contact.updated)
    if fields.get("email"):
        view["emailLowerCase"] = fields["email"].lower()
    if fields.get("firstName"):
        view["firstNameLowerCase"] = fields["firstName"].lower()
    if fields.get("lastName"):
        view["lastNameLowerCase"] = fields["lastName"].lower()
    view["fullNameLowerCase"] = full_name(contact).lower()
    return view


def by_id(contact: ContactState) -> dict[str, Any]:
    """As `GET /contacts/{id}`, PUT and upsert show it."""
    view = _named(contact)
    view["name"] = full_name(contact)
    if contact.fields.get("timezone"):
        view["timezone"] = contact.fields["timezone"]
    return view


def created(contact: ContactState) -> dict[str, Any]:
    """As `POST /contacts/` shows it."""
    view = _named(contact)
    view |= {"deleted": False, "bounceEmail": False, "unsubscribeEmail": False, "offers": [], "products": []}
    return view


def listed(contact: ContactState) -> dict[str, Any]:
    """As `GET /contacts/` and the contacts of a business show it."""
    fields = contact.fields
    view = {"id": contact.id, "locationId": contact.location_id}
    view |= {name: fields[name] for name in _LISTED if fields.get(name) is not None}
    return view | {
        "dateAdded": iso(contact.added),
        "customFields": custom_values(contact),
        "tags": list(contact.tags),
        "followers": list(contact.followers),
        "attributions": [],
    }


def searched(contact: ContactState) -> dict[str, Any]:
    """As `POST /contacts/search` shows it: names in lower case only, `address` for `address1`."""
    fields = contact.fields
    view: dict[str, Any] = {"id": contact.id, "locationId": contact.location_id, "type": "lead"}
    view |= {name: fields[name] for name in _SEARCHED if fields.get(name) is not None}
    return view | {
        "address": fields.get("address1"),
        "firstNameLowerCase": (fields.get("firstName") or "").lower() or None,
        "lastNameLowerCase": (fields.get("lastName") or "").lower() or None,
        "additionalEmails": list(contact.additional_emails),
        "additionalPhones": [],
        "customFields": custom_values(contact),
        "dateAdded": iso(contact.added),
        "dateUpdated": iso(contact.updated),
        "followers": list(contact.followers),
        "tags": list(contact.tags),
    }
