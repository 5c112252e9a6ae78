"""The rules of contacts: duplicates, matching, merging, tags in lower case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

from connectors.sandbox.ghl.dictionaries import ONE_OPTION
from connectors.sandbox.ghl.phone import e164
from connectors.sandbox.ghl.refusals import (
    CONTACT_WITHOUT_ID,
    duplicate,
    nobody_to_create,
    nobody_to_upsert,
    permanent_dnd,
)
from connectors.sandbox.ghl.requests import GhlRequest, Rule, touch
from connectors.sandbox.ghl.settings import Identifier
from connectors.sandbox.ghl.state import ContactState, LocationState
from connectors.sandbox.ghl.views import by_id, created, full_name, listed
from connectors.sandbox.shared.sandbox import RuleResult

_PLAIN = frozenset({
    "firstName", "lastName", "address1", "city", "state", "website", "timezone", "postalCode", "country", "source",
    "assignedTo", "companyName", "gender", "dnd", "inboundDndSettings",
})  # fmt: skip


def get_contact(request: GhlRequest) -> RuleResult:
    """Immediate: what was just written is read."""
    contact = request.contact()
    return RuleResult({"contact": by_id(contact)}, entity=contact.id)


def create_contact(request: GhlRequest) -> RuleResult:
    """A new contact; it needs one of four fields. A duplicate is refused where the location allows none."""
    given = _clean(request)
    if not any(given.get(name) for name in ("email", "phone", "firstName", "lastName")):
        raise nobody_to_create()
    if not request.location.settings.allow_duplicates:
        for identifier in request.location.settings.matching:
            if (found := _match(request.location, identifier, given)) is not None:
                raise duplicate(_meta(found, identifier), on_update=False)
    contact = _create(request, given)
    return RuleResult({"contact": created(contact)}, 201, contact.id, True)


def upsert_contact(request: GhlRequest) -> RuleResult:
    """Updates the first match in the location's order, else creates. The other identifier, if another's, is ignored.

    An e-mail that was the match's additional one becomes its first, and the former first is lost (GHL's issue 337).
    Without an e-mail and a telephone it is refused.
    """
    given = _clean(request)
    if not (given.get("email") or given.get("phone")):
        raise nobody_to_upsert()
    location = request.location
    creates_anyway = given.get("createNewIfDuplicateAllowed") is True and location.settings.allow_duplicates
    for identifier in () if creates_anyway else location.settings.matching:
        found = _match(location, identifier, given)
        if found is None:
            continue
        for other in ("email", "phone"):
            if (holder := _match(location, other, given)) is not None and holder is not found:
                given = {name: value for name, value in given.items() if name != other}
        given = {name: value for name, value in given.items() if name != "gender"}
        _apply(request, found, given)
        return RuleResult({"new": False, "contact": by_id(found)}, entity=found.id, changed=True)
    contact = _create(request, given)
    return RuleResult({"new": True, "contact": by_id(contact)}, entity=contact.id, changed=True)


def update_contact(request: GhlRequest) -> RuleResult:
    """Changes the given fields; another contact's e-mail or phone is refused where duplicates are not allowed."""
    contact = request.contact(words=CONTACT_WITHOUT_ID)
    given = _clean(request)
    if not request.location.settings.allow_duplicates:
        for identifier in request.location.settings.matching:
            found = _match(request.location, identifier, given)
            if found is not None and found is not contact:
                raise duplicate(_meta(found, identifier), on_update=True)
    _apply(request, contact, given)
    return RuleResult({"succeded": True, "contact": by_id(contact)}, entity=contact.id, changed=True)


def delete_contact(request: GhlRequest) -> RuleResult:
    """Gone, with its notes and tasks; the search finds it for a while yet."""
    contact = request.contact(words=CONTACT_WITHOUT_ID)
    request.location.delete(contact, request.now)
    return RuleResult({"succeded": True}, entity=contact.id, changed=True)


def find_duplicate(request: GhlRequest) -> RuleResult:
    """By the location's order where it allows no duplicates, else e-mail first, then phone."""
    settings = request.location.settings
    order: tuple[Identifier, ...] = ("email", "phone") if settings.allow_duplicates else settings.matching
    given = {"email": request.query.get("email"), "phone": request.query.get("number")}
    if given["phone"]:
        given["phone"] = e164(given["phone"], settings.region)
    found = next((one for one in (_match(request.location, identifier, given) for identifier in order) if one), None)
    return RuleResult({"contact": by_id(found) if found else None}, entity=found.id if found else None)


def list_contacts(request: GhlRequest) -> RuleResult:
    """A page, the oldest first, after `startAfter` (milliseconds) and `startAfterId`."""
    limit = request.number("limit", 20, 100)
    after = (request.number("startAfter", 0, 10**15), request.query.get("startAfterId", ""))
    asked = request.query.get("query", "").lower()
    rows = sorted(
        (int(one.added * 1000), one.id) for one in request.location.contacts.values() if _mentions(one, asked)
    )
    page = [row for row in rows if row > after][:limit]
    return RuleResult({"contacts": [listed(request.location.contacts[row[1]]) for row in page], "count": len(rows)})


def list_contacts_of_business(request: GhlRequest) -> RuleResult:
    """A page of the contacts of one business."""
    limit, skip = request.number("limit", 25, 100), request.number("skip", 0, 10**9)
    asked = request.query.get("query", "").lower()
    found = [
        one
        for one in request.location.contacts.values()
        if one.fields.get("businessId") == request.ids["businessId"] and _mentions(one, asked)
    ]
    return RuleResult({"contacts": [listed(one) for one in found[skip : skip + limit]], "count": len(found)})


