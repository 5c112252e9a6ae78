"""P12: no value is dropped in silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.messages import Entity, Receipt
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally

Value = tuple[str, str]
"""The name of the field of GHL in which it belongs, and the value as Lofty has it."""

_CHANNELS = {"cannotText": "SMS", "cannotCall": "Call", "cannotEmail": "Email", "unsubscription": "Email"}


@dataclass(slots=True)
class _Said:
    """What the product says of one lead."""

    flags: tuple[str, ...] = ()
    at_ms: int = -1
    parked_ms: int = -1
    conflicts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    is_shared: bool = False


def nothing_dropped(case: Case) -> Finding:
    """Each e-mail, telephone, tag, address and opt-out of a living lead, as Lofty has it, is on its contact.

    Or the product says that it is not: in a flag of the newest receipt that settles the lead, in the list of conflicts (all of a
    lead that shares a contact), or by a parked record since its last change.
    This reads Lofty's own JSON: a value that the mapping passes over is missed here, and not in P1.

    Proves nothing of: names and other fields (P1 compares those that are mapped); that the words of a flag help anybody.
    """
    tally = Tally(12, "no value is dropped in silence", "leads or values")
    said = _said(case)
    for name, rows in case.history.leads.items():
        contacts = _contacts(case, name)
        shared = case.sharers(name)
        for row in rows:
            tally.examined += 1
            entity = Entity.contact(name, str(row["lead"]["leadId"]))
            if row["isDeleted"] or entity.lead not in contacts.keys() | shared.keys():
                continue  # P1 says that it is lost
            about = said[entity.key]
            held = set().union(*map(_values_in_ghl, contacts.get(entity.lead, ())))
            for value in _values(row["lead"]):
                tally.examined += 1
                if _plain(value) not in held and not _is_told(value, about, int(row["updateTime"])):
                    tally.note(entity.key, f"{value[0]} {value[1]!r} is not in GHL, and nothing says so", about.flags)
    return tally.finding()


def _values(lead: Mapping[str, Any]) -> Iterator[Value]:
    yield from (("email", str(one)) for one in lead.get("emails") or ())
    yield from (("phone", str(one)) for one in lead.get("phones") or ())
    yield from (("tags", str(one["tagName"])) for one in lead.get("tags") or ())
    homes = [lead, *(lead.get("leadPropertyList") or ())]
    yield from (("address1", str(one["streetAddress"])) for one in homes if one.get("streetAddress"))
    yield from (("dndSettings", channel) for flag, channel in _CHANNELS.items() if lead.get(flag) is True)


def _values_in_ghl(contact: Mapping[str, Any]) -> set[Value]:
    """All that a contact has, under each name where it may be."""
    found = {("address1", str(contact["address1"]))} if contact.get("address1") else set()
    texts = [str(one) for one in contact["customFields"].values() if one]
    emails = [
        contact.get("email"),
        *(one if isinstance(one, str) else "" for one in contact.get("additionalEmails") or ()),
    ]
    found |= {("email", str(one)) for one in (*emails, *texts) if one}
    found |= {("phone", str(one)) for one in (contact.get("phone"), *texts) if one}
    found |= {("tags", str(one)) for one in contact["tags"]}
    settings = contact.get("dndSettings") or {}
    closed = [name for name, one in settings.items() if one.get("status") in ("active", "permanent")]
    found |= {("dndSettings", one) for one in (_CHANNELS.values() if contact.get("dnd") is True else closed)}
    return set(map(_plain, found))


def _plain(value: Value) -> Value:
    """As it is compared: letters of one size, digits of a telephone without the country's own."""
    name, text = value
    if name == "phone":
        return name, "".join(filter(str.isdigit, text))[-10:]
    return name, " ".join(text.casefold().split())


def _is_told(value: Value, said: _Said, changed_ms: int) -> bool:
    name = value[0]
    is_listed = _plain(value)[1] in said.conflicts[name]
    return (
        said.is_shared
        or is_listed
        or said.parked_ms >= changed_ms
        or any(one.startswith(f"{name}:") for one in said.flags)
    )


def _said(case: Case) -> dict[str, _Said]:
    found: dict[str, _Said] = defaultdict(_Said)
    for line in case.history.receipts:
        receipt: Receipt = line.receipt
        about = found[receipt.entity.key]
        if receipt.settled and receipt.at_ms >= about.at_ms:
            about.flags, about.at_ms = receipt.flags, receipt.at_ms
    for parked in case.history.parked:
        if parked.entity is not None:
            found[parked.entity].parked_ms = max(found[parked.entity].parked_ms, parked.at_ms)
    for one in case.history.listed:
        about = found[Entity.contact(one.connection, one.lead).key]
        about.is_shared |= one.is_shared
        about.conflicts[one.field].add(_plain((one.field, one.value))[1])
    return found


def _contacts(case: Case, connection: str) -> dict[str, list[Mapping[str, Any]]]:
    """Lead → the contacts that have its id."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for contact in case.history.contacts[connection]["contacts"]:
        if lead := case.names.lead_of_contact(connection, contact):
            found[lead].append(contact)
    return found
