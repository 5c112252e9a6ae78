"""Faults, planted into an honest history: each breaks one property, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from connectors.sandbox.ledger import Entry
from streams.words import Entity, Receipt
from tests.chaos.history import History, Received
from tests.chaos.history.nothing_stale import STAMP

T = TypeVar("T")
Pick = Callable[[Sequence[T]], T]
"""Chooses where to plant."""
_CREATES = ("create contact", "create note", "create task", "create appointment")
_CALENDAR = ("create appointment",)
GAP_SECONDS = 0.03
"""After a request: before the lane's next one."""


class NoPlace(Exception):
    """This history has nothing where the fault could be planted."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A fault: the property that it breaks, and how it is planted."""

    name: str
    number: int
    plant: Callable[[History, Pick[Any]], History]


# -- what stands at the end ---------------------------------------------------------------------------------------


def lose_a_contact(history: History, pick: Pick[Any]) -> History:
    """A contact is not there."""
    contacts, contact = _some_contact(history, pick)
    _contacts_of(contacts, contact).remove(contact)
    return replace(history, contacts=contacts)


def lose_a_note(history: History, pick: Pick[Any]) -> History:
    """A note is not there."""
    contacts, contact = _some_contact(history, pick, "notes")
    contact["notes"].remove(pick(contact["notes"]))
    return replace(history, contacts=contacts)


def lose_a_task(history: History, pick: Pick[Any]) -> History:
    """A task, or an appointment that stands as one, is not there."""
    contacts, contact = _some_contact(history, pick, "tasks")
    contact["tasks"].remove(pick(contact["tasks"]))
    return replace(history, contacts=contacts)


def lose_an_appointment(history: History, pick: Pick[Any]) -> History:
    """An appointment is not in its calendar."""
    contacts, contact = _some_contact(history, pick, "appointments")
    contact["appointments"].remove(pick(contact["appointments"]))
    return replace(history, contacts=contacts)


def change_a_field(history: History, pick: Pick[Any]) -> History:
    """A contact's field is not as the mapping says."""
    contacts, contact = _some_contact(history, pick)
    contact[pick(["firstName", "lastName", "city"])] = "Nowhere"
    return replace(history, contacts=contacts)


def change_a_note(history: History, pick: Pick[Any]) -> History:
    """A note's text is not as the mapping says; its mark is."""
    contacts, contact = _some_contact(history, pick, "notes")
    note = pick(contact["notes"])
    note["body"] = "Not what was said.\n\n" + note["body"].rsplit("\n", 1)[-1]
    return replace(history, contacts=contacts)


def change_an_appointment(history: History, pick: Pick[Any]) -> History:
    """An appointment stands at another time, with another status, or in another calendar."""
    contacts, contact = _some_contact(history, pick, "appointments")
    changes = ("startTime", "2030-01-01T00:00:00Z"), ("appointmentStatus", "cancelled"), ("calendarId", "another")
    name, value = pick(changes)
    pick(contact["appointments"])[name] = value
    return replace(history, contacts=contacts)


def make_a_task_of_an_appointment(history: History, pick: Pick[Any]) -> History:
    """What belongs into the calendar stands as a task."""
    contacts, contact = _some_contact(history, pick, "appointments")
    event = pick(contact["appointments"])
    contact["appointments"].remove(event)
    contact["tasks"].append(_as_a_task(event))
    return replace(history, contacts=contacts)


def add_a_tag(history: History, pick: Pick[Any]) -> History:
    """A tag stands that the lead does not bear."""
    contacts, contact = _some_contact(history, pick)
    contact["tags"].append("stray")
    return replace(history, contacts=contacts)


def leave_a_ghost(history: History, pick: Pick[Any]) -> History:
    """A note stands that Lofty has not (any more)."""
    contacts, contact = _some_contact(history, pick)
    contact["notes"].append({"id": "ghost", "body": "Long gone.\n\n[lofty-note:1]"})
    return replace(history, contacts=contacts)


