"""Adoption: what hangs on a contact that was there before us is looked for by its marker before it is created.

A contact was there before us wherever our memory does not reach: another `topic_prefix`, a new cluster, a renamed connection, a
table that was lost, a second deployment, or simply a contact that GHL had already. An earlier memory may have written its notes,
tasks and appointments, each with its marker.

One listing of a contact's notes (or tasks) serves all that wait for that contact. What is found is linked, with the fields in
which GHL holds what is wanted as written, and the others as unknown. What is not found is noted in its link (`sought`), and
created. What Lofty made after the contact was found cannot be there, and is created at once.

A contact that has its lead's Lofty id already was written by an earlier memory (`recalled_ms`). It is looked through as a whole:
each marker there that belongs to nothing we know is asked for in Lofty, and what was deleted, or hangs on a lead with another
contact by now, is deleted there. Of a lead that was deleted itself, only the latter: the rest stays on its contact.

What cannot be found: a note or task whose marker somebody deleted, and an appointment that was moved by more than a month, or
whose connection no longer has the calendar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.lofty.times import parse_time_ms
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.compare import compare_child
from streams.core.to_ghl.plan import UNKNOWN, Call, DesiredChild, Plan, Settled
from streams.core.to_ghl.plan_child import FIND_STEPS
from streams.mapping import find_marker, is_deleted, marker
from streams.messages import Entity, Kind, Snapshot

MADE_AFTER_MS = 26 * 3_600_000
"""How much later than the contact was found something must be made in Lofty to be certainly new: Lofty gives some times without a zone."""

_KINDS: Mapping[ChildKind, tuple[Kind, ...]] = {
    "note": ("note",),
    "task": ("task", "appointment"),
    "appointment": ("appointment",),
}


@dataclass(frozen=True, slots=True)
class HeldChild:
    """A note, task or appointment in GHL that has a marker. `values` are its fields, as far as GHL showed them."""

    ghl_id: str
    values: Mapping[str, Any] = field(default_factory=dict)


def look_before(plan: Plan, snapshot: Snapshot, link: LinkRow | None, contact: LinkRow | None) -> Plan:
    """The plan, or the look that must come before it, if it would create what may be there or settle that it never was."""
    if contact is None or not contact.existed_ms or contact.ghl_id is None or contact.is_deleted:
        return plan
    made_ms = parse_time_ms((snapshot.state or {}).get("createTime"))
    if made_ms is not None and made_ms > contact.existed_ms + MADE_AFTER_MS:
        return plan
    form = next(
        (one for one in _forms(plan, snapshot, contact) if may_be_unknown(one, snapshot.kind, link, contact)), None
    )
    if form is None:
        return plan
    body = plan.body if isinstance(plan, Call) else {}
    wanted = marker(snapshot.kind, snapshot.id)
    return Call(FIND_STEPS[form], contact.ghl_id, body=body, marker=wanted, is_look=True)


def look_through(plan: Plan, link: LinkRow | None, *, has_calendar: bool = False) -> Plan:
    """The plan of a contact, or a look for what an earlier memory left there, once nothing else is to be done.

    What hangs there and is not the lead's was deleted, or has moved to another lead, while nothing was remembered.
    """
    if not isinstance(plan, Settled) or link is None or not link.recalled_ms:
        return plan
    if link.ghl_id is None or link.is_deleted or link.shares:
        return plan
    forms: tuple[ChildKind, ...] = ("note", "task", "appointment") if has_calendar else ("note", "task")
    form = next((one for one in forms if link.sought.get(one, 0) < link.recalled_ms), None)
    return plan if form is None else Call(FIND_STEPS[form], link.ghl_id, is_look=True)


def left_behind(there: LinkRow | None, contact: LinkRow) -> bool | None:
    """Whether what an earlier memory left on a contact goes from there, as it hangs on another lead now. None: not known yet.

    `there` is the link of that lead's contact. If it is the same contact, it hangs there rightly.
    """
    if there is None or (there.ghl_id is None and not there.settled):
        return None
    return there.ghl_id != contact.ghl_id or there.is_deleted


def _forms(plan: Plan, snapshot: Snapshot, contact: LinkRow) -> tuple[ChildKind, ...]:
    """The forms in which GHL may hold it. An appointment may have been written as a task, when no calendar was configured.

    One that is gone has no time by which a calendar is searched; that of a contact that an earlier memory wrote is listed.
    """
    if isinstance(plan, Call) and plan.step == "create appointment":
        return "task", "appointment"
    is_create = isinstance(plan, Call) and plan.is_create
    is_gone = isinstance(plan, Settled) and (snapshot.state is None or is_deleted(snapshot.kind, snapshot.state))
    if not is_create and not is_gone:
        return ()
    if snapshot.kind == "appointment" and is_gone and contact.recalled_ms:
        return "task", "appointment"
    return ("note",) if snapshot.kind == "note" else ("task",)


def may_hold_more(entity: Entity, link: LinkRow, now_ms: int) -> LinkRow:
    """The link of a memory that has lost something: a contact then counts as one that was there before us."""
    if entity.kind != "contact" or link.ghl_id is None or link.is_deleted:
        return link
    return link.model_copy(update={"existed_ms": now_ms})


def may_be_unknown(form: ChildKind, kind: Kind, link: LinkRow | None, contact: LinkRow) -> bool:
    """Whether a contact may hold what this link does not know, in this form."""
    if kind not in _KINDS[form]:
        return False
    return link is None or (
        link.ghl_id is None and link.intent is None and link.sought.get(form, 0) < contact.existed_ms
    )


def by_marker(listed: Iterable[tuple[HeldChild, str | None]]) -> dict[tuple[Kind, str], HeldChild]:
    """What GHL holds with a marker of ours, by kind and Lofty id. Beside each one is the text that may contain its marker.

    Where several have one marker, the one with the marker on its last line counts, as in `find_marker`.
    """
    found: dict[tuple[Kind, str], HeldChild] = {}
    quoted: dict[tuple[Kind, str], HeldChild] = {}
    for child, text in listed:
        for kind, lofty_id in _MARKERS.findall(text or ""):
            is_last = find_marker(text, kind) == lofty_id
            (found if is_last else quoted).setdefault((kind, lofty_id), child)
    return quoted | found


_MARKERS = re.compile(r"\[lofty-(note|task|appointment):([A-Za-z0-9_-]{1,64})\]")


def adopted_fields(wanted: DesiredChild | None, held: HeldChild, form: ChildKind = "note") -> dict[str, str]:
    """The fields of a link to what was found: as wanted where GHL showed that, otherwise unknown. None is wanted of what is gone.

    By its fields an appointment in a calendar is distinguished from one that is a task (`held_as`).
    """
    if wanted is None:
        return {"startTime": UNKNOWN} if form == "appointment" else {}
    differing = {one.field for one in compare_child(wanted, held.values)}
    return {
        name: field_hash(value) if name in held.values and name not in differing else UNKNOWN
        for name, value in wanted.fields.items()
    }
