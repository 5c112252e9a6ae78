"""What hangs on a contact that was there before us is looked for before it is created."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.fingerprint import field_hash
from streams.core.rows import Intent, LinkRow
from streams.core.to_ghl.adopt import MADE_AFTER_MS, HeldChild, adopted_fields, by_marker, look_before, look_through
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.plan import UNKNOWN, Call, DesiredChild, Plan, Settled
from streams.messages import Kind, Receipt, Snapshot

NOW_MS = 1_800_000_000_000
EXISTED = LinkRow(ghl_id="c1", existed_ms=NOW_MS)
CREATE_NOTE = Call("create note", "c1", body={"body": "x"}, is_create=True)
CREATE_TASK = Call("create task", "c1", body={"title": "x"}, is_create=True)
BOOKED = {"calendarId": "calendar", "startTime": "2027-01-15T08:00:00Z"}
CREATE_APPOINTMENT = Call("create appointment", "c1", body=BOOKED, is_create=True)
NEVER = Settled("was never written")


def snapshot(kind: Kind = "note", state: dict[str, Any] | None = None, *, is_gone: bool = False) -> Snapshot:
    """What Lofty has, or no longer has."""
    return Snapshot(
        connection="acme",
        lead="77",
        kind=kind,
        id="5",
        state=None if is_gone else (state or {"noteId": 5}),
        version_ms=NOW_MS,
        fingerprint="f",
        read_ms=NOW_MS,
        update_time_ms=NOW_MS,
        accepted_ms=NOW_MS,
    )


def step(plan: Plan) -> str:
    """What comes next."""
    return plan.step if isinstance(plan, Call) else "settled"


LOOKS: list[tuple[str, Plan, Snapshot, LinkRow | None, LinkRow | None, str]] = [
    ("no link", CREATE_NOTE, snapshot(), None, EXISTED, "find note"),
    ("a task", CREATE_TASK, snapshot("task"), None, EXISTED, "find task"),
    ("an appointment as a task", CREATE_TASK, snapshot("appointment"), None, EXISTED, "find task"),
    ("an appointment: first as a task", CREATE_APPOINTMENT, snapshot("appointment"), None, EXISTED, "find task"),
    (
        "an appointment: then in the calendar",
        CREATE_APPOINTMENT,
        snapshot("appointment"),
        LinkRow(sought={"task": NOW_MS}),
        EXISTED,
        "find appointment",
    ),
    (
        "sought in both forms",
        CREATE_APPOINTMENT,
        snapshot("appointment"),
        LinkRow(sought={"task": NOW_MS, "appointment": NOW_MS}),
        EXISTED,
        "create appointment",
    ),
    ("a contact of ours", CREATE_NOTE, snapshot(), None, LinkRow(ghl_id="c1"), "create note"),
    ("no contact", CREATE_NOTE, snapshot(), None, None, "create note"),
    ("sought since", CREATE_NOTE, snapshot(), LinkRow(sought={"note": NOW_MS}), EXISTED, "create note"),
    ("sought under another", CREATE_NOTE, snapshot(), LinkRow(sought={"note": NOW_MS - 1}), EXISTED, "find note"),
    ("deleted by us", CREATE_NOTE, snapshot(), LinkRow(ghl_id="n1", is_deleted=True), EXISTED, "create note"),
    (
        "in doubt, so it is searched for by its intent",
        CREATE_NOTE,
        snapshot(),
        LinkRow(intent=Intent(at_ms=1, step="create note")),
        EXISTED,
        "create note",
    ),
    ("made in Lofty before", CREATE_NOTE, snapshot(state={"createTime": NOW_MS - 1}), None, EXISTED, "find note"),
    (
        "made in Lofty long after the contact was found",
        CREATE_NOTE,
        snapshot(state={"createTime": NOW_MS + MADE_AFTER_MS + 1}),
        None,
        EXISTED,
        "create note",
    ),
    ("deleted in Lofty, and unknown here", NEVER, snapshot(is_gone=True), None, EXISTED, "find note"),
    ("deleted and sought", NEVER, snapshot(is_gone=True), LinkRow(sought={"note": NOW_MS}), EXISTED, "settled"),
    ("as wanted", Settled("as wanted"), snapshot(), LinkRow(ghl_id="n1"), EXISTED, "settled"),
    ("an update", Call("update note", "c1", "n1"), snapshot(), LinkRow(ghl_id="n1"), EXISTED, "update note"),
]


@pytest.mark.parametrize(
    ("plan", "state", "link", "contact", "comes"), [row[1:] for row in LOOKS], ids=[row[0] for row in LOOKS]
)
def test_what_may_be_there_is_looked_for(
    plan: Plan, state: Snapshot, link: LinkRow | None, contact: LinkRow | None, comes: str
) -> None:
    """And nothing else is."""
    after = look_before(plan, state, link, contact)
    assert step(after) == comes
    assert after is plan or (isinstance(after, Call) and after.is_look and not after.is_create)


def test_a_look_for_an_appointment_has_its_calendar_and_time() -> None:
    """By them it is listed."""
    link = LinkRow(sought={"task": NOW_MS})
    after = look_before(CREATE_APPOINTMENT, snapshot("appointment"), link, EXISTED)
    assert isinstance(after, Call)
    assert (dict(after.body), after.marker) == (BOOKED, "[lofty-appointment:5]")


def test_of_several_with_one_marker_the_one_that_ends_with_it_counts() -> None:
    """Somebody quoted a note in another one, or typed behind the marker."""
    quote, own, typed = HeldChild("q"), HeldChild("n"), HeldChild("t")
    listed = [
        (quote, "As I said: [lofty-note:5] yes\n\n[lofty-note:6]"),
        (own, "<p>Said.</p><p>[lofty-note:5]</p>"),
        (typed, "Call [lofty-task:7] on Monday"),
        (HeldChild("x"), None),
    ]
    assert by_marker(listed) == {("note", "5"): own, ("note", "6"): quote, ("task", "7"): typed}


def test_a_field_that_reads_as_wanted_is_not_written_again() -> None:
    """However GHL writes its times; what it did not show is unknown."""
    wanted = {"title": "Call", "dueDate": "2027-01-15T08:00:00+00:00", "completed": False, "assignedTo": "u1"}
    held = HeldChild("t1", {"title": "Call", "dueDate": "2027-01-15T08:00:00.000Z", "completed": True})
    same = {name: field_hash(wanted[name]) for name in ("title", "dueDate")}
    child = DesiredChild(wanted, "[lofty-task:7]")
    assert adopted_fields(child, held) == {**same, "completed": UNKNOWN, "assignedTo": UNKNOWN}
    assert adopted_fields(None, held) == {}


def test_a_note_that_ghl_gives_back_in_another_form_reads_as_wanted() -> None:
    """GHL keeps notes as HTML."""
    child = DesiredChild({"body": "<p>Said.</p><p>[lofty-note:5]</p>"}, "[lofty-note:5]", html=frozenset({"body"}))
    held = HeldChild("n1", {"body": "<div>Said.</div><div>[lofty-note:5]</div>"})
    assert adopted_fields(child, held) == {"body": field_hash(child.fields["body"])}


def receipt(**facts: Any) -> Receipt:
    """About the contact."""
    given = {"connection": "acme", "lead": "77", "kind": "contact", "id": "77", "outcome": "applied", "version_ms": 1}
    return Receipt(**{**given, "step": "create contact", "at_ms": NOW_MS, **facts})


@pytest.mark.parametrize(
    ("link", "facts", "existed_ms"),
    [
        (None, {"ghl_id": "c1", "is_new": True}, 0),
        (None, {"ghl_id": "c1"}, NOW_MS),
        (None, {"ghl_id": "c1", "step": "find contact"}, NOW_MS),
        (LinkRow(ghl_id="c1"), {"ghl_id": "c1", "step": "update contact"}, 0),
        (LinkRow(ghl_id="c1", existed_ms=7), {"ghl_id": "c1"}, 7),
        (LinkRow(ghl_id="c1", existed_ms=7), {"ghl_id": "c2", "is_new": True}, 0),
        (LinkRow(ghl_id="c1"), {"ghl_id": "c2", "step": "verify"}, NOW_MS),
        (LinkRow(epoch=9), {"ghl_id": "c1"}, NOW_MS),
    ],
)
def test_only_a_contact_that_ghl_called_new_was_not_there_before(
    link: LinkRow | None, facts: dict[str, Any], existed_ms: int
) -> None:
    """Also in a receipt of a release that did not say so, and in one that comes late."""
    assert record_link(link, receipt(**facts)).existed_ms == existed_ms


def test_a_search_without_a_result_is_noted_until_the_link_is_forgotten() -> None:
    """So the next plan creates."""
    absent = receipt(kind="note", id="5", outcome="failed", step="find note")
    link = record_link(None, absent)
    assert link.sought == {"note": NOW_MS}
    gone = receipt(kind="note", id="5", outcome="failed", step="update note", is_forgotten=True)
    assert record_link(link, gone).sought == {}


RECALLED = EXISTED.model_copy(update={"recalled_ms": NOW_MS})
WANTED = Settled("as wanted")


@pytest.mark.parametrize(
    ("plan", "link", "expected"),
    [
        (WANTED, RECALLED, "find note"),
        (WANTED, RECALLED.model_copy(update={"sought": {"note": NOW_MS}}), "find task"),
        (WANTED, RECALLED.model_copy(update={"sought": {"note": NOW_MS - 1, "task": NOW_MS}}), "find note"),
        (WANTED, RECALLED.model_copy(update={"sought": {"note": NOW_MS, "task": NOW_MS}}), "settled"),
        (WANTED, EXISTED, "settled"),
        (WANTED, RECALLED.model_copy(update={"shares": "acme:2:contact:2"}), "settled"),
        (Call("update contact", "c1", body={"city": "Austin"}), RECALLED, "update contact"),
    ],
)
def test_a_contact_that_an_earlier_memory_wrote_is_looked_through_once_it_is_as_wanted(
    plan: Plan, link: LinkRow, expected: str
) -> None:
    """Once for notes and once for tasks; not one that a person made, nor for a lead that only shares it."""
    assert step(look_through(plan, link)) == expected


def test_a_look_through_is_remembered_with_the_contact_and_begins_again_with_another_one() -> None:
    """A contact of another id was found in another way."""
    found = {"connection": "acme", "lead": "77", "kind": "contact", "id": "77", "outcome": "applied", "version_ms": 1}
    first = record_link(None, Receipt(**found, step="read contact", ghl_id="c1", is_recalled=True, at_ms=NOW_MS))
    looked = record_link(first, Receipt(**found, step="find note", ghl_id="c1", at_ms=NOW_MS + 1))
    other = record_link(looked, Receipt(**found, step="create contact", ghl_id="c2", is_new=True, at_ms=NOW_MS + 2))
    assert (first.recalled_ms, first.sought, looked.sought) == (NOW_MS, {}, {"note": NOW_MS + 1})
    assert (other.recalled_ms, other.sought) == (0, {})


def test_where_appointments_are_in_a_calendar_those_of_the_contact_are_looked_through_last() -> None:
    """One that is gone from Lofty has no time by which a calendar is searched, so it is found there only."""
    looked = RECALLED.model_copy(update={"sought": {"note": NOW_MS, "task": NOW_MS}})
    assert step(look_through(WANTED, looked, has_calendar=True)) == "find appointment"
    sought = LinkRow(sought={"task": NOW_MS})
    gone = snapshot("appointment", is_gone=True)
    assert step(look_before(NEVER, gone, sought, RECALLED)) == "find appointment"
    assert step(look_before(NEVER, gone, sought, EXISTED)) == "settled"
    assert adopted_fields(None, HeldChild("a1"), "appointment") == {"startTime": UNKNOWN}
