"""Faults in what GHL was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from tests.chaos.history import History
from tests.chaos.history.nothing_stale import STAMP
from tests.chaos.history_planting import Pick, pick_from

GAP_SECONDS = 0.03
"""After a request: before the lane's next one."""


def create_twice(*operations: str) -> Callable[[History, Pick[Any]], History]:
    """Something is created again, a moment later."""

    def plant(history: History, pick: Pick[Any]) -> History:
        entry = pick_from(pick, (one for one in history.ghl if one.created and one.operation in operations))
        return add(history, moved(entry, GAP_SECONDS, entity="twin"))

    return plant


def create_without_a_mark(history: History, pick: Pick[Any]) -> History:
    """A contact without a Lofty id is created, so receipts about it belong to no lead."""
    entry = pick_from(pick, (one for one in history.ghl if one.operation == "create-contact" and one.created))
    body = {name: value for name, value in entry.body.items() if name in ("locationId", "firstName")}
    return add(history, moved(entry, GAP_SECONDS, entity="stranger", body=body))


def create_an_appointment_as_a_task_too(history: History, pick: Pick[Any]) -> History:
    """An appointment in a calendar is also made a task a moment later."""
    entry = pick_from(pick, (one for one in history.ghl if one.created and one.operation == "create-appointment"))
    facts = {"title": entry.body["title"], "body": entry.body["description"], "dueDate": entry.body["startTime"]}
    body = {**facts, "completed": False}
    return add(history, moved(entry, GAP_SECONDS, entity="twin", operation="create-task", body=body))


def write_stale(*operations: str) -> Callable[[History, Pick[Any]], History]:
    """A write has a version that is older than the one in GHL."""

    def plant(history: History, pick: Pick[Any]) -> History:
        later: list[Entry] = []
        seen: set[str | None] = set()
        for entry in sorted(history.ghl, key=lambda one: one.applied_at or 0.0):
            if entry.applied and STAMP.search(str(entry.body)):
                is_meant = not operations or entry.operation in operations
                later += [entry] if is_meant and entry.entity in seen else []
                seen.add(entry.entity)
        entry = pick_from(pick, later)
        body = entry.body.items()
        aged = {name: STAMP.sub("v000000", text) if isinstance(text, str) else text for name, text in body}
        return _change(history, entry, body=aged)

    return plant


def write_a_field(
    name: str, value: Any, *, among: tuple[str, ...] = ("create-contact", "update-contact")
) -> Callable[[History, Pick[Any]], History]:
    """A contact's body holds a field that is not ours."""

    def plant(history: History, pick: Pick[Any]) -> History:
        entry = pick_from(pick, (one for one in history.ghl if one.applied and one.operation in among))
        return _change(history, entry, body={**entry.body, name: value})

    return plant


def write_a_field_of_an_appointment(name: str, value: Any) -> Callable[[History, Pick[Any]], History]:
    """The same of an appointment that is edited."""
    return write_a_field(name, value, among=("edit-appointment",))


def overlap(history: History, pick: Pick[Any]) -> History:
    """A request is still in flight when the contact's next one comes."""
    first, second = pick_from(pick, _successive(history))
    return _change(history, first, ended=second.at + 0.001)


def overlap_with_an_edit_that_was_refused(history: History, pick: Pick[Any]) -> History:
    """The same with an edit of an appointment that changed nothing: its path and answer tell no contact."""
    edits = ("edit-appointment", "delete-event")
    first, second = pick_from(pick, (pair for pair in _successive(history) if pair[1].operation in edits))
    nothing: dict[str, Any] = {"status": 500, "fault": "status", "applied": False, "applied_at": None, "parent": None}
    at = second.at - GAP_SECONDS
    refused = replace(second, at=at, ended=at + 0.002, **nothing)
    return add(_change(history, first, ended=at + 0.001), refused)


def child_before_contact(*operations: str) -> Callable[[History, Pick[Any]], History]:
    """A contact comes to be only while the first that hangs on it is under way."""

    def plant(history: History, pick: Pick[Any]) -> History:
        return _child_before_contact(history, pick, operations)

    return plant


def _child_before_contact(history: History, pick: Pick[Any], operations: tuple[str, ...]) -> History:
    made = {one.entity: one for one in history.ghl if one.created and one.operation == "create-contact"}
    told = {one.receipt.ghl_id: 0 for one in history.receipts}
    for line in history.receipts:
        told[line.receipt.ghl_id] = max(told[line.receipt.ghl_id], line.receipt.at_ms)
    children = [one for one in history.ghl if one.operation in operations and one.applied and one.parent in made]
    first = {one.parent: one for one in reversed(children)}
    late = [
        one for one in first.values() if told.get(one.parent, 0) > 1000 * one.at + 10 and not _is_edited(history, one)
    ]
    note = pick_from(pick, late)
    return _change(history, made[note.parent], applied_at=note.at + 0.005)


