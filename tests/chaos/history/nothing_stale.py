"""P3: nothing newer is overwritten by something older, and no field is written that the mapping does not own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.directory import fold
from streams.core.to_ghl.refused_values import KEPT_IN
from streams.mapping import LEAD_ID_FIELD
from streams.mapping.contact import MIRROR_PREFIX
from streams.mapping.opt_outs import OPT_OUTS
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.names import CONTACT_WRITES, CREATES, form_of
from tests.chaos.history.told import told

STAMP = re.compile(r"\bv(\d{6})\b")
_STAMPED = ("lastName", "title", "body", "description")
_CHILD_FIELDS: Mapping[ChildKind, frozenset[str]] = {
    "note": frozenset({"body"}),
    "task": frozenset({"title", "body", "dueDate", "completed", "assignedTo"}),
    "appointment": frozenset(
        {"calendarId", "title", "description", "startTime", "endTime", "address", "appointmentStatus", "assignedUserId"}
        | {"ignoreDateRange", "ignoreFreeSlotValidation", "toNotify"}
    ),
}
_NEW_APPOINTMENT = frozenset({"locationId", "contactId"})
"""What names the place of an appointment, in the body of its create alone."""


def nothing_stale(case: Case) -> Finding:
    """In the order in which GHL applied them, the versions in writes of one entity never go back.

    Bodies hold only what the mapping (under any configuration of the run) writes; `tags` never travel in one.
    Excused: what a worker sent as it woke from a freeze.

    Proves nothing of: fields without a version (cities, tags, dates: they count at the end, in P1); versions that one
    write skips, which is what coalescing does.
    """
    title = "nothing is overwritten by something older, nor a field that the mapping does not own"
    tally = Tally(3, title, "writes with a version")
    newest: dict[str, tuple[int, Entry]] = {}
    for entry in case.writes():
        entity = case.names.entity_of(entry)
        where = entity.key if entity else f"{entry.budget} {entry.entity}"
        if strange := sorted(_strange(case, entry)):
            tally.note(where, f"fields that are not ours: {strange}", told(entry))
        stamps = versions(entry.body)
        if not stamps:
            continue
        tally.examined += 1
        before = newest.get(where)
        if before is not None and min(stamps) < before[0]:
            what = f"version {min(stamps)} came after version {before[0]}"
            is_late = case.interruptions.is_sent_on_waking(entry)
            tally.note(where, what, told(before[1], entry), is_excused=is_late)
        if before is None or max(stamps) > before[0]:
            newest[where] = max(stamps), entry
    return tally.finding()


def versions(body: Any) -> list[int]:
    """The versions in a body."""
    if not isinstance(body, dict):
        return []
    texts = (body.get(name) for name in _STAMPED)
    return [int(one) for text in texts if isinstance(text, str) for one in STAMP.findall(text)]


def _strange(case: Case, entry: Entry) -> Iterator[str]:
    """The fields of a body that no mapping of the run writes."""
    body = entry.body
    if not isinstance(body, dict) or entry.operation in ("add-tags", "remove-tags"):
        return
    if entry.operation not in CONTACT_WRITES:
        form = form_of(entry.operation)
        owned = _CHILD_FIELDS[form] if form else frozenset()
        is_new_appointment = form == "appointment" and entry.operation in CREATES
        yield from body.keys() - owned - (_NEW_APPOINTMENT if is_new_appointment else frozenset())
        return
    connection = case.history.connection_at.get(entry.budget)
    connections = case.history.mappings_of[connection.name] if connection else ()
    mappings = [one.mapping for one in connections]
    owned = {field.target for one in mappings for field in one.standard} | {"customFields"}
    owned |= {OPT_OUTS} if any(one.opt_outs for one in connections) else set()
    owned |= {"assignedTo"} if any(one.assignment for one in mappings) else set()
    owned |= {"locationId"} if entry.operation != "update-contact" else set()
    yield from body.keys() - owned
    references = {fold(name) for one in mappings for name in one.custom_fields} | {fold(LEAD_ID_FIELD)}
    references |= {fold(name) for name in KEPT_IN.values()}
    mirrors = any(one.mirrored for one in mappings)
    known = _custom_fields(case.history.contacts[connection.name]) if connection else {}
    for field in body.get("customFields") or ():
        names = known.get(str(field.get("id")), ())
        is_mirror = mirrors and any(name.startswith(fold(MIRROR_PREFIX)) for name in names)
        if not is_mirror and references.isdisjoint(names):
            yield f"custom field {field.get('id')} ({', '.join(names) or 'unknown'})"


def _custom_fields(found: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Custom field id → its name and key, as references are compared."""
    return {
        one["id"]: tuple(fold(one[name]) for name in ("name", "fieldKey") if one.get(name))
        for one in found["customFields"]
    }
