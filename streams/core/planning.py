"""From the state of one entity, its link and its contact's link to its next request: mapping, names and plan in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from streams.core.desired import resolve_contact, resolve_note, resolve_task
from streams.core.directory import Directory
from streams.core.plan import Plan, Settled, plan_child, plan_contact, plan_gone_child, plan_gone_contact
from streams.core.rows import LinkRow, OutboxRow
from streams.mapping import (
    LEAD_ID_FIELD,
    CompiledMapping,
    is_deleted,
    map_appointment,
    map_contact,
    map_task,
    marker,
    should_sync,
)

SEARCH_LAG_MS = 10_000
"""How long GHL's search may not show a write (measured by third parties: about 10 s)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one connection wants: its mapping and its policies."""

    mapping: CompiledMapping
    region: str
    lead_deleted: Literal["tag", "delete", "ignore"] = "tag"
    lead_deleted_tag: str = "lofty-deleted"
    search_lag_ms: int = SEARCH_LAG_MS


@dataclass(frozen=True, slots=True)
class Planned:
    """The next request, what could not be carried in words, and custom fields that the location lacks (with type)."""

    plan: Plan
    flags: tuple[str, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)


def plan_entity(
    row: OutboxRow, link: LinkRow | None, contact: LinkRow | None, rules: Rules, directory: Directory, now_ms: int
) -> Planned:
    """The next request for an entity. `contact` is the link of the contact that a note or task hangs on."""
    snapshot = row.snapshot
    state = snapshot.state
    if snapshot.kind == "contact":
        if state is None:
            gone = plan_gone_contact(
                link,
                policy=rules.lead_deleted,
                deleted_tag=rules.lead_deleted_tag,
                lofty_id=snapshot.lead,
                external_id_field=directory.custom_field_id(LEAD_ID_FIELD),
                now_ms=now_ms,
                search_lag_ms=rules.search_lag_ms,
            )
            return Planned(gone)
        mapped = map_contact(rules.mapping, state, region=rules.region)
        resolved = resolve_contact(mapped, directory, snapshot.lead, omit=row.omit)
        plan = plan_contact(resolved.contact, link, now_ms, search_lag_ms=rules.search_lag_ms)
        return Planned(plan, resolved.flags, resolved.missing)
    kind: Literal["note", "task"] = "note" if snapshot.kind == "note" else "task"
    if state is None or is_deleted(snapshot.kind, state):
        return Planned(plan_gone_child(kind, link, contact, marker(snapshot.kind, snapshot.id)))
    if not should_sync(snapshot.kind, state):
        return Planned(Settled("not carried: a system note, or without text"))
    if kind == "note":
        desired = resolve_note(state)
    elif snapshot.kind == "appointment":
        desired = resolve_task(map_appointment(state, users=rules.mapping.users), directory)
    else:
        desired = resolve_task(map_task(state, users=rules.mapping.users), directory)
    return Planned(plan_child(kind, desired, link, contact))
