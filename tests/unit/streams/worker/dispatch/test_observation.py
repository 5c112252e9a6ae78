"""What an observation says about GHL's objects."""

from __future__ import annotations

from typing import Any

from connectors.ghl.wire import GhlAppointment, GhlContact, GhlNote, GhlTask
from streams.messages import Observation
from streams.worker.dispatch.observation import (
    MOST_BYTES,
    may_be_ours,
    reported_appointments,
    reported_contact,
    reported_notes,
    reported_tasks,
    unreportable,
)


def seen(contact: dict[str, Any]) -> Observation:
    """An observation of a contact."""
    return Observation(run="r", number=1, connection="acme", answer="seen", at_ms=1, contact=contact)


def test_a_contact_is_told_by_ghls_names_and_without_what_no_mapping_fills() -> None:
    """Custom fields by id, tags beside them."""
    contact = GhlContact.model_validate(
        {
            "id": "c",
            "firstName": "Ada",
            "address1": "1 Main St",
            "attributionSource": {"url": "x"},
            "tags": ["vip"],
            "customFields": [{"id": "f", "value": ["a"]}],
        }
    )
    assert reported_contact(contact) == {
        "id": "c",
        "firstName": "Ada",
        "address1": "1 Main St",
        "tags": ["vip"],
        "customFields": {"f": ["a"]},
    }


def test_only_notes_and_tasks_that_are_ours_are_told() -> None:
    """They have a marker, or our link names them; what people wrote in GHL stays there."""
    notes = [
        GhlNote(id="1", body="private"),
        GhlNote(id="2", body="x\n\n[lofty-note:9]"),
        GhlNote(id="3", body="its marker is gone"),
    ]
    tasks = [GhlTask(id="4", body="private"), GhlTask(id="5", body="[lofty-appointment:8]", due_date="2026-01-01")]
    assert [one["id"] for one in reported_notes(notes, {"3"})] == ["2", "3"]
    [task] = reported_tasks(tasks, set())
    assert (task["id"], task["dueDate"]) == ("5", "2026-01-01")


def test_what_is_too_much_or_no_json_is_not_told() -> None:
    """The words say so: the asker must not wait for ever."""
    assert unreportable(seen({"id": "c"})) == ""
    assert "too much" in unreportable(seen({"id": "c", "firstName": "x" * MOST_BYTES}))
    assert "JSON" in unreportable(seen({"id": "c", "firstName": "\ud800"}))


def test_an_appointment_is_told_when_its_text_or_a_link_says_that_it_is_ours() -> None:
    """A contact's list does not tell the text: what is silent there must be read by its id."""
    marker = "Viewing\n\n[lofty-appointment:5]"
    rows = [{"id": "a", "description": marker}, {"id": "b", "notes": marker}, {"id": "c"}, {"id": "d", "notes": "x"}]
    listed = [GhlAppointment.model_validate(row) for row in rows]
    assert [one.id for one in listed if may_be_ours(one, set())] == ["a", "b", "c"]
    assert [row["id"] for row in reported_appointments(listed, {"d"})] == ["a", "b", "d"]
