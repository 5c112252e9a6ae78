"""Faults of a deployment that does not know what it should: it has lost its memory, or keeps silent."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from streams.mapping import LEAD_ID_FIELD
from tests.chaos.history import History
from tests.chaos.history_planting import Pick, pick_from
from tests.chaos.history_plants_asked import GAP_SECONDS, add, moved

PHONE, E164 = "(530) 555-0100", "+15305550100"


def stand_beside(history: History, pick: Pick[Any]) -> History:
    """A person who was in GHL before us was not recognised, and has got another contact."""
    connection, contact = _some_contact(history, pick, "email")
    stranger = {"email": contact["email"], "firstName": "Old"}
    return _with_stranger(history, connection, {**_blank(contact), **stranger})


def stand_beside_by_name(history: History, pick: Pick[Any]) -> History:
    """The same of one who has only the name and the telephone, and the telephone is in the list of conflicts."""
    connection, contact = _some_contact(history, pick)
    names = {name: contact.get(name) for name in ("firstName", "lastName")}
    planted = _with_stranger(history, connection, {**_blank(contact), **names, "phone": E164})
    contacts = deepcopy(dict(planted.contacts))
    next(one for one in contacts[connection]["contacts"] if one["id"] == contact["id"])["phone"] = E164
    return replace(planted, contacts=contacts, leads=_with_lead(history, connection, contact, {"phones": [PHONE]}))


def make_again(history: History, pick: Pick[Any]) -> History:
    """A note that lives in Lofty is deleted in GHL and made again, as by a deployment that knows nothing of the first."""
    deleted = {one.entity.lead for one in history.edits if not one.version}
    rows = [row for found in history.leads.values() for row in found if str(row["lead"]["leadId"]) not in deleted]
    living = [f":{note['noteId']}]" for row in rows for note in row["notes"]]
    created = [one for one in history.ghl if one.operation == "create-note" and one.created]
    entry = pick_from(pick, (one for one in created if any(mark in str(one.body) for mark in living)))
    path = f"{entry.path}/{entry.entity}"
    gone = moved(entry, GAP_SECONDS, operation="delete-note", method="DELETE", path=path, body=None, created=False)
    return add(history, gone, moved(entry, 2 * GAP_SECONDS, entity="twin"))


def pass_over_a_second_email(history: History, pick: Pick[Any]) -> History:
    """A lead has one more e-mail. It is not in GHL, and nothing says so."""
    connection, contact = _some_contact(history, pick, "email")
    emails = [contact["email"], "second@example.com"]
    return replace(history, leads=_with_lead(history, connection, contact, {"emails": emails}))


def list_no_conflict(history: History, pick: Pick[Any]) -> History:
    """Somebody else in GHL has a lead's telephone, so that it is left out, and nothing says so."""
    connection, contact = _some_contact(history, pick)
    stranger = {**_blank(contact), "firstName": "Zoe", "phone": E164}
    planted = _with_stranger(history, connection, stranger)
    return replace(planted, leads=_with_lead(history, connection, contact, {"phones": [PHONE]}))


def share_in_silence(history: History, pick: Pick[Any]) -> History:
    """Two leads have one e-mail and one contact, and nothing says whose values are not in GHL."""
    connection, contact = _some_contact(history, pick, "email")
    rows = list(history.leads[connection])
    lead = next(row for row in rows if str(row["lead"]["leadId"]) == _lead_of(history, connection, contact))
    other = {**lead["lead"], "leadId": 1, "firstName": "Eve", "lastName": "v000001"}
    kinds: dict[str, Any] = {"notes": [], "tasks": [], "appointments": []}
    return replace(history, leads={**history.leads, connection: [*rows, {**lead, **kinds, "lead": other}]})


def _some_contact(history: History, pick: Pick[Any], having: str = "") -> tuple[str, Mapping[str, Any]]:
    """A contact of a lead that lives, and its connection."""
    every = [(name, one) for name, found in history.contacts.items() for one in found["contacts"]]
    living = [row["lead"]["leadId"] for rows in history.leads.values() for row in rows if not row["isDeleted"]]
    known = {str(one) for one in living}
    return pick_from(
        pick,
        (
            (name, one)
            for name, one in every
            if _lead_of(history, name, one) in known and (not having or one.get(having))
        ),
    )


def _lead_of(history: History, connection: str, contact: Mapping[str, Any]) -> str:
    """The lead's id on a contact."""
    ids = {one["id"] for one in history.contacts[connection]["customFields"] if one["name"] == LEAD_ID_FIELD}
    return next((str(value) for name, value in contact["customFields"].items() if name in ids), "")


def _blank(contact: Mapping[str, Any]) -> dict[str, Any]:
    """A contact of which nothing is known."""
    empty = {"id": "stranger", "tags": [], "customFields": {}, "notes": [], "tasks": [], "appointments": []}
    return {**dict.fromkeys(contact), **empty}


def _with_stranger(history: History, connection: str, stranger: Mapping[str, Any]) -> History:
    """One more contact, which GHL had before us."""
    found = history.contacts[connection]
    contacts = {**history.contacts, connection: {**found, "contacts": [*found["contacts"], stranger]}}
    return replace(history, contacts=contacts, before={**history.before, connection: [stranger["id"]]})


def _with_lead(
    history: History, connection: str, contact: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    """All leads, the one of a contact with other fields."""
    lead = _lead_of(history, connection, contact)
    rows = [
        {**row, "lead": {**row["lead"], **fields}} if str(row["lead"]["leadId"]) == lead else row
        for row in history.leads[connection]
    ]
    return {**history.leads, connection: rows}
