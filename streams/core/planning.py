"""From the state of one entity, its link and its contact's link to its next request: mapping, names and plan in one place."""

from __future__ import annotations

from collections.abc import Callable
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


NextPlan = Callable[[LinkRow | None, LinkRow | None, int], Plan]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The desired state of an entity, mapped once. `plan(link, contact, now_ms)` gives the next request towards it.

    `contact` is the link of the contact that a note or task hangs on.
    `flags` is what could not be carried, in words; `missing` are custom fields that the location lacks, with their type.
    """

    plan: NextPlan
    flags: tuple[str, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)


def prepare(row: OutboxRow, rules: Rules, directory: Directory) -> Prepared:
    """Map the desired state of an entity and resolve its names: the costly half of planning."""
    snapshot = row.snapshot
    if snapshot.kind == "contact":
        return _gone_contact(row, rules, directory) if snapshot.is_gone else _contact(row, rules, directory)
    kind: Literal["note", "task"] = "note" if snapshot.kind == "note" else "task"
    state = snapshot.state
    if state is None or is_deleted(snapshot.kind, state):
        wanted = marker(snapshot.kind, snapshot.id)
        return Prepared(lambda link, contact, _: plan_gone_child(kind, link, contact, wanted))
    if not should_sync(snapshot.kind, state):
        return Prepared(lambda *_: Settled("not carried: a system note, or without text"))
    if kind == "note":
        desired = resolve_note(state)
    elif snapshot.kind == "appointment":
        desired = resolve_task(map_appointment(state, users=rules.mapping.users), directory)
    else:
        desired = resolve_task(map_task(state, users=rules.mapping.users), directory)
    return Prepared(lambda link, contact, _: plan_child(kind, desired, link, contact))


def _contact(row: OutboxRow, rules: Rules, directory: Directory) -> Prepared:
    mapped = map_contact(rules.mapping, row.snapshot.state or {}, region=rules.region)
    resolved = resolve_contact(mapped, directory, row.snapshot.lead, omit=row.omit)

    def plan(link: LinkRow | None, _: LinkRow | None, now_ms: int) -> Plan:
        return plan_contact(resolved.contact, link, now_ms, search_lag_ms=rules.search_lag_ms)

    return Prepared(plan, resolved.flags, resolved.missing)


def _gone_contact(row: OutboxRow, rules: Rules, directory: Directory) -> Prepared:
    def plan(link: LinkRow | None, _: LinkRow | None, now_ms: int) -> Plan:
        return plan_gone_contact(
            link,
            policy=rules.lead_deleted,
            deleted_tag=rules.lead_deleted_tag,
            lofty_id=row.snapshot.lead,
            external_id_field=directory.custom_field_id(LEAD_ID_FIELD),
            now_ms=now_ms,
            search_lag_ms=rules.search_lag_ms,
        )

    return Prepared(plan)
