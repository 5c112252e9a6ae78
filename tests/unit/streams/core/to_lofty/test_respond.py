"""What an event of GHL means for Lofty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.core.fingerprint import field_hash
from streams.core.rows import Intent, LinkRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_lofty import EventContext, EventResponse, NeedsRead, edited, respond
from streams.core.to_lofty.plan import merge
from streams.core.to_lofty.rows import ExternalEditRow
from streams.mapping.lofty_sync import LoftySyncRules, Rule, RuleTask, compile_condition, compile_template
from streams.mapping.markers import comes_from_ghl, with_marker
from streams.mapping.opt_outs import OPT_OUTS
from streams.messages import Entity, GhlEvent

AT = 1_750_000_000_000


def event(type_: str, **facts: Any) -> GhlEvent:
    known: dict[str, Any] = {"id": "ghl-1", "contact": "contact-1", "webhook": "hook-1", "body": {}}
    return GhlEvent(type=type_, location="loc", accepted_ms=AT + 5, **{"at_ms": AT, **known, **facts})


def scene(type_: str, *, body: dict[str, Any] | None = None, **facts: Any) -> EventContext:
    told = event(type_, body=body or {}, **{k: facts.pop(k) for k in ("id", "webhook", "at_ms") if k in facts})
    link = facts.pop("link", LinkRow(ghl_id="contact-1"))
    return EventContext(told, "acme", "600", link, **facts)


def written(**fields: Any) -> LinkRow:
    return LinkRow(ghl_id="contact-1", fields={name: field_hash(value) for name, value in fields.items()})


def task_rule(on: str, *, when: str | None = None, content: str = "Call") -> Rule:
    task = RuleTask("Call", compile_template(content), 60.0, "Agent")
    return Rule(on, on, compile_condition(when) if when else None, task)


def answer(scene_: EventContext, back: LoftySyncRules) -> EventResponse:
    found = respond(scene_, back)
    assert isinstance(found, EventResponse)
    return found


@pytest.mark.parametrize("type_", ["AppointmentCreate", "AppointmentUpdate", "AppointmentDelete"])
def test_an_appointment_of_ours_in_a_calendar_is_an_echo_whatever_is_done_with_it(type_: str) -> None:
    """It is Lofty's: moved or cancelled in GHL, it is so there only. By its link, or by the marker if GHL returns its text."""
    back = LoftySyncRules(appointments=True, rules=(task_rule("appointment changed"),))
    body = {"title": "Moved", "appointmentStatus": "cancelled", "startTime": "2027-01-02T10:00:00+00:00"}
    linked = scene(type_, body=body, own=Entity("acme", "600", "appointment", "5"))
    marked = scene(type_, body={**body, "notes": with_marker("Viewing", "appointment", "5")})
    anothers = answer(scene(type_, body=body), back)

    assert [answer(one, back) for one in (linked, marked)] == [EventResponse("echo")] * 2
    assert anothers.because == "answered"


# -- echoes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["lofty", "ghl", "newest"])
def test_what_we_wrote_ourselves_is_an_echo(owner: Any) -> None:
    link = written(firstName="Ada", email="ada@example.com")
    back = LoftySyncRules(owners={"firstName": owner}, rules=(task_rule("contact changed"),))
    body = {"firstName": "Ada", "email": "ada@example.com", "city": None, "tags": ["x"]}

    assert answer(scene("ContactUpdate", body=body, link=link), back) == EventResponse("echo")


def test_a_field_that_is_being_written_tells_nothing() -> None:
    assert edited({"firstName": "Eve"}, LinkRow(fields={"firstName": UNKNOWN})) == {}


def test_fields_that_a_payload_lacks_are_not_empty() -> None:
    assert edited({"id": "contact-1"}, written(firstName="Ada")) == {}


def test_an_old_echo_is_not_taken_for_an_edit() -> None:
    """A webhook of an earlier write of ours comes late: it differs from the link, so the contact is read, and is as wanted."""
    link, back = written(firstName="Ada"), LoftySyncRules(owners={"firstName": "ghl"})
    late = scene("ContactUpdate", body={"firstName": "Adelaide"}, link=link)

    assert respond(late, back) == NeedsRead()
    seen = scene("ContactUpdate", body={"firstName": "Adelaide"}, link=link, contact={"firstName": "Ada"})
    assert answer(seen, back) == EventResponse("echo")