def leave_a_ghost_in_the_calendar(history: History, pick: Pick[Any]) -> History:
    """An appointment stands that Lofty has not (any more)."""
    contacts, contact = _some_contact(history, pick, "appointments")
    event = pick(contact["appointments"])
    contact["appointments"].append({**event, "id": "ghost", "description": "Long gone.\n\n[lofty-appointment:1]"})
    return replace(history, contacts=contacts)


def double_a_standing_appointment(history: History, pick: Pick[Any]) -> History:
    """Two appointments of a calendar bear one mark."""
    contacts, contact = _some_contact(history, pick, "appointments")
    contact["appointments"].append({**pick(contact["appointments"]), "id": "twin"})
    return replace(history, contacts=contacts)


def double_a_standing_appointment_as_a_task(history: History, pick: Pick[Any]) -> History:
    """An appointment stands in its calendar, and as a task too."""
    contacts, contact = _some_contact(history, pick, "appointments")
    contact["tasks"].append(_as_a_task(pick(contact["appointments"])))
    return replace(history, contacts=contacts)


def double_a_standing_note(history: History, pick: Pick[Any]) -> History:
    """Two notes bear one mark."""
    contacts, contact = _some_contact(history, pick, "notes")
    contact["notes"].append({**pick(contact["notes"]), "id": "twin"})
    return replace(history, contacts=contacts)


def double_a_standing_contact(history: History, pick: Pick[Any]) -> History:
    """Two contacts bear one lead's id."""
    contacts, contact = _some_contact(history, pick)
    _contacts_of(contacts, contact).append({**contact, "id": "twin", "notes": [], "tasks": [], "appointments": []})
    return replace(history, contacts=contacts)


# -- what was asked ------------------------------------------------------------------------------------------------


def create_twice(*operations: str) -> Callable[[History, Pick[Any]], History]:
    """Something is created again, a moment later."""

    def plant(history: History, pick: Pick[Any]) -> History:
        entry = _pick(pick, (one for one in history.ghl if one.created and one.operation in operations))
        return add(history, _moved(entry, GAP_SECONDS, entity="twin"))

    return plant


def create_without_a_mark(history: History, pick: Pick[Any]) -> History:
    """A contact is created that bears no Lofty id; what is told of it is told of nothing."""
    entry = _pick(pick, (one for one in history.ghl if one.operation == "upsert-contact" and one.created))
    body = {name: value for name, value in entry.body.items() if name in ("locationId", "firstName")}
    return add(history, _moved(entry, GAP_SECONDS, entity="stranger", body=body))


def create_an_appointment_as_a_task_too(history: History, pick: Pick[Any]) -> History:
    """What stands in a calendar is made a task a moment later."""
    entry = _pick(pick, (one for one in history.ghl if one.created and one.operation == "create-appointment"))
    facts = {"title": entry.body["title"], "body": entry.body["description"], "dueDate": entry.body["startTime"]}
    body = {**facts, "completed": False}
    return add(history, _moved(entry, GAP_SECONDS, entity="twin", operation="create-task", body=body))


def write_stale(*operations: str) -> Callable[[History, Pick[Any]], History]:
    """A write bears a version that is older than what stood there."""

    def plant(history: History, pick: Pick[Any]) -> History:
        later: list[Entry] = []
        seen: set[str | None] = set()
        for entry in sorted(history.ghl, key=lambda one: one.applied_at or 0.0):
            if entry.applied and STAMP.search(str(entry.body)):
                is_meant = not operations or entry.operation in operations
                later += [entry] if is_meant and entry.entity in seen else []
                seen.add(entry.entity)
        entry = _pick(pick, later)
        body = entry.body.items()
        aged = {name: STAMP.sub("v000000", text) if isinstance(text, str) else text for name, text in body}
        return _change(history, entry, body=aged)

    return plant


