"""From a Lofty task or appointment to a GHL task."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given

from streams.mapping import find_marker, has_begin, map_appointment, map_event, map_task
from tests.unit.streams.mapping.odd_leads import UNHURRIED, odd_children

TASK = {
    "id": 563172647619608,
    "content": "Send the floor plans",
    "type": "Email",
    "endAt": "2026-03-01T15:00:00GMT",
    "createTime": "2026-02-20T08:00:00GMT",
    "finishFlag": False,
    "_agent": {"email": "Agent@team.example"},
}


def test_a_task_becomes_a_task() -> None:
    """Type and content in the title, due when it ends, marked."""
    task = map_task(TASK)
    assert task.title == "Email: Send the floor plans"
    assert task.due_iso == "2026-03-01T15:00:00Z"
    assert not task.completed
    assert task.assigned_to_email == "agent@team.example"
    assert task.body == "Send the floor plans\n\n[lofty-task:563172647619608]"
    assert task.marker == "[lofty-task:563172647619608]"


@pytest.mark.parametrize(
    ("state", "due"),
    [
        ({"deadline": "2026-04-22 17:00:00", "createTime": "2026-04-20 09:00:00"}, "2026-04-22T17:00:00Z"),
        ({"endAt": "", "createTime": "2026-04-20 09:00:00"}, "2026-04-20T09:00:00Z"),
        ({}, "2000-01-01T00:00:00Z"),
    ],
)
def test_a_task_without_a_due_date_is_due_when_it_was_created(state: dict[str, Any], due: str) -> None:
    """GHL demands one; this one is known and does not move."""
    assert map_task(state).due_iso == due


@pytest.mark.parametrize(
    ("kind", "content", "title"),
    [
        ("Call", "Call back on Monday", "Call back on Monday"),
        ("Other", "Buy flowers", "Buy flowers"),
        ("Text", "", "Text"),
        ("", "", "Task in Lofty"),
        ("Call", "About\nthe offer", "Call: About the offer"),
    ],
)
def test_titles_do_not_repeat_themselves(kind: str, content: str, title: str) -> None:
    """The type is only there when it adds something."""
    assert map_task({"type": kind, "content": content}).title == title


def test_a_long_content_is_whole_in_the_body() -> None:
    """The title is cut, nothing is lost."""
    content = "word " * 100
    task = map_task({"content": content})
    assert len(task.title) <= 120
    assert task.title.endswith("…")
    assert content.strip() in task.body


def test_an_appointment_is_a_task_due_when_it_starts() -> None:
    """Without a calendar; its place and times are in the body."""
    state = {"id": 4, "descr": "Viewing", "deadline": 1736935860000, "endTime": 1736939460000, "address": "1 Main St"}
    task = map_appointment(state)
    assert task.title == "Appointment: Viewing"
    assert task.due_iso == "2025-01-15T10:11:00Z"
    assert task.body == (
        "Viewing\nWhen: 2025-01-15 10:11 UTC to 2025-01-15 11:11 UTC\nWhere: 1 Main St\n\n[lofty-appointment:4]"
    )


def test_an_appointment_in_a_calendar_has_a_begin_and_an_end() -> None:
    """The title is the task's; the marker is in its description, its time and place are not."""
    state = {"id": 4, "descr": "Viewing", "deadline": 1736935860000, "endTime": 1736939460000, "address": "1 Main St"}
    event, task = map_event(state), map_appointment(state)
    assert (event.begins_iso, event.ends_iso) == ("2025-01-15T10:11:00Z", "2025-01-15T11:11:00Z")
    assert (event.title, event.description) == (task.title, "Viewing\n\n[lofty-appointment:4]")
    assert event.address == "1 Main St"
    assert event.marker == "[lofty-appointment:4]"
    assert not event.took_place
    assert map_event({**state, "finishFlag": True}).took_place


@pytest.mark.parametrize("end", [None, "soon", 1736935860000, 1, "2025-01-15T10:00:00Z"])
def test_an_appointment_without_a_good_end_lasts_half_an_hour(end: Any) -> None:
    """GHL refuses an end that is not after the begin."""
    event = map_event({"id": 4, "deadline": 1736935860000, "endTime": end})
    assert event.ends_iso == "2025-01-15T10:41:00Z"


def test_only_what_says_when_it_begins_has_a_place_in_a_calendar() -> None:
    """A task may be due when it was created; an appointment may not be booked so."""
    assert has_begin({"startAt": "2025-01-15T10:11:00Z"})
    assert has_begin({"deadline": 1736935860000})
    assert not has_begin({"createTime": 1736935860000})
    assert not has_begin({"deadline": "soon"})
    assert not has_begin({})


def test_users_with_another_address_in_ghl_are_found() -> None:
    """By the mapping's table."""
    assert map_task(TASK, users={"agent@team.example": "a@ghl.example"}).assigned_to_email == "a@ghl.example"


def test_an_appointment_at_the_end_of_time_still_ends() -> None:
    """Its usual length would lead past the last date that there is."""
    for begin in ("9999-12-31T23:59:59Z", 253402299000000, "9999-12-31T23:30:00Z"):
        event = map_event({"startAt": begin, "createTime": begin})
        assert "9999-12-31T00:00:00Z" == event.begins_iso < event.ends_iso


@UNHURRIED
@given(odd_children)
def test_no_task_however_odd_makes_the_mapping_fail(state: dict[str, Any]) -> None:
    """Any JSON maps, twice to the same, with a title, a due date and a marker."""
    for kind, mapped in (("task", map_task), ("appointment", map_appointment)):
        task = mapped(state)
        orjson.dumps([task.title, task.body, task.due_iso])
        assert mapped(dict(state)) == task
        assert task.title
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", task.due_iso)
        assert find_marker(task.body, kind) is not None  # type: ignore[arg-type]  # both are kinds
    event = map_event(state)
    assert event.begins_iso < event.ends_iso
    assert find_marker(event.description, "appointment") is not None