def test_notes_and_tasks_of_ours_are_echoes_by_link_and_by_marker() -> None:
    back = LoftySyncRules(notes=True, tasks=True, finishes_tasks=True)
    own = Entity("acme", "600", "note", "7")
    assert answer(scene("NoteCreate", body={"body": "x"}, own=own), back).because == "echo"
    marked = with_marker("said", "note", "7")
    assert answer(scene("NoteCreate", body={"body": marked}), back).because == "echo"
    assert answer(scene("TaskCreate", body={"body": with_marker("do", "task", "8")}), back).because == "echo"
    assert answer(scene("TaskCreate", body={"body": with_marker("meet", "appointment", "9")}), back).because == "echo"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("<p>budget &lt;500k</p><ul><li>pool</li><li>garage 😀</li></ul>", "budget <500k\n\n- pool\n- garage 😀"),
        ("<p>see <a href='https://a.example/1'>it</a></p>", "see it (https://a.example/1)"),
        ("budget <500k\nsecond line", "budget <500k\nsecond line"),
    ],
)
def test_a_note_of_ghl_reaches_lofty_as_text(body: str, content: str) -> None:
    back = LoftySyncRules(notes=True)
    [write] = answer(scene("NoteCreate", body={"body": body}, found={"id": "ghl-1", "body": body}), back).writes
    assert (write.state or {})["content"] == f"{content}\n\n[ghl-note:ghl-1]"


def test_our_note_in_ghls_form_is_an_echo() -> None:
    form = "<p>Ann in Lofty</p><p>budget &lt;500k</p><p><span style='color: rgb(0, 0, 0); font-size: 14px'>[lofty-note:7]</span></p>"
    assert answer(scene("NoteUpdate", body={"body": form}), LoftySyncRules(notes=True)) == EventResponse("echo")


# -- fields -----------------------------------------------------------------------------------------------


def test_a_field_that_ghl_owns_goes_to_lofty_and_the_link_learns_it() -> None:
    link = written(firstName="Ada", lastName="Example")
    seen = scene("ContactUpdate", link=link, contact={"firstName": "Adelaide", "lastName": "Example"})

    found = answer(seen, LoftySyncRules(owners={"firstName": "ghl"}))

    (write,) = found.writes
    assert (write.about, write.target, write.state) == ("fields", "lead", {"fields": {"firstName": "Adelaide"}})
    assert found.fields == {"firstName": field_hash("Adelaide")}
    assert found.base == write.base == {"firstName": field_hash("Ada")}


def test_a_field_that_lofty_owns_is_restored() -> None:
    seen = scene("ContactUpdate", link=written(firstName="Ada"), contact={"firstName": "Eve"})
    found = answer(seen, LoftySyncRules(owners={"firstName": "lofty"}))
    assert (found.restore, found.writes) == (("firstName",), ())


@pytest.mark.parametrize(("owner", "restored"), [("ghl", ()), ("newest", ("phone",))])
def test_an_empty_field_is_never_carried(owner: Any, restored: tuple[str, ...]) -> None:
    seen = scene("ContactUpdate", link=written(phone="+15125550100"), contact={"phone": ""})
    found = answer(seen, LoftySyncRules(owners={"phone": owner}))
    assert (found.writes, found.restore) == ((), restored)


def test_fields_without_an_owner_are_left_alone() -> None:
    seen = scene("ContactUpdate", link=written(city="Austin"), contact={"city": "Dallas"})
    assert answer(seen, LoftySyncRules(owners={"phone": "ghl"})) == EventResponse("no rule")


@pytest.mark.parametrize("type_", ["ContactUpdate", "LoftyEdit"])
@pytest.mark.parametrize(
    "link",
    [
        LinkRow(intent=Intent(at_ms=1, step="create contact")),
        LinkRow(ghl_id="created again", fields={"firstName": "h"}),
    ],
)
def test_what_is_told_of_a_contact_that_was_ours_says_nothing_of_the_one_that_took_its_place(
    type_: str, link: LinkRow
) -> None:
    """It was deleted by hand, created again, and restored: its edits are not in the contact that the link names, or will name."""
    body = {"firstName": "Adelaide", "wanted": {"firstName": "hash"}}
    late = scene(type_, body=body, link=link, contact={"firstName": "Adelaide"})
    assert answer(late, LoftySyncRules(owners={"firstName": "ghl"})) == EventResponse("overtaken")