def write_a_field(
    name: str, value: Any, *, among: tuple[str, ...] = ("upsert-contact", "update-contact")
) -> Callable[[History, Pick[Any]], History]:
    """A contact's body holds a field that is not ours."""

    def plant(history: History, pick: Pick[Any]) -> History:
        entry = _pick(pick, (one for one in history.ghl if one.applied and one.operation in among))
        return _change(history, entry, body={**entry.body, name: value})

    return plant


def write_a_field_of_an_appointment(name: str, value: Any) -> Callable[[History, Pick[Any]], History]:
    """The same of an appointment that is edited."""
    return write_a_field(name, value, among=("edit-appointment",))


def overlap(history: History, pick: Pick[Any]) -> History:
    """A request is still in flight when the contact's next one comes."""
    first, second = _pick(pick, _successive(history))
    return _change(history, first, ended=second.at + 0.001)


def overlap_with_an_edit_that_was_refused(history: History, pick: Pick[Any]) -> History:
    """The same with an edit of an appointment that changed nothing: its path and answer tell no contact."""
    edits = ("edit-appointment", "delete-event")
    first, second = _pick(pick, (pair for pair in _successive(history) if pair[1].operation in edits))
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
    made = {one.entity: one for one in history.ghl if one.created and one.operation == "upsert-contact"}
    told = {one.receipt.ghl_id: 0 for one in history.receipts}
    for line in history.receipts:
        told[line.receipt.ghl_id] = max(told[line.receipt.ghl_id], line.receipt.at_ms)
    children = [one for one in history.ghl if one.operation in operations and one.applied and one.parent in made]
    first = {one.parent: one for one in reversed(children)}
    late = [
        one for one in first.values() if told.get(one.parent, 0) > 1000 * one.at + 10 and not _is_edited(history, one)
    ]
    note = _pick(pick, late)
    return _change(history, made[note.parent], applied_at=note.at + 0.005)


def refuse_unordered(history: History, pick: Pick[Any]) -> History:
    """GHL says that it is too much, and nobody told it to."""
    entry = _pick(pick, history.ghl)
    return add(history, look_again(entry, GAP_SECONDS, status=429))


def ask_too_much(history: History, pick: Pick[Any]) -> History:
    """One request more than the window holds, and GHL overlooks it."""
    entry = _pick(pick, history.ghl)
    limit, seconds = history.limits[entry.budget]
    return add(history, *(look_again(entry, GAP_SECONDS + n * seconds / (limit * 20)) for n in range(limit + 1)))


def ask_too_wide(history: History, pick: Pick[Any]) -> History:
    """One request more in flight than is configured."""
    entry = _pick(pick, history.ghl)
    most = history.settings.worker.in_flight_per_location
    looks = (replace(look_again(entry, GAP_SECONDS + n / 10000), ended=entry.at + 0.05) for n in range(most + 1))
    return add(history, *looks)


def ask_as_another(history: History, pick: Pick[Any]) -> History:
    """A worker asks in the name of a location that another owns."""
    entry = _pick(pick, history.ghl)
    words = entry.agent.split()
    return add(history, replace(look_again(entry, GAP_SECONDS), agent=" ".join([*words[:-1], "w99"])))


# -- what was told ---------------------------------------------------------------------------------------------------


