"""Which conflicts there are, with both people side by side, and what to do about each. Pure.

A link names its conflicts (`LinkRow.conflicts`); one whose value the lead has no longer is left out, as it ends with the next write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.mapping import map_contact
from streams.messages import Conflict, Entity, IdentityDecision, Snapshot
from streams.settings import Connection

State = Literal["left out", "shared"]


@dataclass(frozen=True, slots=True)
class ConflictPerson:
    """One of the two people, as the lead is mapped to GHL. `is_gone`: the lead was deleted in Lofty. Empty: not known."""

    connection: str
    lead: str
    name: str = ""
    email: str = ""
    phone: str = ""
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class ConflictItem:
    """A value that a lead has in common with another GHL contact, `other_contact_id`.

    `left out`: the lead's contact goes without the value. `shared`: both leads are one contact, which is written for the other one.
    `contact_id` is the lead's own contact, empty while it has none. `other` is None if the other contact is no lead's.
    `decided` is what a person said: `same` or `apart`; empty as long as nobody did. `to_do` says it in words.
    """

    person: ConflictPerson
    field: str
    value: str
    state: State
    contact_id: str
    other_contact_id: str
    other: ConflictPerson | None
    decided: IdentityDecision | Literal[""]
    to_do: str

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided."""
        return not self.decided


def conflicts_of_leads(
    connections: Mapping[str, Connection], links: Mapping[str, LinkRow], snapshots: Mapping[str, Snapshot]
) -> list[ConflictItem]:
    """The conflicts of these links, the undecided ones first. Links and snapshots are by the key of the lead's contact."""
    mapped = {key: _mapped(connections, snapshot) for key, snapshot in snapshots.items()}
    found = [
        _item(key, link, name, conflict, mapped, snapshots)
        for key, link in links.items()
        if not (link.is_gone or link.is_deleted)
        for name, conflict in link.conflicts.items()
        if key not in mapped or field_hash(mapped[key].get(name)) == conflict.hash
    ]
    return sorted(found, key=lambda item: (not item.is_open, item.person.connection, item.person.lead, item.field))


def leads_named(links: Mapping[str, LinkRow]) -> frozenset[str]:
    """The keys of the leads on both sides."""
    others = {one.lead for link in links.values() for one in link.conflicts.values() if one.lead}
    return frozenset(others | links.keys())


def _mapped(connections: Mapping[str, Connection], snapshot: Snapshot) -> Mapping[str, Any]:
    connection = connections.get(snapshot.connection)
    if connection is None or snapshot.state is None:
        return {}
    return map_contact(connection.mapping, snapshot.state, region=connection.region).fields


def _item(
    key: str,
    link: LinkRow,
    name: str,
    conflict: Conflict,
    mapped: Mapping[str, Mapping[str, Any]],
    snapshots: Mapping[str, Snapshot],
) -> ConflictItem:
    person = _person(key, mapped, snapshots)
    other = _person(conflict.lead, mapped, snapshots) if conflict.lead else None
    state: State = "shared" if link.shares and link.ghl_id == conflict.contact_id else "left out"
    own = link.ghl_id or "" if state == "left out" else ""
    decided: IdentityDecision | Literal[""] = link.decided.get(conflict.contact_id, "")
    value = str(mapped.get(key, {}).get(name) or "")
    to_do = _to_do(state, own, other, conflict.contact_id, name, decided)
    return ConflictItem(person, name, value, state, own, conflict.contact_id, other, decided, to_do)


def _person(key: str, mapped: Mapping[str, Mapping[str, Any]], snapshots: Mapping[str, Snapshot]) -> ConflictPerson:
    entity = Entity.from_key(key)
    fields, snapshot = mapped.get(key, {}), snapshots.get(key)
    names = f"{fields.get('firstName') or ''} {fields.get('lastName') or ''}".strip()
    return ConflictPerson(
        connection=entity.connection,
        lead=entity.lead,
        name=names or str(fields.get("name") or ""),
        email=str(fields.get("email") or ""),
        phone=str(fields.get("phone") or ""),
        is_gone=snapshot is not None and snapshot.is_gone,
    )


def _to_do(
    state: State,
    own: str,
    other: ConflictPerson | None,
    contact_id: str,
    field: str,
    decided: IdentityDecision | Literal[""],
) -> str:
    """What a person does now."""
    if decided == "same" and state == "left out" and own:
        return (
            f"Merge the contacts {own} and {contact_id} in GHL: its API cannot. The merge is then followed by itself."
        )
    if decided == "apart" and state == "left out":
        return "Nothing is left to do. Each keeps a contact; this one goes without the value until it is free."
    if decided:
        return "Nothing is left to do, or it is under way."
    if state == "shared":
        return (
            "One person: nothing needs to be done. Two people: decide `apart`, and this lead gets a contact of its own."
        )
    whose = "one person" if other is not None else f"the lead and the contact {contact_id} are one person"
    ends = "then merge both contacts in GHL" if own else "then they have one contact"
    return f"If it is {whose}: decide `same`, {ends}. Otherwise decide `apart`; the {field} stays left out."