def refuse_unordered(history: History, pick: Pick[Any]) -> History:
    """GHL answers 429 without an order to do so."""
    entry = pick_from(pick, history.ghl)
    return add(history, look_again(entry, GAP_SECONDS, status=429))


def ask_too_much(history: History, pick: Pick[Any]) -> History:
    """One request more than two windows hold, in a moment in which at most one window ends; and GHL overlooks it."""
    entry = pick_from(pick, history.ghl)
    limit, seconds = history.limits[entry.budget]
    return add(history, *(look_again(entry, GAP_SECONDS + n * seconds / (limit * 40)) for n in range(2 * limit + 1)))


def ask_too_wide(history: History, pick: Pick[Any]) -> History:
    """One request more in flight than is configured."""
    entry = pick_from(pick, history.ghl)
    most = history.settings.worker.in_flight_per_location
    looks = (replace(look_again(entry, GAP_SECONDS + n / 10000), ended=entry.at + 0.05) for n in range(most + 1))
    return add(history, *looks)


def ask_as_another(history: History, pick: Pick[Any]) -> History:
    """A worker asks in the name of a location that another owns."""
    entry = pick_from(pick, history.ghl)
    words = entry.agent.split()
    return add(history, replace(look_again(entry, GAP_SECONDS), agent=" ".join([*words[:-1], "w99"])))


def _successive(history: History) -> list[tuple[Entry, Entry]]:
    """Requests of one worker about one contact, each with the next."""
    last: dict[str, Entry] = {}
    pairs: list[tuple[Entry, Entry]] = []
    for entry in history.ghl:
        contact = entry.parent or (entry.entity if entry.operation == "create-contact" else None)
        if contact is None:
            continue
        before = last.get(contact)
        if before is not None and before.agent == entry.agent:
            pairs.append((before, entry))
        last[contact] = entry
    return pairs


def moved(entry: Entry, seconds: float, **changes: Any) -> Entry:
    """The same again, later."""
    times = {name: getattr(entry, name) for name in ("at", "applied_at", "ended")}
    shifted: dict[str, Any] = {name: None if at is None else at + seconds for name, at in times.items()}
    return replace(entry, **shifted, fault=None, **changes)


def look_again(entry: Entry, seconds: float, status: int = 200) -> Entry:
    """A request of the same worker at the same budget that names no contact and changes nothing."""
    at = entry.at + seconds
    return Entry(
        0,
        at,
        "GET",
        "/contacts/",
        entry.agent,
        "get-contacts",
        entry.budget,
        status,
        ended=at if status == 429 else at + 0.0004,
    )


def add(history: History, *entries: Entry) -> History:
    """The history with more requests, all numbered again."""
    every = sorted([*history.ghl, *entries], key=lambda one: one.at)
    return replace(history, ghl=[replace(one, seq=number) for number, one in enumerate(every, 1)])


def _change(history: History, entry: Entry, **changes: Any) -> History:
    return replace(history, ghl=[replace(one, **changes) if one is entry else one for one in history.ghl])


def _is_edited(history: History, note: Entry) -> bool:
    """Whether the contact was written again before its first note: then its creation cannot be moved."""
    written = (one for one in history.ghl if one.entity == note.parent and one.operation == "update-contact")
    return any((one.applied_at or 0.0) < note.at for one in written)


def write_on_another(history: History, pick: Pick[Any]) -> History:
    """An update says the first name of another lead."""
    entry = pick_from(pick, (one for one in history.ghl if one.operation == "update-contact" and one.applied))
    own = next(one for one in history.ghl if one.operation == "create-contact" and one.entity == entry.entity)
    names = {str(row["lead"]["firstName"]) for rows in history.leads.values() for row in rows}
    other = pick_from(pick, sorted(names - {own.body.get("firstName")}))
    return _change(history, entry, body={**entry.body, "firstName": other})


def tag_the_living(history: History, pick: Pick[Any]) -> History:
    """Tags that are added say that a living lead is deleted."""
    deleted = (one.at for one in history.edits if not one.version and one.entity.kind == "contact")
    first = min(deleted, default=inf)
    tagged = (one for one in history.ghl if one.operation == "add-tags" and one.applied)
    entry = pick_from(pick, (one for one in tagged if one.at < first))
    return _change(history, entry, body={"tags": [*entry.body["tags"], "lofty-deleted"]})