def test_lofty_gets_ghls_value_back_where_ghl_owns_the_field() -> None:
    wanted = {"firstName": field_hash("Eve")}
    edit = scene("LoftyEdit", body={"wanted": wanted}, contact={"firstName": "Ada"})
    found = answer(edit, LoftySyncRules(owners={"firstName": "ghl"}))
    assert found.writes[0].state == {"fields": {"firstName": "Ada"}}
    assert found.base == wanted


# -- tags -------------------------------------------------------------------------------------------------


def test_each_tag_that_somebody_added_meets_the_rules_once() -> None:
    back = LoftySyncRules(
        rules=(task_rule("tag added", when="tag == 'hot'", content="Call {{ contact.firstName }}: {{tag}}"),)
    )
    link = LinkRow(ghl_id="contact-1", tags=("from-lofty",))
    body = {"tags": ["from-lofty", "HOT", "cold"]}

    assert respond(scene("ContactTagUpdate", body=body, link=link), back) == NeedsRead()
    found = answer(scene("ContactTagUpdate", body=body, link=link, contact={"firstName": "Ada", **body}), back)

    (write,) = found.writes
    assert write.state is not None
    assert write.state["content"].startswith("Call Ada: hot\n")
    assert comes_from_ghl(write.state["content"])
    assert found.heard == ExternalEditRow(at_ms=AT, tags=("cold", "hot"))
    again = scene("ContactTagUpdate", body=body, link=link, heard=found.heard, webhook="hook-2", at_ms=AT + 1)
    assert answer(again, back).because == "echo"


def test_our_own_tags_are_echoes() -> None:
    link = LinkRow(ghl_id="contact-1", tags=("a",), doubtful_tags=("b",))
    found = answer(scene("ContactTagUpdate", body={"tags": ["A", "b"]}, link=link), LoftySyncRules())
    assert (found.because, found.writes) == ("echo", ())


def test_an_older_event_of_tags_is_overtaken() -> None:
    heard = ExternalEditRow(at_ms=AT + 1, tags=("hot",))
    assert answer(scene("ContactTagUpdate", body={"tags": []}, heard=heard), LoftySyncRules()).because == "overtaken"


def test_a_removed_tag() -> None:
    back = LoftySyncRules(rules=(task_rule("tag removed", when="tag == 'hot'"),))
    heard = ExternalEditRow(at_ms=AT - 1, tags=("hot",))
    seen = scene("ContactTagUpdate", body={"tags": []}, heard=heard, contact={"tags": []})
    assert [one.because for one in answer(seen, back).writes] == ["rule 'tag removed'"]


# -- notes, tasks, appointments ---------------------------------------------------------------------------


def test_a_note_of_ghl_has_one_copy_that_follows_it() -> None:
    back = LoftySyncRules(notes=True)
    made = answer(scene("NoteCreate", body={"body": "said"}, id="n1", found={"body": "said"}), back).writes[0]
    changed = answer(scene("NoteUpdate", body={"body": "meant"}, id="n1", found={"body": "meant"}), back).writes[0]
    gone = answer(scene("NoteDelete", id="n1", found={}), back).writes[0]
    assert made.about == changed.about == gone.about == "note:n1"
    assert made.state == {"content": "said\n\n[ghl-note:n1]"}
    assert gone.state is None


@pytest.mark.parametrize("type_", ["NoteCreate", "NoteUpdate", "NoteDelete"])
def test_a_copy_is_what_ghl_holds_when_it_is_read_whatever_the_event_told(type_: str) -> None:
    """Webhooks come late and out of order, and may have one time: only what is read later is newer."""
    told = scene(type_, body={"body": "long ago"}, id="n1")
    assert respond(told, LoftySyncRules(notes=True)) == NeedsRead("note")

    made = answer(replace(told, found={"body": "now"}, read_ms=AT + 900), LoftySyncRules(notes=True)).writes[0]

    assert made.state == {"content": "now\n\n[ghl-note:n1]"}
    assert made.at_ms == AT + 900


