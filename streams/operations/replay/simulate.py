"""Simulates a replay: what a lead's snapshots would write, planned by the functions that the dispatcher itself uses. Pure.

Each entity is planned request by request until it is settled, as if GHL accepted every request.
A link has only hashes of what we wrote, so the result shows a field's new value and not its old one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.delivery import accept_again, settled_as
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.plan import Blocked, Call, NotBefore, Settled, Stuck
from streams.core.to_ghl.planning import Prepared, Rules, prepare
from streams.messages import Entity, Receipt, Snapshot

Verdict = Literal["create", "update", "delete", "unchanged", "stale", "pending", "blocked", "stuck", "in doubt"]
VERDICTS: tuple[Verdict, ...] = (
    "create", "update", "delete", "unchanged", "pending", "blocked", "stuck", "in doubt", "stale"
)  # fmt: skip
MOST_STEPS = 8
"""At most so many requests of one entity are planned: create, fields, tags to add, tags to remove, and some to spare."""
NEW = "(new)"


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request to GHL: its name, and the fields that it would set, by their names, with their new values."""

    step: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedOutcome:
    """The planned outcome of one entity. `was_parked`: it waits for a person now, and would be retried.

    `because` explains a verdict without a write. `flags` name what cannot be synced; `new_fields` are custom fields that would be
    created first.
    """

    entity: str
    verdict: Verdict
    steps: tuple[PlannedRequest, ...] = ()
    because: str = ""
    was_parked: bool = False
    flags: tuple[str, ...] = ()
    new_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulationBasis:
    """All that one connection is planned by. `mapping` is the fingerprint of its mapping, `names` are the names of custom fields by id."""

    rules: Rules
    directory: Directory
    mapping: str
    creates_custom_fields: bool
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Rules, directory: Directory, mapping: str, *, creates_custom_fields: bool) -> SimulationBasis:
        """A basis that knows the custom fields of its mapping by the names that the mapping gives them."""
        found = {reference: directory.custom_field_id(reference) for reference in rules.mapping.custom_fields}
        others = {field_id: name for name, field_id in directory.custom_fields.items()}
        names = others | {field_id: reference for reference, field_id in found.items() if field_id}
        return cls(rules, directory, mapping, creates_custom_fields, names)


@dataclass(frozen=True, slots=True)
class EntityState:
    """An entity's newest snapshot and its rows in the tables. `is_chosen`: the replay's selection contains it."""

    snapshot: Snapshot
    link: LinkRow | None
    row: OutboxRow | None
    is_chosen: bool = True


def simulate_lead(
    standings: Sequence[EntityState], owner: LinkRow | None, basis: SimulationBasis, now_ms: int
) -> Iterator[PlannedOutcome]:
    """The planned outcome of each chosen entity of one lead. `owner` is the link of its contact."""
    for one in sorted(standings, key=lambda one: one.snapshot.kind != "contact"):
        is_contact = one.snapshot.kind == "contact"
        planned, link = _entity(one, None if is_contact else owner, basis, now_ms)
        if is_contact and (one.is_chosen or one.row is not None):
            owner = link
        if one.is_chosen:
            yield planned


def settle(one: EntityState, basis: SimulationBasis, now_ms: int) -> LinkRow:
    """The link of a contact after GHL has accepted all of its requests."""
    _, link = _planned(one.snapshot.entity.key, OutboxRow(snapshot=one.snapshot), one.link, None, basis, now_ms)
    return link or LinkRow()


def _entity(
    one: EntityState, owner: LinkRow | None, basis: SimulationBasis, now_ms: int
) -> tuple[PlannedOutcome, LinkRow | None]:
    key, wanted = one.snapshot.entity.key, settled_as(one.snapshot.fingerprint, basis.mapping)
    acceptance = accept_again(one.row, one.link, one.snapshot, wanted)
    if acceptance in ("unchanged", "stale"):
        return PlannedOutcome(key, acceptance), one.link
    row = one.row if acceptance == "pending" and one.row is not None else OutboxRow(snapshot=one.snapshot)
    planned, link = _planned(key, row, one.link, owner, basis, now_ms)
    if acceptance == "pending":
        because = "a newer state waits for a person" if row.parked else "its newest state is on its way already"
        return PlannedOutcome(key, "pending", because=because), link
    return (planned if one.row is None else replace(planned, was_parked=True)), link


def _planned(
    key: str, row: OutboxRow, link: LinkRow | None, owner: LinkRow | None, basis: SimulationBasis, now_ms: int
) -> tuple[PlannedOutcome, LinkRow | None]:
    prepared, new_fields = _prepare(row, basis)
    entity, because = row.snapshot.entity, ""
    steps: list[PlannedRequest] = []
    verdict: Verdict = "unchanged"
    for _ in range(MOST_STEPS):
        match prepared.plan(link, owner, now_ms):
            case Call() as call:
                steps.append(PlannedRequest(call.step, _told(call, basis)))
                verdict = _stronger(verdict, call)
                link = record_link(link, _applied(entity, call, link))
            case Settled(because):
                break
            case Blocked(because):
                verdict = "blocked"
                break
            case Stuck(because):
                verdict = "stuck"
                break
            case NotBefore():
                verdict, because = (
                    "in doubt",
                    "a create got no answer: GHL is searched for it before anything is written",
                )
                break
    return PlannedOutcome(key, verdict, tuple(steps), because, False, prepared.all_flags(link), new_fields), link


def _prepare(row: OutboxRow, basis: SimulationBasis) -> tuple[Prepared, tuple[str, ...]]:
    """Map a state, as if the custom fields that would be created existed already."""
    prepared = prepare(row, basis.rules, basis.directory)
    if not prepared.missing or not basis.creates_custom_fields:
        return prepared, ()
    given = {fold(name): name for name in prepared.missing}
    directory = replace(basis.directory, custom_fields={**basis.directory.custom_fields, **given})
    return prepare(row, basis.rules, directory), tuple(sorted(prepared.missing))


def _stronger(verdict: Verdict, call: Call) -> Verdict:
    if call.is_create or verdict == "create":
        return "create"
    return "delete" if call.is_delete or verdict == "delete" else "update"


def _told(call: Call, basis: SimulationBasis) -> dict[str, Any]:
    """The fields that a request sets, custom ones by their names."""
    values = {name: value for name, value in call.body.items() if name != "customFields"}
    for one in call.body.get("customFields") or ():
        values[basis.names.get(one["id"], one["id"])] = one["field_value"]
    return values


def _applied(entity: Entity, call: Call, link: LinkRow | None) -> Receipt:
    """The receipt of a request that GHL accepted."""
    ghl_id = call.ghl_id or (call.contact_id if entity.kind == "contact" else None)
    return Receipt(
        **entity._asdict(),
        outcome="applied",
        step=call.step,
        at_ms=0,
        version_ms=0,
        ghl_id=ghl_id or NEW,
        refers_to=call.contact_id if entity.kind != "contact" else None,
        fields=None if call.fields is None else dict(call.fields),
        tags=call.tags,
        doubtful_tags=call.doubtful_tags,
        is_deleted=call.is_delete,
        epoch=link.epoch if link is not None else 0,
    )