def forget_an_intent(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """Nothing says that a create was intended."""
    return lambda history, pick: _forget(history, pick, lambda one: one.outcome == "intended", steps)


def forget_the_outcome(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """Nothing says what became of an entity after its intent."""
    return lambda history, pick: _forget(history, pick, lambda one: one.outcome != "intended", steps)


def intend_too_late(history: History, pick: Pick[Any]) -> History:
    """A create is intended only after it was sent."""
    return _retell(history, pick, lambda one: one.outcome == "intended", 60_000)


def tell_too_early(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """The last write of an entity came after all that is told of it."""
    return lambda history, pick: _retell(history, pick, lambda one: one.outcome != "intended", -600_000, steps)


def tell_before_the_intent(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """On the topic, the outcome of a create stands before its intent."""

    def plant(history: History, pick: Pick[Any]) -> History:
        among = steps or _CREATES
        created = [one for one in history.receipts if one.receipt.outcome == "applied" and one.receipt.step in among]
        line = _pick(pick, created)
        others = [one for one in history.receipts if one is not line]
        return replace(history, receipts=[replace(line, offset=-1), *others])

    return plant


PLANTS: tuple[Plant, ...] = (
    Plant("a lost contact", 1, lose_a_contact),
    Plant("a lost note", 1, lose_a_note),
    Plant("a lost task", 1, lose_a_task),
    Plant("a lost appointment", 1, lose_an_appointment),
    Plant("a different field", 1, change_a_field),
    Plant("a different note", 1, change_a_note),
    Plant("a different appointment", 1, change_an_appointment),
    Plant("an appointment that stands as a task", 1, make_a_task_of_an_appointment),
    Plant("a surplus tag", 1, add_a_tag),
    Plant("a note that Lofty has not", 1, leave_a_ghost),
    Plant("an appointment that Lofty has not", 1, leave_a_ghost_in_the_calendar),
    Plant("a contact created twice", 2, create_twice("upsert-contact")),
    Plant("a note created twice", 2, create_twice("create-note")),
    Plant("a task created twice", 2, create_twice("create-task")),
    Plant("an appointment created twice", 2, create_twice("create-appointment")),
    Plant("an appointment made in both forms", 2, create_an_appointment_as_a_task_too),
    Plant("an appointment that stands twice", 2, double_a_standing_appointment),
    Plant("an appointment that stands in both forms", 2, double_a_standing_appointment_as_a_task),
    Plant("a note that stands twice", 2, double_a_standing_note),
    Plant("a contact that stands twice", 2, double_a_standing_contact),
    Plant("a stale write", 3, write_stale()),
    Plant("a stale write of an appointment", 3, write_stale("edit-appointment")),
    Plant("tags in a body", 3, write_a_field("tags", ["vip"])),
    Plant("a field that is not ours", 3, write_a_field("companyName", "Acme")),
    Plant("a custom field that is not ours", 3, write_a_field("customFields", [{"id": "x", "field_value": "y"}])),
    Plant("a field of an appointment that is not ours", 3, write_a_field_of_an_appointment("notes", "Bring the keys.")),
    Plant("an appointment moved to another contact", 3, write_a_field_of_an_appointment("contactId", "another")),
    Plant("two requests of a contact at once", 4, overlap),
    Plant("two requests at once, one of a refused appointment", 4, overlap_with_an_edit_that_was_refused),
    Plant("a note before its contact", 4, child_before_contact("create-note", "create-task")),
    Plant("an appointment before its contact", 4, child_before_contact("create-appointment")),
    Plant("a 429 that nobody ordered", 5, refuse_unordered),
    Plant("one request more than a window holds", 5, ask_too_much),
    Plant("one request too many in flight", 5, ask_too_wide),
    Plant("two owners of a budget", 6, ask_as_another),
    Plant("a create without an intent", 7, forget_an_intent()),
    Plant("an appointment without an intent", 7, forget_an_intent(*_CALENDAR)),
    Plant("a write without a receipt", 7, forget_the_outcome()),
    Plant("an appointment without a receipt", 7, forget_the_outcome(*_CALENDAR)),
    Plant("an intent that comes too late", 7, intend_too_late),
    Plant("a write after the last receipt", 7, tell_too_early()),
    Plant("a write of an appointment after the last receipt", 7, tell_too_early(*_CALENDAR)),
    Plant("an outcome before its intent", 7, tell_before_the_intent()),
    Plant("an outcome of an appointment before its intent", 7, tell_before_the_intent(*_CALENDAR)),
)


# -- how to plant -----------------------------------------------------------------------------------------------------


def _pick(pick: Pick[T], those: Iterable[T]) -> T:
    found = list(those)
    if not found:
        raise NoPlace
    return pick(found)


def _some_contact(
    history: History, pick: Pick[Any], having: str = ""
) -> tuple[Mapping[str, Mapping[str, Any]], dict[str, Any]]:
    """A copy of everything that stands, and a contact in it of a lead that lives."""
    copy: Mapping[str, Mapping[str, Any]] = deepcopy(dict(history.contacts))
    every = [one for found in copy.values() for one in found["contacts"]]
    return copy, _pick(
        pick, (one for one in every if "lofty-deleted" not in one["tags"] and (not having or one[having]))
    )


def _as_a_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """An appointment of a calendar, as the task that it would be without one."""
    facts = {"title": event["title"], "body": event["description"], "dueDate": event["startTime"]}
    return {"id": "as a task", "completed": False, **facts}


def _successive(history: History) -> list[tuple[Entry, Entry]]:
    """Requests of one worker about one contact, each with the next."""
    last: dict[str, Entry] = {}
    pairs: list[tuple[Entry, Entry]] = []
    for entry in history.ghl:
        contact = entry.parent or (entry.entity if entry.operation == "upsert-contact" else None)
        if contact is None:
            continue
        before = last.get(contact)
        if before is not None and before.agent == entry.agent:
            pairs.append((before, entry))
        last[contact] = entry
    return pairs


def _contacts_of(contacts: Mapping[str, Mapping[str, Any]], contact: dict[str, Any]) -> list[dict[str, Any]]:
    return next(found["contacts"] for found in contacts.values() if contact in found["contacts"])


def _moved(entry: Entry, seconds: float, **changes: Any) -> Entry:
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
    """The history with more requests, all numbered anew."""
    every = sorted([*history.ghl, *entries], key=lambda one: one.at)
    return replace(history, ghl=[replace(one, seq=number) for number, one in enumerate(every, 1)])


def _change(history: History, entry: Entry, **changes: Any) -> History:
    return replace(history, ghl=[replace(one, **changes) if one is entry else one for one in history.ghl])


def _is_edited(history: History, note: Entry) -> bool:
    """Whether the contact was written again before its first note: then its creation cannot be moved."""
    written = (one for one in history.ghl if one.entity == note.parent and one.operation == "update-contact")
    return any((one.applied_at or 0.0) < note.at for one in written)


def _forget(
    history: History, pick: Pick[Any], is_forgotten: Callable[[Receipt], bool], steps: tuple[str, ...]
) -> History:
    entity = _created(history, pick, steps)
    kept = [one for one in history.receipts if one.receipt.entity != entity or not is_forgotten(one.receipt)]
    return replace(history, receipts=kept)


def _retell(
    history: History, pick: Pick[Any], is_meant: Callable[[Receipt], bool], later_ms: int, steps: tuple[str, ...] = ()
) -> History:
    """The same receipts of an entity, made at another time."""
    entity = _created(history, pick, steps)

    def retold(one: Received) -> Received:
        receipt = one.receipt
        if receipt.entity != entity or not is_meant(receipt):
            return one
        return replace(one, receipt=receipt.model_copy(update={"at_ms": receipt.at_ms + later_ms}))

    return replace(history, receipts=[retold(one) for one in history.receipts])


def _created(history: History, pick: Pick[Any], steps: tuple[str, ...] = ()) -> Entity:
    """An entity that GHL was asked to create, and did; by one of these steps, where some are named."""
    receipts = [one.receipt for one in history.receipts]
    meant = {one.entity for one in receipts if not steps or one.step in steps}
    by_outcome = {
        wanted: {one.entity for one in receipts if one.outcome == wanted} & meant for wanted in ("intended", "applied")
    }
    return _pick(pick, sorted(by_outcome["intended"] & by_outcome["applied"]))
