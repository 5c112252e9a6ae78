"""From the state of one entity, its link and its contact's link to its next request: mapping, names and plan in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from connectors.http.json_reader import REPAIRS
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.adopt import look_before, look_through
from streams.core.to_ghl.child_kind import ChildKind, form_of
from streams.core.to_ghl.desired import (
    Resolved,
    resolve_appointment,
    resolve_contact,
    resolve_event,
    resolve_note,
    resolve_task,
    with_opt_outs,
)
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.identity import Policy
from streams.core.to_ghl.opportunity import (
    desired_opportunity,
    holding,
    overruled_stage,
    plan_opportunity,
    settles_stage,
    stage_hash,
)
from streams.core.to_ghl.plan import CUSTOM, UNKNOWN, DesiredChild, DesiredContact, Plan
from streams.core.to_ghl.plan_child import plan_child, plan_gone_child, plan_left_child
from streams.core.to_ghl.plan_contact import held, plan_contact, plan_gone_contact
from streams.core.to_ghl.refused_values import KEPT_IN, conflicts_of, held_back, refusal_flags
from streams.mapping import (
    LEAD_ID_FIELD,
    CompiledMapping,
    FieldOwner,
    StageTable,
    is_deleted,
    map_contact,
    map_event,
    map_task,
    marker,
    should_sync,
)
from streams.messages import Snapshot

SEARCH_LAG_MS = 60_000
"""How long GHL's search may not show a write. Third parties measured ten seconds, and up to a minute."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one connection wants: its mapping and its policies.

    Lofty's appointments are written to `calendar`; without one they become tasks. `opt_outs`: they are carried both ways.
    Without `stages` leads have no opportunities. `stage_owner` says whose stage wins; None: nobody looks for moves in GHL.
    """

    mapping: CompiledMapping
    region: str
    lead_deleted: Literal["tag", "delete", "ignore"] = "tag"
    lead_deleted_tag: str = "lofty-deleted"
    shared_email: Policy = "same"
    shared_phone: Policy = "apart"
    search_lag_ms: int = SEARCH_LAG_MS
    owners: Mapping[str, FieldOwner] = field(default_factory=dict)
    calendar: str | None = None
    runs_automations: bool = False
    opt_outs: bool = False
    stages: StageTable | None = None
    stage_owner: FieldOwner | None = None

    def form(self, snapshot: Snapshot, link: LinkRow | None, contact: LinkRow | None = None) -> ChildKind:
        """The kind that a note, task or appointment has in GHL, or will have."""
        return form_of(snapshot, link, contact, has_calendar=self.calendar is not None)


NextPlan = Callable[[LinkRow | None, LinkRow | None, int], Plan]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The desired state of an entity, mapped once. `plan(link, contact, now_ms)` gives the next request towards it.

    Its argument `contact` is the link of the contact that a note or task hangs on.
    `flags` is what could not be read, in words, `left_out` what the location lacks for a value; `missing` are custom fields that the location lacks, with their type.
    `contact` is the desired state of a contact; None for anything else. `directory` is what its names were resolved by, and
    `lacks` names what that had not. `child` gives the desired state of what hangs on a contact, by its link.
    `is_contact` is also true of a contact whose lead is deleted. Of an opportunity, `overrules` says that GHL owns the stage and Lofty
    has another, by a link, and `settles_more` what the receipt that settles it says of the stage.
    """

    plan: NextPlan
    flags: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    contact: DesiredContact | None = None
    lacks: tuple[str, ...] = ()
    directory: Directory = field(default_factory=Directory)
    child: Callable[[LinkRow | None], DesiredChild] | None = None
    is_contact: bool = False
    overrules: Callable[[LinkRow | None], dict[str, str]] | None = None
    settles_more: Callable[[LinkRow], dict[str, Any]] | None = None

    def all_flags(self, link: LinkRow | None) -> tuple[str, ...]:
        """All that could not be carried: also what the location lacks, and the values that GHL has refused."""
        wanted = self.child(link) if self.child is not None else self.contact
        left_out = wanted.left_out if isinstance(wanted, DesiredChild) else self.left_out
        refused = refusal_flags(wanted.fields, link) if wanted is not None else ()
        return (*self.unreadable(link), *left_out, *refused)

    def unreadable(self, link: LinkRow | None) -> tuple[str, ...]:
        """What could not be read, in words."""
        return (*self.flags, *(self.child(link).flags if self.child is not None else ()))

    def settles(self, link: LinkRow | None) -> dict[str, Any]:
        """What the receipt that settles an entity says of its location: what is lacking, and the end of fields that are gone.

        A refusal of what is no longer wanted ends, too: wanted again, it gets its own try.
        """
        link = link or LinkRow()
        if not self.is_contact:
            child = self.child(link) if self.child is not None else None
            more = self.settles_more(link) if self.settles_more is not None else {}
            return {**(_settles_child(child, link) if child is not None else {}), **more}
        wanted = self.contact.fields if self.contact is not None else {}
        facts: dict[str, Any] = {"lacks": self.lacks}
        if gone := self.directory.dead_fields(link.fields):
            facts["fields"] = {name: hash_ for name, hash_ in link.fields.items() if name not in gone}
        if link.conflicts and self.contact is not None:
            facts["conflicts"] = conflicts_of(self.contact.fields, link)
        if over := {name: "" for name in link.refused if name not in wanted}:
            facts["refused"] = over
        return facts


