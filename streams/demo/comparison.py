"""Compares what GHL's sandbox holds with what the mapping says it should, for every lead, note and task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.lofty.people import make_team
from streams.core.to_ghl.compare import FieldDifference, compare_child, compare_contact
from streams.core.to_ghl.desired import resolve_appointment, resolve_contact, resolve_note, resolve_task
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.plan import DesiredChild
from streams.demo.dataset import AGENCIES
from streams.demo.environment import DemoEnvironment
from streams.mapping import LEAD_ID_FIELD, map_contact, map_task, should_sync
from streams.mapping.rich_text import text_of
from streams.settings import Connection


@dataclass(slots=True)
class Comparison:
    """Counts, and everything that is wrong, in words."""

    leads: int = 0
    notes: int = 0
    tasks: int = 0
    fields_compared: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Nothing is lost, double or different."""
        return not (self.lost or self.double or self.different)


async def compare_everything(environment: DemoEnvironment) -> Comparison:
    """Compare everything, read through the sandboxes' control APIs."""
    comparison = Comparison()
    for agency in AGENCIES:
        found = await environment.get(f"{environment.ghl}/_sandbox/contacts", location=agency.location)
        leads = await environment.get(f"{environment.lofty}/_sandbox/leads", team=str(agency.team), trash="true")
        compare_location(comparison, environment.settings.connections[agency.name], leads["leads"], found)
    return comparison


def compare_location(
    comparison: Comparison,
    connection: Connection,
    leads: list[dict[str, Any]],
    found: dict[str, Any],
    *,
    is_ours_alone: bool = False,
) -> None:
    """Compare one location with its team: `leads` and `found` are what the sandboxes' control APIs show of both.

    `is_ours_alone` says that nobody else sets tags in the location.
    """
    fields = {fold(one["name"]): one["id"] for one in found["customFields"]}
    directory = Directory(fields, {fold(one["email"]): one["id"] for one in found["users"] if one.get("email")})
    contacts = found["contacts"]
    marker = directory.custom_field_id(LEAD_ID_FIELD)
    by_lead: dict[str, list[dict[str, Any]]] = {}
    for contact in contacts:
        by_lead.setdefault(str(contact["customFields"].get(marker)), []).append(contact)
    known = set()
    for row in leads:
        lead = row["lead"]
        name = f"{connection.name} lead {lead['leadId']}"
        known.add(str(lead["leadId"]))
        twins = by_lead.get(str(lead["leadId"]), [])
        if len(twins) > 1:
            comparison.double.append(f"{name}: {len(twins)} contacts")
        if not twins:
            # A lead that was deleted before it ever was written leaves nothing behind.
            if not row["isDeleted"]:
                comparison.lost.append(f"{name}: no contact")
            continue
        contact = twins[0]
        if row["isDeleted"]:
            if connection.policies.lead_deleted_tag not in contact["tags"]:
                comparison.different.append(f"{name}: is deleted, and its contact does not have the tag for that")
            continue
        comparison.leads += 1
        mapped = map_contact(connection.mapping, {**lead, "_agent": _agent(lead)}, region=connection.region)
        resolved = resolve_contact(mapped, directory, str(lead["leadId"]))
        comparison.flags += [f"{name}: {flag}" for flag in mapped.flags]
        comparison.fields_compared += len(resolved.contact.fields)
        _note(comparison, name, compare_contact(resolved.contact, contact, is_ours_alone=is_ours_alone))
        users, locale = connection.mapping.users, connection.mapping.locale
        notes = [resolve_note(one, locale) for one in row["notes"] if should_sync("note", one)]
        tasks = [resolve_task(map_task({**one, "_agent": _agent(one)}, users=users), directory) for one in row["tasks"]]
        tasks += [
            resolve_appointment({**one, "_agent": _agent(one)}, directory, users=users, locale=locale)
            for one in row["appointments"]
        ]
        comparison.notes += _children(comparison, name, "note", notes, contact["notes"])
        comparison.tasks += _children(comparison, name, "task", tasks, contact["tasks"])
    for lead_id in by_lead.keys() - known:
        comparison.double.append(f"{connection.name}: {len(by_lead[lead_id])} contacts of no lead ({lead_id})")


def _children(
    comparison: Comparison, name: str, kind: str, wanted: list[DesiredChild], found: list[dict[str, Any]]
) -> int:
    by_marker: dict[str, list[dict[str, Any]]] = {}
    for child in found:
        body = str(child.get("body") or "")
        text = text_of(body) if kind == "note" else body
        by_marker.setdefault(text.rsplit("\n", 1)[-1], []).append(child)
    for desired in wanted:
        twins = by_marker.pop(desired.marker, [])
        if not twins:
            comparison.lost.append(f"{name}: {kind} {desired.marker} is missing")
            continue
        if len(twins) > 1:
            comparison.double.append(f"{name}: {kind} {desired.marker} exists {len(twins)} times")
        comparison.fields_compared += len(desired.fields)
        _note(comparison, f"{name} {kind} {desired.marker}", compare_child(desired, twins[0]))
    for marker in by_marker:
        comparison.double.append(f"{name}: {kind} {marker} is not in Lofty")
    return len(wanted)


def _note(comparison: Comparison, name: str, differences: tuple[FieldDifference, ...]) -> None:
    comparison.different += [f"{name}: {one.field} is {one.found!r}, should be {one.wanted!r}" for one in differences]


_MEMBERS = {f"{one['firstName']} {one['lastName']}": one["email"] for one in make_team()["members"]}


def _agent(state: dict[str, Any]) -> dict[str, str] | None:
    name = state.get("assignedUser")
    return {"name": name, "email": _MEMBERS[name]} if name in _MEMBERS else None
