"""The one next request that brings a thing in Lofty closer to what a Lofty command wants. Pure.

The protocol is that of writing GHL, in the other direction: an intent before a create, a marker in its text, a search before a
second attempt. A deletion without an answer is in doubt, too: when the thing is wanted again, it is searched for first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.lofty.operations import NOTES_AT_MOST
from streams.core.fingerprint import field_hash
from streams.core.to_ghl.opportunity import stage_hash
from streams.core.to_ghl.plan import NotBefore, Settled
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping import FieldOwner, StageTable
from streams.mapping.lofty_sync import LOFTY_FIELDS, STAGE, LoftySyncRules
from streams.mapping.markers import back_marker
from streams.mapping.opt_outs import LOFTY_FLAGS, flags_to_set
from streams.messages.lofty_command import STAGE_COMMAND, LoftyCommand


@dataclass(frozen=True, slots=True)
class Create:
    """Create the task or note."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindCreated:
    """List the lead's tasks or notes, to find one with this marker."""

    marker: str


@dataclass(frozen=True, slots=True)
class Update:
    """Change these fields of a task, or the text of a note."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetFinished:
    """Mark the task as done, or open it again."""

    is_finished: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the task or note."""


@dataclass(frozen=True, slots=True)
class ReadLead:
    """Read the lead, to see which of its fields differ."""


@dataclass(frozen=True, slots=True)
class PutLead:
    """Write these fields of the lead, by Lofty's names."""

    body: Mapping[str, Any]


NOT_SEARCHABLE = (
    f"whether it reached Lofty is not known, and the lead has {NOTES_AT_MOST} notes or more, of which Lofty shows no more: writing "
    "it again could double it. Look for it in Lofty: if it is there, `lofty-ghl parked discard`; if it is not, write it there by hand"
)

Step = Settled | NotBefore | Create | FindCreated | Update | SetFinished | Delete | ReadLead | PutLead

DELETED: Mapping[str, Any] = {"lofty_id": None, "intent_ms": None, "written": {}, "is_finished": False}
"""The fields of a row whose entity is no longer in Lofty."""

_FIXED = frozenset({"type", "assignedRole", "finished"})
"""What Lofty takes when a task is created, and not in an update; and what is no field at all."""


def merge(row: LoftyCommandRow | None, write: LoftyCommand) -> LoftyCommandRow | None:
    """The row after a command, None when the command changes nothing: it is older, or was read before."""
    if row is None:
        return LoftyCommandRow(write=write, lofty_id=write.lofty_id)
    # A lead's fields were read when the command was made, so what comes last is the newest, and may be wanted again.
    is_old = write.at_ms < row.write.at_ms or (write.at_ms == row.write.at_ms and write.state == row.write.state)
    if write.target != "lead" and is_old and not row.parked:
        return None
    if write.target == "lead" and not row.is_settled:
        fields = {**(row.write.state or {}).get("fields", {}), **(write.state or {}).get("fields", {})}
        base = {**(write.base or {}), **(row.write.base or {})}  # the oldest: what Lofty held before any of them
        write = write.model_copy(update={"state": {"fields": fields}, "base": base})
    if row.is_settled and write.about == STAGE_COMMAND:
        row = row.model_copy(update={"written": {}})  # Lofty had it then, and what it has now is the base
    fresh = {"attempts": 0, "not_before_ms": 0, "last_error": "", "parked": "", "body": None, "is_settled": False}
    return row.model_copy(update={"write": write, **fresh})


def plan(row: LoftyCommandRow, now_ms: int, *, visibility_ms: int) -> Step:
    """The next request."""
    write = row.write
    if write.target == "lead":
        if row.is_settled:
            return Settled("as wanted")
        body = row.body or known_body(write)
        return ReadLead() if body is None else PutLead(body)
    if row.is_gone:
        return Settled("deleted in Lofty by hand: left alone")
    if row.intent_ms is not None and (row.lofty_id is None or write.state is not None):
        if now_ms < row.intent_ms + visibility_ms:
            return NotBefore(row.intent_ms + visibility_ms)
        return FindCreated(back_marker(write.about))
    if write.state is None:
        return Settled("not there") if row.lofty_id is None else Delete()
    if row.lofty_id is None:
        return Create({name: value for name, value in write.state.items() if name != "finished"})
    changed = {
        name: value
        for name, value in write.state.items()
        if name not in _FIXED and row.written.get(name) != field_hash(value)
    }
    if changed:
        return Update(changed)
    if "finished" in write.state and write.state["finished"] is not row.is_finished:
        return SetFinished(write.state["finished"])
    return Settled("as wanted")