def _settles_child(child: DesiredChild, link: LinkRow) -> dict[str, Any]:
    facts: dict[str, Any] = {"lacks": child.lacks} if child.lacks or link.lacks else {}
    if over := {name: "" for name in link.refused if name not in child.fields}:
        facts["refused"] = over
    return facts


def overruled(prepared: Prepared, link: LinkRow | None, owners: Mapping[str, FieldOwner]) -> dict[str, str]:
    """The fields that GHL owns and that differ in Lofty, with the hash of Lofty's value: they must be written to Lofty.

    Those that are being written already are left out.
    """
    if prepared.overrules is not None:
        return prepared.overrules(link)
    if prepared.contact is None or link is None or link.ghl_id is None or link.is_deleted:
        return {}
    hashes = {name: field_hash(prepared.contact.fields.get(name)) for name, owner in owners.items() if owner == "ghl"}
    return {
        name: lofty
        for name, lofty in hashes.items()
        if name in link.fields and lofty not in (link.fields[name], link.heard.get(name))
    }


def doubts(row: OutboxRow, rules: Rules, directory: Directory, link: LinkRow) -> dict[str, Any]:
    """The fields of a link that are no longer known, because an earlier owner may have been writing the states in `row.before`.

    The facts of a `doubtful` receipt: each field and tag by which such a state differs from what the link says.
    """
    fields = dict(link.fields)
    tags = {*link.doubtful_tags}
    for snapshot in row.before:
        wanted_tags: tuple[str, ...] = ()
        wanted: Mapping[str, Any] = {}
        if _deletes(snapshot, rules):
            fields = dict.fromkeys(fields, UNKNOWN)
        elif snapshot.kind == "opportunity":
            opportunity = desired_opportunity(snapshot.state, rules.stages, directory, rules.mapping.users)
            wanted = opportunity.fields if opportunity is not None else {}
        elif snapshot.kind != "contact":
            wanted = desired_child(snapshot, rules, directory, rules.form(snapshot, link)).fields
        elif snapshot.state is None:
            wanted_tags = (*link.tags, rules.lead_deleted_tag)
        else:
            contact = resolve_contact(
                map_contact(rules.mapping, snapshot.state, region=rules.region), directory, snapshot.lead
            ).contact
            wanted, wanted_tags = contact.fields, contact.tags
        for name, value in wanted.items():
            if field_hash(value) != link.fields.get(name) and (value is not None or name in link.fields):
                fields[name] = UNKNOWN
        if snapshot.kind == "contact" and not _deletes(snapshot, rules):
            tags |= {*wanted_tags} ^ {*link.tags}
    return {"fields": fields, "doubtful_tags": tuple(sorted(tags))}


def _deletes(snapshot: Snapshot, rules: Rules) -> bool:
    """Whether an entity with this state is deleted in GHL."""
    if snapshot.kind == "contact":
        return snapshot.is_gone and rules.lead_deleted == "delete"
    if snapshot.kind == "opportunity":
        return False
    return snapshot.state is None or is_deleted(snapshot.kind, snapshot.state)


def prepare(row: OutboxRow, rules: Rules, directory: Directory, link: LinkRow | None = None) -> Prepared:
    """Map the desired state of an entity and resolve its names: the costly half of planning.

    `link` says which values cannot be written (`refused_values.py`).
    """
    prepared = _prepare(row, rules, directory, link)
    repairs = (row.snapshot.state or {}).get(REPAIRS)
    return replace(prepared, flags=(*prepared.flags, *map(str, repairs))) if isinstance(repairs, list) else prepared


def _prepare(row: OutboxRow, rules: Rules, directory: Directory, link: LinkRow | None) -> Prepared:
    snapshot = row.snapshot
    if snapshot.kind == "contact":
        return _gone_contact(row, rules, directory) if snapshot.is_gone else _contact(row, rules, directory, link)
    if snapshot.kind == "opportunity":
        return _opportunity(snapshot, rules, directory)
    state = snapshot.state
    is_gone = state is None or is_deleted(snapshot.kind, state)
    if state is None or is_gone or not should_sync(snapshot.kind, state):
        wanted = marker(snapshot.kind, snapshot.id)
        plan_rest = plan_gone_child if is_gone else plan_left_child

        def plan_gone(link: LinkRow | None, contact: LinkRow | None, _: int) -> Plan:
            plan = plan_rest(rules.form(snapshot, link, contact), link, contact, wanted)
            return look_before(plan, snapshot, link, contact) if is_gone else plan

        return Prepared(plan_gone)
    desired: dict[ChildKind, DesiredChild] = {}

    def child(form: ChildKind) -> DesiredChild:
        if form not in desired:
            desired[form] = desired_child(snapshot, rules, directory, form)
        return desired[form]

    def plan(link: LinkRow | None, contact: LinkRow | None, _: int) -> Plan:
        form = rules.form(snapshot, link, contact)
        return look_before(plan_child(form, child(form), link, contact), snapshot, link, contact)

    return Prepared(plan, child=lambda link: child(rules.form(snapshot, link)))


