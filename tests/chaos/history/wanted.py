"""What GHL should hold: the last state of every Lofty entity, mapped. The mapping is the product's own.

So this proves that what was mapped has arrived, not that the mapping is what its user wants (`tests/unit/streams/mapping`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.ghl.wire import Pipeline
from connectors.lofty.times import parse_time_ms
from connectors.sandbox.lofty.people import make_team
from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.desired import resolve_appointment, resolve_contact, resolve_event, resolve_note, resolve_task
from streams.core.to_ghl.directory import Directory, fold, named_pipelines
from streams.core.to_ghl.plan import DesiredChild, DesiredContact
from streams.mapping import has_begin, map_contact, map_event, map_task, should_sync
from streams.messages import Entity
from streams.messages.entity import Kind
from streams.settings import Connection

_CHILDREN: tuple[tuple[Kind, str], ...] = (("note", "noteId"), ("task", "id"), ("appointment", "id"))
_MEMBERS = {f"{one['firstName']} {one['lastName']}": one["email"] for one in make_team()["members"]}


@dataclass(frozen=True, slots=True)
class WantedChild:
    """A note, task or appointment that lives in Lofty. `desired` is None for one that is not carried.

    It names each form in which it may stand: an appointment keeps the one in which it was made, and a calendar may have been
    configured since.
    """

    entity: Entity
    desired: Mapping[ChildKind, DesiredChild] | None
    changed_ms: int


@dataclass(frozen=True, slots=True)
class WantedLead:
    """A lead and what hangs on it. `contact` is None for one that is deleted."""

    entity: Entity
    contact: DesiredContact | None
    children: tuple[WantedChild, ...]
    changed_ms: int


def directory_of(found: Mapping[str, Any]) -> Directory:
    """A location's names, from what its control API shows. Its calendar's team is everybody."""
    users = {fold(one["email"]): one["id"] for one in found["users"] if one.get("email")}
    fields = {fold(one["name"]): one["id"] for one in found["customFields"]}
    pipelines = named_pipelines(Pipeline.model_validate(one) for one in found.get("pipelines", ()))
    return Directory(fields, users, frozenset(users.values()), pipelines=pipelines)


def wanted_leads(
    connection: Connection,
    calendars: tuple[str | None, ...],
    rows: Iterator[Mapping[str, Any]],
    directory: Directory,
) -> Iterator[WantedLead]:
    """Every lead of a team, deleted ones included, as GHL should hold it.

    `calendars` are those that the connection had, one after another; None while it had none.
    """
    for row in rows:
        lead = row["lead"]
        entity = Entity.contact(connection.name, str(lead["leadId"]))
        contact = None
        if not row["isDeleted"]:
            mapped = map_contact(connection.mapping, {**lead, "_agent": _agent(lead)}, region=connection.region)
            contact = resolve_contact(mapped, directory, entity.lead).contact
        children = () if contact is None else tuple(_children(connection, calendars, entity, row, directory))
        yield WantedLead(entity, contact, children, int(row["updateTime"]))


def _children(
    connection: Connection,
    calendars: tuple[str | None, ...],
    owner: Entity,
    row: Mapping[str, Any],
    directory: Directory,
) -> Iterator[WantedChild]:
    for kind, id_name in _CHILDREN:
        for state in row[f"{kind}s"]:
            entity = Entity(connection.name, owner.lead, kind, str(state[id_name]))
            forms = _forms(kind, state, calendars) if should_sync(kind, state) else ()
            desired = {form: _child(connection, kind, form, state, directory) for form in forms} or None
            yield WantedChild(entity, desired, parse_time_ms(state.get("lastUpdate")) or 0)


def _forms(kind: Kind, state: Mapping[str, Any], calendars: tuple[str | None, ...]) -> frozenset[ChildKind]:
    """The forms in which something may have been made. What has no begin has no place in a calendar, and none gets one here."""
    if kind != "appointment":
        return frozenset({kind}) if kind != "contact" else frozenset()
    return frozenset("appointment" if calendar and has_begin(state) else "task" for calendar in calendars)


def _child(
    connection: Connection, kind: Kind, form: ChildKind, state: Mapping[str, Any], directory: Directory
) -> DesiredChild:
    if kind == "note":
        return resolve_note(state, connection.mapping.locale)
    state, users = {**state, "_agent": _agent(state)}, connection.mapping.users
    if form == "appointment":
        place = connection.appointments
        return resolve_event(
            map_event(state, users=users), directory, place.calendar, runs_automations=place.automations
        )
    if kind == "appointment":
        return resolve_appointment(state, directory, users=users, locale=connection.mapping.locale)
    return resolve_task(map_task(state, users=users), directory)


def _agent(state: Mapping[str, Any]) -> dict[str, str] | None:
    name = state.get("assignedUser")
    return {"name": name, "email": _MEMBERS[name]} if name in _MEMBERS else None
