"""Judges the notes, tasks and appointments of one lead. It finds them in GHL by the link's id, and by their markers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.compare import FieldDifference, compare_child
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.planning import Rules, desired_child
from streams.core.to_ghl.refused_values import refusal_words
from streams.mapping import find_marker, is_deleted, should_sync
from streams.messages import Entity, Kind, Observation, Remedy, Snapshot, Standing
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_opportunity import judge_opportunity
from streams.operations.verify.ownership import on_its_way, owned

_MARKED: tuple[tuple[Literal["notes", "tasks", "appointments"], tuple[Kind, ...]], ...] = (
    ("notes", ("note",)),
    ("tasks", ("task", "appointment")),
    ("appointments", ("appointment",)),
)


@dataclass(frozen=True, slots=True)
class _Held:
    """The notes, tasks and appointments of a contact in GHL: `rows` by GHL id, and `marked`, the GHL ids with each entity's marker."""

    rows: Mapping[str, Mapping[str, Any]]
    marked: Mapping[str, tuple[str, ...]]
    in_calendar: frozenset[str]

    def remove(self, ghl_id: str, contact_id: str | None) -> Remedy:
        """The remedy that deletes one of them."""
        return Remedy(cure="remove", ghl_id=ghl_id, contact_id=contact_id, in_calendar=ghl_id in self.in_calendar)


def judge_children(
    snapshots: Mapping[str, Snapshot],
    seen: Observation,
    rules: Rules,
    directory: Directory,
    *,
    is_absent_right: bool,
) -> Iterator[Finding]:
    """The findings about all notes, tasks and appointments of a lead, and about its opportunity.

    `is_absent_right`: it is right that the contact, and so all of these, are not in GHL.
    """
    held = _held(seen)
    named = {one.ghl_id for one in seen.standings.values() if one.ghl_id and not one.is_deleted}
    for key, snapshot in snapshots.items():
        if snapshot.kind == "contact":
            continue
        standing = seen.standings.get(key, Standing())
        twins = tuple(one for one in held.marked.get(key, ()) if one == standing.ghl_id or one not in named)
        if underway := on_its_way(key, snapshot, standing):
            yield underway
        elif snapshot.kind == "opportunity":
            found = judge_opportunity(key, snapshot, seen, rules, directory)
            yield found or _without_contact(key, snapshots, seen, is_absent_right)
        elif snapshot.state is None or is_deleted(snapshot.kind, snapshot.state):
            yield _gone(key, standing, twins, held, seen)
        elif not should_sync(snapshot.kind, snapshot.state):
            yield Finding(key, "ok", "not synced: it is a system note, or has no text")
        elif _is_of_gone_lead(key, standing, twins, snapshots):
            yield Finding(key, "ok", "its lead is deleted in Lofty, and it was not in GHL before")
        elif seen.contact is None:
            yield _without_contact(key, snapshots, seen, is_absent_right)
        else:
            yield from _alive(key, snapshot, standing, twins, held, seen, rules, directory)
    owner = snapshots.get(Entity.contact(seen.connection, seen.lead).key)
    for key in held.marked.keys() - snapshots.keys():
        if owner is not None and owner.is_gone:
            yield Finding(key, "ok", "its lead is deleted in Lofty: it stays on its contact")
            continue
        yield Finding(
            key,
            "orphaned",
            "has our marker, but is not known in Lofty",
            ghl_ids=held.marked[key],
            advice="delete it in GHL if it is no longer in Lofty",
        )


def _held(seen: Observation) -> _Held:
    rows: dict[str, Mapping[str, Any]] = {}
    marked: dict[str, tuple[str, ...]] = {}
    for name, kinds in _MARKED:
        for row in getattr(seen, name):
            rows[row["id"]] = row
            for kind in kinds:
                if lofty_id := find_marker(row.get("body") or row.get("description") or row.get("notes"), kind):
                    key = Entity(seen.connection, seen.lead, kind, lofty_id).key
                    marked[key] = (*marked.get(key, ()), row["id"])
    return _Held(rows, marked, frozenset(row["id"] for row in seen.appointments))