def _opportunity(snapshot: Snapshot, rules: Rules, directory: Directory) -> Prepared:
    wanted = desired_opportunity(snapshot.state, rules.stages, directory, rules.mapping.users)
    stage, owner = stage_hash((snapshot.state or {}).get("stage")), rules.stage_owner

    def plan(link: LinkRow | None, contact: LinkRow | None, now_ms: int) -> Plan:
        held = holding(link, stage, owner)
        return plan_opportunity(wanted, link, contact, now_ms, search_lag_ms=rules.search_lag_ms, holding=held)

    prepared = Prepared(plan, child=None if wanted is None else lambda _: wanted)
    if snapshot.state is None or owner not in ("ghl", "newest"):
        return prepared
    return replace(
        prepared,
        overrules=lambda link: overruled_stage(link, stage, owner),
        settles_more=lambda link: settles_stage(link, stage, wanted) if link.ghl_id is not None else {},
    )


def wanted_child(snapshot: Snapshot, rules: Rules, directory: Directory, form: ChildKind) -> DesiredChild | None:
    """A note, task or appointment as it should be in GHL, in this form; None if it should not be there."""
    state = snapshot.state
    if state is None or is_deleted(snapshot.kind, state) or not should_sync(snapshot.kind, state):
        return None
    return desired_child(snapshot, rules, directory, form)


def desired_child(snapshot: Snapshot, rules: Rules, directory: Directory, form: ChildKind = "task") -> DesiredChild:
    """A note, task or appointment that is alive in Lofty, as it should be in GHL. `form` is an appointment's."""
    state = snapshot.state or {}
    match snapshot.kind:
        case "note":
            return resolve_note(state, rules.mapping.locale)
        case "appointment" if form == "appointment":
            mapped = map_event(state, users=rules.mapping.users)
            return resolve_event(mapped, directory, rules.calendar, runs_automations=rules.runs_automations)
        case "appointment":
            mapping = rules.mapping
            return resolve_appointment(state, directory, users=mapping.users, locale=mapping.locale)
        case _:
            return resolve_task(map_task(state, users=rules.mapping.users), directory)


def _contact(row: OutboxRow, rules: Rules, directory: Directory, link: LinkRow | None) -> Prepared:
    mapped = map_contact(rules.mapping, row.snapshot.state or {}, region=rules.region)
    resolved = with_kept(resolve_contact(mapped, directory, row.snapshot.lead), directory, link)
    if rules.opt_outs:
        resolved = with_opt_outs(resolved, row.snapshot.state or {})

    def plan(link: LinkRow | None, _: LinkRow | None, now_ms: int) -> Plan:
        planned = plan_contact(
            resolved.contact,
            link,
            now_ms,
            search_lag_ms=rules.search_lag_ms,
            holding=held(resolved.contact, link, rules.owners),
            candidate=row.candidate,
            looks_first=directory.takes_duplicates,
        )
        return look_through(planned, link, has_calendar=rules.calendar is not None)

    return Prepared(
        plan,
        mapped.flags,
        resolved.left_out,
        resolved.missing,
        resolved.contact,
        resolved.lacks,
        directory,
        is_contact=True,
    )


def with_kept(resolved: Resolved, directory: Directory, link: LinkRow | None) -> Resolved:
    """With the telephone or e-mail that the contact cannot have, in a custom field of its own; empty again once it can."""
    kept: dict[str, Any] = {}
    missing: dict[str, str] = {}
    held = held_back(resolved.contact.fields, link)
    for name, reference in KEPT_IN.items():
        value = resolved.contact.fields.get(name) if name in held else None
        field_id = directory.custom_field_id(reference)
        if field_id is not None:
            kept[CUSTOM + field_id] = value
        elif value is not None:
            missing[reference] = "TEXT"
    if not kept and not missing:
        return resolved
    only_ours = resolved.contact.only_ours | kept.keys()
    contact = replace(resolved.contact, fields={**resolved.contact.fields, **kept}, only_ours=only_ours)
    return replace(resolved, contact=contact, missing=resolved.missing | missing)


def _gone_contact(row: OutboxRow, rules: Rules, directory: Directory) -> Prepared:
    def plan(link: LinkRow | None, _: LinkRow | None, now_ms: int) -> Plan:
        planned = plan_gone_contact(
            link,
            policy=rules.lead_deleted,
            deleted_tag=rules.lead_deleted_tag,
            lofty_id=row.snapshot.lead,
            external_id_field=directory.custom_field_id(LEAD_ID_FIELD),
            now_ms=now_ms,
            search_lag_ms=rules.search_lag_ms,
            candidate=row.candidate,
        )
        return look_through(planned, link, has_calendar=rules.calendar is not None)

    return Prepared(plan, directory=directory, is_contact=True)