def test_a_note_that_turns_out_to_be_ours_is_an_echo() -> None:
    """The event came without its text."""
    body = with_marker("From Lofty", "note", "7")
    assert answer(scene("NoteCreate", id="n1", found={"body": body}), LoftySyncRules(notes=True)) == EventResponse(
        "echo"
    )


@pytest.mark.parametrize("kind", ["task", "appointment"])
def test_a_task_that_turns_out_to_be_ours_is_an_echo(kind: Any) -> None:
    """The event came without its text, and while its create is in doubt no link names it."""
    found = {"title": "Call", "body": with_marker("From Lofty", kind, "7")}
    assert answer(scene("TaskCreate", id="t1", found=found), LoftySyncRules(tasks=True)) == EventResponse("echo")


def test_what_a_rule_asks_for_is_read_before_the_note_itself() -> None:
    """One request a turn, and the freshest last."""
    back = LoftySyncRules(notes=True, rules=(task_rule("note written", when="contact.city == 'Austin'"),))
    first = scene("NoteCreate", body={"body": "said"}, id="n1")
    assert respond(first, back) == NeedsRead("contact")
    assert respond(replace(first, contact={"city": "Austin"}), back) == NeedsRead("note")
    seen = replace(first, contact={"city": "Austin"}, found={"body": "said"})
    assert [one.target for one in answer(seen, back).writes] == ["note", "task"]


def test_a_long_note_keeps_its_marker() -> None:
    long = scene("NoteCreate", id="n1", found={"body": "x" * 5000})
    made = answer(long, LoftySyncRules(notes=True)).writes[0]
    assert made.state is not None
    assert len(made.state["content"]) <= 2000
    assert made.state["content"].endswith("…\n\n[ghl-note:n1]")


def test_a_task_of_ours_that_is_completed_in_ghl_is_finished_in_lofty() -> None:
    own, open_ = Entity("acme", "600", "task", "8"), LinkRow(ghl_id="ghl-1", fields={"completed": field_hash(False)})
    back = LoftySyncRules(finishes_tasks=True)

    found = answer(scene("TaskComplete", own=own, own_link=open_), back)

    assert found.completed
    assert [(one.about, one.lofty_id, one.state) for one in found.writes] == [("finish:8", "8", {"finished": True})]
    done = LinkRow(ghl_id="ghl-1", fields={"completed": field_hash(True)})
    assert answer(scene("TaskComplete", own=own, own_link=done), back) == EventResponse("echo")


@pytest.mark.parametrize(
    "link",
    [
        LinkRow(intent=Intent(at_ms=1, step="create task")),
        LinkRow(ghl_id="created again"),
        LinkRow(ghl_id="ghl-1", is_deleted=True),
    ],
)
def test_the_end_of_a_task_that_was_ours_says_nothing_of_the_one_that_took_its_place(link: LinkRow) -> None:
    """Deleted by hand in GHL after it was completed, and reported late: it reaches Lofty, but not the link."""
    own = Entity("acme", "600", "task", "8")

    found = answer(scene("TaskComplete", own=own, own_link=link), LoftySyncRules(finishes_tasks=True))

    assert [one.state for one in found.writes] == [{"finished": True}]
    assert not found.completed


def test_a_task_of_ghl_has_one_copy() -> None:
    body = {"title": "Send papers", "dueDate": "2026-01-02T10:00:00Z"}
    assert respond(scene("TaskCreate", body=body, id="t1"), LoftySyncRules(tasks=True)) == NeedsRead("task")
    made = answer(scene("TaskCreate", id="t1", found=body), LoftySyncRules(tasks=True)).writes[0]
    assert made.state == {
        "type": "Other",
        "content": "Send papers\n\n[ghl-task:t1]",
        "assignedRole": "Agent",
        "endAt": "2026-01-02T10:00:00+00:00",
        "finished": False,
    }
    done = answer(scene("TaskCreate", id="t1", found={**body, "completed": True}), LoftySyncRules(tasks=True)).writes[0]
    assert done.state is not None
    assert done.state["finished"] is True, "its completion was reported before its creation"
    assert answer(scene("TaskDelete", id="t1", found={}), LoftySyncRules(tasks=True)).writes[0].state is None


def test_the_later_change_of_an_appointment_counts_not_the_later_event() -> None:
    body = {"title": "Viewing", "startTime": "2026-01-02T16:00:00Z", "dateUpdated": "2026-01-02T10:00:00.250Z"}
    write = answer(scene("AppointmentUpdate", body=body, id="a1"), LoftySyncRules(appointments=True)).writes[0]
    assert write.at_ms == 1_767_348_000_250


