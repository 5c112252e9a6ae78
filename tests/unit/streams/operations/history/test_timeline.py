"""A contact's story in words."""

from __future__ import annotations

import pytest

from streams.core.rows import FetchRow, Intent, LinkRow, OutboxRow
from streams.messages import Conflict, Fence, Parked, Receipt, Snapshot
from streams.operations.history.timeline import Event, event_of, pending_read, pending_write, standing, timeline

KEY = "c:7:contact:7"
NOW = 100_000


def snapshot(kind: str = "contact", entity_id: str = "7") -> Snapshot:
    """A state of one entity."""
    facts = {"connection": "c", "lead": "7", "kind": kind, "id": entity_id, "state": {}, "fingerprint": "f" * 32}
    times = {"version_ms": 1, "read_ms": 2, "update_time_ms": 1, "accepted_ms": 1}
    return Snapshot.model_validate(facts | times)


def test_a_refusal_is_told_in_the_vendors_words() -> None:
    """With its status and the id that support asks for."""
    receipt = Receipt.model_validate(
        {
            "connection": "c",
            "lead": "7",
            "kind": "contact",
            "id": "7",
            "outcome": "refused",
            "at_ms": 5,
            "step": "create contact",
            "version_ms": 1,
            "status": 422,
            "message": "no",
            "trace_id": "t1",
        }
    )
    event = event_of(receipt, "ghl.receipts/1@2", 9)
    assert event == Event(
        5,
        KEY,
        "write",
        "was refused at create contact [422]: no (traceId t1)",
        "ghl.receipts/1@2",
        step="create contact",
        outcome="refused",
        status=422,
        answer="no",
        trace_id="t1",
    )


def test_what_tells_nothing_of_a_contact_is_left_out() -> None:
    """A fence."""
    assert event_of(Fence(worker="w", epoch=1, at_ms=0), "x", 0) is None


def test_lines_are_in_the_order_of_time_and_then_of_the_stages() -> None:
    """A read and its write may have the same millisecond."""
    lines = [Event(2, KEY, "write", "", ""), Event(2, KEY, "read", "", ""), Event(1, KEY, "parked", "", "")]
    assert [one.stage for one in timeline(lines)] == ["parked", "read", "write"]


@pytest.mark.parametrize(
    ("row", "waits"),
    [
        ({"parked": "unreadable"}, "a person"),
        ({"not_before_ms": NOW + 5_000, "attempts": 2, "last_error": "503"}, "in 5 s, after 2 attempts: 503"),
        ({}, "its turn to be read from Lofty"),
    ],
)
def test_a_pending_read_says_what_it_waits_for(row: dict[str, object], waits: str) -> None:
    """A person, time, or its turn."""
    facts = {"connection": "c", "lead": "7", "kind": "contact", "id": "7", "operation": "updated", "origin": "webhook"}
    times = {"newest_update_ms": 1, "oldest_update_ms": 1, "accepted_ms": 1}
    assert waits in pending_read(FetchRow.model_validate(facts | times | row), NOW).waits


@pytest.mark.parametrize(
    ("row", "contact", "waits"),
    [
        ({"parked": "no"}, LinkRow(ghl_id="g"), "a person"),
        ({}, None, "its contact"),
        ({"not_before_ms": NOW + 5_000, "attempts": 1, "last_error": "503"}, LinkRow(ghl_id="g"), "in 5 s"),
        ({}, LinkRow(ghl_id="g"), "its turn to be written to GHL"),
    ],
)
def test_a_pending_write_says_what_it_waits_for(row: dict[str, object], contact: LinkRow | None, waits: str) -> None:
    """Its contact, too."""
    made = OutboxRow(snapshot=snapshot("note", "9")).model_copy(update=row)
    assert waits in pending_write(made, contact, NOW).waits


@pytest.mark.parametrize(
    ("row", "waits"),
    [
        ({}, "a pause of all calls to GHL"),
        (
            {"not_before_ms": NOW + 5_000, "attempts": 1, "last_error": "503"},
            "503; and for a pause of all calls to GHL",
        ),
        ({"parked": "no"}, "a person: writing it failed (no)"),
    ],
)
def test_what_holds_the_whole_connection_back_is_told(row: dict[str, object], waits: str) -> None:
    """In place of a slot, beside a next try; a person comes first."""
    made = OutboxRow(snapshot=snapshot("note", "9")).model_copy(update=row)
    assert pending_write(made, LinkRow(ghl_id="g"), NOW, "a pause of all calls to GHL").waits.endswith(waits)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (LinkRow(ghl_id="g", settled="f/m"), "contact: g in GHL"),
        (LinkRow(ghl_id="g"), "contact: g in GHL, a newer state is on its way"),
        (LinkRow(ghl_id="g", fields={"dndSettings": "Call SMS"}), "contact: g in GHL, opted out of Call, SMS, a newer"),
        (
            LinkRow(ghl_id="g", conflicts={"phone": Conflict(hash="h", contact_id="x")}),
            "g in GHL, without phone, which",
        ),
        (LinkRow(ghl_id="x", shares="c:1:contact:1"), "x in GHL, one contact with c:1:contact:1"),
        (LinkRow(settled="f/m"), "contact: not in GHL, and rightly so"),
        (LinkRow(), "contact: not in GHL"),
        (LinkRow(ghl_id="g", is_deleted=True), "contact: was g in GHL, deleted"),
        (LinkRow(intent=Intent(at_ms=1, step="create contact")), "its create is in doubt"),
    ],
)
def test_how_things_stand(link: LinkRow, words: str) -> None:
    """In one line."""
    assert words in standing(KEY, link)


def test_a_parked_record_is_told_with_its_stage() -> None:
    """And its reason."""
    parked = Parked(stage="deliver", reason="refused", message="no", at_ms=3, source="create contact", entity=KEY)
    event = event_of(parked, "parked/0@1", 9)
    assert event is not None
    assert event.what == "at deliver (refused): no"