def known_body(write: LoftyCommand) -> dict[str, Any] | None:
    """What can be written without reading the lead first: flags that Lofty lacks, as far as we know (`base`). Otherwise None.

    A flag is only ever set, and beside no other field, so there is nothing of the lead that the request could overwrite. Where Lofty
    has it by now, the request changes nothing.
    """
    fields, base = (write.state or {}).get("fields", {}), write.base or {}
    return dict(fields) if fields and fields.keys() <= LOFTY_FLAGS & base.keys() else None


def before(row: LoftyCommandRow, step: Step, now_ms: int) -> dict[str, Any]:
    """What the row must read before a step is sent: if no answer comes, or the worker ends, nobody knows what it did.

    Otherwise a state that comes back meanwhile would look as if Lofty already had it.
    """
    match step:
        case Create() | Delete():
            return {"intent_ms": now_ms}
        case Update(fields):
            return {"written": {name: hash_ for name, hash_ in row.written.items() if name not in fields}}
        case SetFinished():
            return {"is_finished": None}
        case PutLead():
            if (
                row.write.about == STAGE_COMMAND
            ):  # another move may come meanwhile: what Lofty has then is no edit there
                return {"body": None, "written": {STAGE: stage_hash(step.body.get(STAGE))}}
            return {"body": None}  # it was compared with the lead of then, and is compared again before another try
    return {}


def undone(row: LoftyCommandRow, step: Step) -> dict[str, Any]:
    """What the row must read again after an answer that says that a step did not happen. `row` is as it was before it."""
    return {name: getattr(row, name) for name in before(row, step, 0) if name != "body"}


def created(row: LoftyCommandRow, step: Create, lofty_id: str) -> dict[str, Any]:
    """The fields of a row once Lofty has returned the id of what it created."""
    return {"lofty_id": lofty_id, "intent_ms": None, "written": written(row, step)}


def looked(row: LoftyCommandRow, listed: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the row reads after a look among the lead's tasks or notes; None when the list does not say whether it is there."""
    marker = back_marker(row.write.about)
    found = next((one for one in listed if is_from(one, marker)), None)
    if found is not None:
        # Its content is not known: everything is written once more.
        return {"lofty_id": str(found.get("noteId") or found.get("id")), "intent_ms": None, "written": {}}
    return None if row.write.target == "note" and len(listed) >= NOTES_AT_MOST else dict(DELETED)


def written(row: LoftyCommandRow, step: Create | Update) -> dict[str, str]:
    """The hashes of what Lofty holds after a create or an update."""
    return {**row.written, **{n: field_hash(v) for n, v in step.fields.items() if n not in _FIXED}}


def lead_body(
    write: LoftyCommand, lead: Mapping[str, Any], mapped: Mapping[str, Any], back: LoftySyncRules
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of a lead must be written, and the fields in which Lofty was edited meanwhile, so that its value stays.

    `mapped` is what the mapping makes of the lead as it is now, by GHL's names.
    """
    fields = (write.state or {}).get("fields", {})
    body: dict[str, Any] = dict(flags_to_set({name: fields[name] for name in fields.keys() & LOFTY_FLAGS}, lead))
    kept: list[str] = []
    for name, value in fields.items():
        if name in LOFTY_FLAGS:
            continue
        now = mapped.get(name) or None
        if now == value:
            continue
        if back.owners.get(name) != "ghl" and field_hash(now) != (write.base or {}).get(name):
            kept.append(name)
            continue
        target = LOFTY_FIELDS[name]
        if target in ("emails", "phones"):
            listed = [one for one in lead.get(target) or () if isinstance(one, str)]
            # The first is the one that the mapping carried; GHL knows of no others, and none is dropped.
            body[target] = [value, *(one for one in listed[1:] if one != value)]
        else:
            body[target] = value
    return body, tuple(kept)


def stage_body(
    row: LoftyCommandRow, lead: Mapping[str, Any], table: StageTable, owner: FieldOwner | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The stage that must be written to a lead, or its name where Lofty's stays: it was edited there meanwhile.

    A stage of the same place in GHL is as wanted. Where nobody knows what Lofty had before the move, a stage with a pair stays.
    """
    wanted, now = (row.write.state or {}).get("fields", {}).get(STAGE), lead.get("stage")
    there = table.pair_of(now) if isinstance(now, str) else None
    if stage_hash(now) == stage_hash(wanted) or (there is not None and there.is_at(table.pair_of(str(wanted)))):
        return {}, ()
    base = (row.write.base or {}).get(STAGE)
    is_as_before = there is None if base is None else stage_hash(now) in (base, row.written.get(STAGE))
    if owner == "ghl" or (owner == "newest" and is_as_before):
        return {"stage": wanted}, ()
    return {}, (STAGE,)


def is_from(found: Mapping[str, Any], marker: str) -> bool:
    """Whether a task or note of Lofty has a marker."""
    content = found.get("content")
    return isinstance(content, str) and any(line.strip() == marker for line in content.splitlines())