def test_a_deleted_appointment_is_not_brought_back_by_a_change_before_it_that_comes_late() -> None:
    """The deletion's body has the time of that very change."""
    body = {"title": "Viewing", "startTime": "2026-01-02T16:00:00Z", "dateUpdated": "2025-01-02T10:00:00.250Z"}
    back = LoftySyncRules(appointments=True)
    deleted = answer(scene("AppointmentDelete", body=body, id="a1"), back).writes[0]
    late = answer(scene("AppointmentUpdate", body=body, id="a1"), back).writes[0]
    assert late.at_ms < deleted.at_ms == AT
    assert merge(merge(None, deleted), late) is None


@pytest.mark.parametrize(
    ("type_", "status", "stands", "finished"),
    [
        ("AppointmentCreate", "confirmed", True, False),
        ("AppointmentUpdate", "showed", True, True),
        ("AppointmentUpdate", "cancelled", False, False),
        ("AppointmentDelete", "confirmed", False, False),
    ],
)
def test_an_appointment_follows(type_: str, status: str, stands: bool, finished: bool) -> None:
    body = {
        "title": "Viewing",
        "appointmentStatus": status,
        "startTime": "2026-01-02T16:00:00+05:30",
        "endTime": "2026-01-02T17:00:00+05:30",
    }
    write = answer(scene(type_, body=body, id="a1"), LoftySyncRules(appointments=True)).writes[0]
    assert write.about == "appointment:a1"
    assert (write.state is not None) is stands
    if write.state is not None:
        assert write.state["startAt"] == "2026-01-02T10:30:00+00:00"
        assert write.state["endAt"] == "2026-01-02T11:30:00+00:00"
        assert (write.state["type"], write.state["finished"]) == ("Appointment", finished)


# -- rules ------------------------------------------------------------------------------------------------


def test_a_rule_makes_the_same_thing_of_the_same_event_and_another_of_another() -> None:
    back = LoftySyncRules(rules=(task_rule("appointment booked"),))
    once = answer(scene("AppointmentCreate", id="a1"), back).writes[0]
    again = answer(scene("AppointmentCreate", id="a1"), back).writes[0]
    other = answer(scene("AppointmentCreate", id="a1", webhook="hook-2"), back).writes[0]
    assert once == again
    assert once.about != other.about


def test_a_rule_that_reads_the_contact_asks_for_it() -> None:
    back = LoftySyncRules(rules=(task_rule("note written", when="contact.city == 'Austin'"),))
    assert respond(scene("NoteCreate", body={"body": "x"}), back) == NeedsRead()
    assert answer(scene("NoteCreate", body={"body": "x"}, contact={"city": "Austin"}), back).writes
    assert not answer(scene("NoteCreate", body={"body": "x"}, contact={"city": "Dallas"}), back).writes


def test_hostile_values_stay_text() -> None:
    back = LoftySyncRules(rules=(task_rule("note written", content="{{ event.body }} {{ event.nothing }}"),))
    body = {"body": "{{ contact.email }} <script>\n[ghl-rule:forged]"}
    write = answer(scene("NoteCreate", body=body), back).writes[0]
    assert write.state is not None
    assert "{{ contact.email }} <script>" in write.state["content"]


# -- opt-outs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mark", "is_known"), [(None, True), ("none", True), ("Call", True), (UNKNOWN, False)])
def test_the_flags_that_a_link_knows_lofty_to_lack_are_named_with_the_command(mark: str | None, is_known: bool) -> None:
    """Then they are written without a read of the lead. An adopted contact's link knows nothing yet."""
    link = LinkRow(ghl_id="contact-1", fields={} if mark is None else {OPT_OUTS: mark})
    held = {OPT_OUTS: {"SMS": {"status": "active"}, "Call": {"status": "inactive"}}}
    found = answer(scene("ContactDndUpdate", body=held, contact=held, link=link), LoftySyncRules(opt_outs=True))
    assert [one.state for one in found.writes] == [{"fields": {"cannotText": True}}]
    assert [one.base for one in found.writes] == [{"cannotText": field_hash(False)} if is_known else None]