def _gone(key: str, standing: Standing, twins: tuple[str, ...], held: _Held, seen: Observation) -> Finding:
    stands = tuple(dict.fromkeys((*((standing.ghl_id,) if standing.ghl_id in held.rows else ()), *twins)))
    if not stands:
        return Finding(key, "ok", "deleted in Lofty")
    remedies = tuple(
        Remedy(cure="doubt")
        if one == standing.ghl_id and not standing.is_deleted
        else held.remove(one, _contact_id(seen))
        for one in stands
    )
    return Finding(key, "orphaned", "deleted in Lofty, but still in GHL", ghl_ids=stands, remedies=remedies)


def _is_of_gone_lead(key: str, standing: Standing, twins: tuple[str, ...], snapshots: Mapping[str, Snapshot]) -> bool:
    """Whether it waited to be created when its lead was deleted, and so was not (`core/to_ghl/plan_child.py`)."""
    lead = snapshots.get(Entity.from_key(key).owner.key)
    return lead is not None and lead.state is None and standing.ghl_id is None and not twins


def _without_contact(key: str, snapshots: Mapping[str, Snapshot], seen: Observation, is_absent_right: bool) -> Finding:
    owner = Entity.from_key(key).owner.key
    contact = snapshots.get(owner)
    if is_absent_right:
        return Finding(key, "ok", "its contact is not in GHL, and should not be")
    if contact is not None and (waits := on_its_way(owner, contact, seen.standings.get(owner, Standing()))):
        return Finding(key, "pending", f"its contact comes first: {waits.because}")
    ghl_id = seen.standings.get(key, Standing()).ghl_id
    return Finding(key, "missing", "its contact is not in GHL", remedies=(Remedy(cure="forget", ghl_id=ghl_id),))


def _alive(
    key: str,
    snapshot: Snapshot,
    standing: Standing,
    twins: tuple[str, ...],
    held: _Held,
    seen: Observation,
    rules: Rules,
    directory: Directory,
) -> Iterator[Finding]:
    row = held.rows.get(standing.ghl_id or "") if not standing.is_deleted else None
    extras = tuple(one for one in twins if row is None or one != standing.ghl_id)
    contact_id = _contact_id(seen)
    if row is None and not extras:
        because = "deleted in GHL" if standing.ghl_id else "was never written"
        yield Finding(key, "missing", because, remedies=(Remedy(cure="forget", ghl_id=standing.ghl_id),))
        return
    kept = standing.ghl_id if row is not None else extras[0]
    if len({kept, *extras}) > 1:
        yield Finding(
            key,
            "double",
            f"{len({kept, *extras})} in GHL have this marker",
            ghl_ids=(str(kept), *(one for one in extras if one != kept)),
            remedies=tuple(held.remove(one, contact_id) for one in extras if one != kept),
        )
    form: ChildKind = "appointment" if kept in held.in_calendar else "task"
    desired = desired_child(snapshot, rules, directory, form)
    if row is None:
        remedy = Remedy(cure="adopt", ghl_id=kept, contact_id=contact_id, fields=tuple(desired.fields))
        because = "the one that we wrote is not in GHL, but another one with its marker is"
        yield Finding(key, "missing", because, ghl_ids=(str(kept),), remedies=(remedy,))
        return
    refused = sorted(name for name, hash_ in standing.refused.items() if field_hash(desired.fields.get(name)) == hash_)
    compared_fields = (
        one for one in compare_child(desired, row) if one.field not in refused and not _is_told_by_ghl(one)
    )
    differences = owned(compared_fields, standing)
    left_out = (*(refusal_words(name) for name in refused), *desired.left_out)
    compared = len(desired.fields)
    if differences:
        remedy = Remedy(cure="doubt", fields=tuple(one.field for one in differences))
        yield Finding(key, "different", "", differences, (str(kept),), (remedy,), compared=compared)
    elif not extras:
        because = "; ".join(left_out)
        yield Finding(key, "ok", because, ghl_ids=(str(kept),), compared=compared, left_out=left_out)


def _is_told_by_ghl(difference: FieldDifference) -> bool:
    """Whether a client came, or cancelled, is decided in GHL: Lofty only knows that an appointment is over."""
    return difference.field == "appointmentStatus" and difference.wanted == "confirmed"


def _contact_id(seen: Observation) -> str | None:
    return str(seen.contact["id"]) if seen.contact else None