def put_new(request: GhlRequest, contact_id: str | None = None) -> ContactState:
    """Keep a contact without asking for duplicates: for seeds."""
    return _create(request, _clean(request), contact_id)


def lowered(tags: list[str]) -> list[str]:
    """Tags as GHL keeps them: in lower case, each once."""
    return list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))


def _clean(request: GhlRequest) -> dict[str, Any]:
    """The body with its phone as GHL keeps it, its e-mail trimmed, and empty identifiers as None."""
    given = dict(request.body)
    if given.get("phone"):
        given["phone"] = e164(given["phone"], request.location.settings.region)
    for identifier in ("email", "phone"):
        if identifier in given:
            given[identifier] = given[identifier] or None
    return given


def _match(location: LocationState, identifier: Identifier, given: Mapping[str, Any]) -> ContactState | None:
    """Who has this e-mail or phone; an additional e-mail counts, too, where nobody has it as the first."""
    value = given.get(identifier)
    if not value:
        return None
    also = location.with_additional_email(value) if identifier == "email" else ()
    return next(chain(location.holders(identifier, value), also), None)


def _create(request: GhlRequest, given: Mapping[str, Any], contact_id: str | None = None) -> ContactState:
    contact = ContactState(
        contact_id or request.location.new_id(), request.location.settings.id, request.now, request.now
    )
    contact.fields = {"email": given.get("email"), "phone": given.get("phone"), "dnd": False, "source": "public api"}
    request.location.put(contact)
    _apply(request, contact, {name: value for name, value in given.items() if name not in ("email", "phone")})
    return contact


def _dnd_settings(contact: ContactState, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given replaces all that was there; but what is permanent stays, and another status for it is refused."""
    permanent = {
        channel: one
        for channel, one in (contact.fields.get("dndSettings") or {}).items()
        if one["status"] == "permanent"
    }
    for channel in permanent.keys() & given.keys():
        if given[channel]["status"] != "permanent":
            raise permanent_dnd(channel)
    return {**given, **permanent}


def _apply(request: GhlRequest, contact: ContactState, given: Mapping[str, Any]) -> None:
    """Change the given fields. A user whom the location does not have is dropped without a word."""
    if "dndSettings" in given:  # refused before anything is changed
        contact.fields["dndSettings"] = _dnd_settings(contact, given["dndSettings"])
    for name, value in given.items():
        if name == "assignedTo" and value and value not in request.location.users:
            continue
        if name == "postalCode" and value == "" and request.location.ignores_empty_texts:
            continue
        if name in _PLAIN:
            contact.fields[name] = value or None if isinstance(value, str) else value
        elif name in ("email", "phone"):
            request.location.identify(contact, "email" if name == "email" else "phone", value)
            contact.additional_emails = [one for one in contact.additional_emails if one != (value or "").lower()]
        elif name == "name":
            _set_name(contact, value, given)
        elif name == "tags":
            contact.tags = lowered(value)
            request.location.learn_tags(contact.tags)
        elif name == "dateOfBirth":
            contact.fields[name] = _iso_date(value) if value else None
        elif name == "customFields":
            for one in value:
                _set_custom(request.location, contact, one)
    touch(request, contact)


def _set_name(contact: ContactState, value: str | None, given: Mapping[str, Any]) -> None:
    if "firstName" in given or "lastName" in given:
        return
    first, _, last = (value or "").strip().partition(" ")
    contact.fields["firstName"], contact.fields["lastName"] = first or None, last or None


def _set_custom(location: LocationState, contact: ContactState, given: Mapping[str, Any]) -> None:
    """Merge one custom field by id. GHL drops without a word: entries by key, unknown ids, and what is no option of a select."""
    field_id, value = given.get("id"), given.get("field_value")
    known = location.custom_fields.get(field_id) if isinstance(field_id, str) else None
    if known is None or field_id is None:
        return
    kind = known["dataType"]
    if value is None or value == "" or value == []:
        if kind != "PHONE" and not (value == "" and location.ignores_empty_texts):
            contact.custom.pop(field_id, None)
        return
    if kind in ONE_OPTION and not known["isAllowedCustomOption"] and value not in known["picklistOptions"]:
        return
    contact.custom[field_id] = value[:10] if kind == "DATE" and isinstance(value, str) else value


def _meta(contact: ContactState, identifier: Identifier) -> dict[str, Any]:
    return {"contactName": full_name(contact), "contactId": contact.id, "matchingField": identifier}


def _mentions(contact: ContactState, asked: str) -> bool:
    if not asked:
        return True
    texts = (full_name(contact), contact.fields.get("email") or "", contact.fields.get("phone") or "")
    return any(asked in text.lower() for text in texts)


def _iso_date(text: str) -> str:
    parts = re.split(r"[/._-]", text.split("T")[0])
    year, month, day = parts if len(parts[0]) == 4 else (parts[2], parts[0], parts[1])
    return f"{year}-{int(month):02}-{int(day):02}"


RULES: Mapping[str, Rule] = {
    "get-contact": get_contact,
    "create-contact": create_contact,
    "upsert-contact": upsert_contact,
    "update-contact": update_contact,
    "delete-contact": delete_contact,
    "get-duplicate-contact": find_duplicate,
    "get-contacts": list_contacts,
    "get-contacts-by-businessId": list_contacts_of_business,
}
