"""Views of Lofty's objects: ids as text, times as milliseconds, and nothing for what is unset."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.lofty.wire import Lead, LoftyAppointment, LoftyNote, LoftyTask, Member, Subscription, is_unset


def test_a_lead_is_read_with_its_unset_values_as_none() -> None:
    """-1, 0, "N/A" and "" all mean nothing."""
    raw = {"leadId": 11, "firstName": "Jane", "lastName": "", "stage": "N/A", "pondId": 0, "assignedUserId": -1}
    lead = Lead.read({**raw, "emails": ["a@example.com", None, ""], "phones": None, "lastUpdateTime": ""})
    assert (lead.lead_id, lead.first_name, lead.last_name, lead.stage) == ("11", "Jane", None, None)
    assert (lead.pond_id, lead.assigned_user_id, lead.emails, lead.phones) == (None, None, ("a@example.com",), ())


def test_unknown_fields_are_kept_and_so_is_the_json() -> None:
    """Lofty adds fields as it likes."""
    raw = {"leadId": 11, "somethingNew": {"a": 1}}
    lead = Lead.read(raw)
    assert lead.raw is raw
    assert lead.model_extra == {"somethingNew": {"a": 1}}


def test_a_task_is_one_in_both_versions() -> None:
    """Its due time is `endAt` on v2, `deadline` on v1."""
    newer = LoftyTask.read({"id": 8, "endAt": "2026-03-01T15:00:00GMT", "finishFlag": True})
    older = LoftyTask.read({"id": "8", "deadline": "2026-03-01 15:00:00"})
    assert newer.due_ms == older.due_ms == 1_772_377_200_000
    assert (newer.id, newer.finish_flag, older.id, older.finish_flag) == ("8", True, "8", False)


def test_a_note_is_known_by_its_note_id() -> None:
    """Its `id` is the timeline's."""
    note = LoftyNote.read({"id": 5, "noteId": 7, "createTime": "2026-04-22 10:15:30"})
    assert (note.note_id, note.create_time) == ("7", 1_776_852_930_000)
    with pytest.raises(ValidationError):
        LoftyNote.read({"id": 5})


def test_an_appointment_begins_at_its_deadline() -> None:
    """In epoch milliseconds."""
    found = LoftyAppointment.read({"id": 9, "deadline": 1_772_377_200_000, "endTime": 0})
    assert (found.starts_ms, found.end_time) == (1_772_377_200_000, None)


def test_members_and_subscriptions_are_read() -> None:
    """`vendorId` tells whose subscription it is."""
    url = "https://e.example"
    found = Subscription.read({"subscribeId": 5, "listId": 2, "callbackUrl": url, "vendorId": 161, "teamId": 1})
    assert Member.read({"id": 3, "email": "a@example.com"}).email == "a@example.com"
    assert (found.subscribe_id, found.vendor_id, found.team_id) == ("5", "161", "1")


@pytest.mark.parametrize(("value", "expected"), [("N/A", True), (-1, True), (False, False), ("x", False), (7, False)])
def test_false_is_a_value(value: Any, expected: bool) -> None:
    """Though it equals 0."""
    assert is_unset(value) is expected
