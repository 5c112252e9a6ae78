"""Faults, planted into an honest history: each breaks one property, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos.history import History
from tests.chaos.history_planting import Pick
from tests.chaos.history_plants_acted import (
    do_without_effect,
    grow_not,
    leave_out_an_act,
    park_a_stray_nowhere,
    work_in_no_new_partition,
    write_never,
    write_too_late,
)
from tests.chaos.history_plants_asked import (
    ask_as_another,
    ask_too_much,
    ask_too_wide,
    child_before_contact,
    create_an_appointment_as_a_task_too,
    create_twice,
    overlap,
    overlap_with_an_edit_that_was_refused,
    refuse_unordered,
    tag_the_living,
    write_a_field,
    write_a_field_of_an_appointment,
    write_on_another,
    write_stale,
)
from tests.chaos.history_plants_known import (
    list_no_conflict,
    make_again,
    pass_over_a_second_email,
    share_in_silence,
    stand_beside,
    stand_beside_by_name,
)
from tests.chaos.history_plants_silent import ask_while_it_is_paused, leave_a_key, write_after_its_removal
from tests.chaos.history_plants_staged import double_a_standing_opportunity, lose_an_opportunity, move_an_opportunity
from tests.chaos.history_plants_standing import (
    add_a_tag,
    change_a_field,
    change_a_note,
    change_an_appointment,
    double_a_standing_appointment,
    double_a_standing_appointment_as_a_task,
    double_a_standing_contact,
    double_a_standing_note,
    leave_a_ghost,
    leave_a_ghost_in_the_calendar,
    lose_a_contact,
    lose_a_note,
    lose_a_task,
    lose_an_appointment,
    make_a_task_of_an_appointment,
)
from tests.chaos.history_plants_told import (
    forget_an_intent,
    forget_the_outcome,
    intend_too_late,
    tell_before_the_intent,
    tell_too_early,
)

_CALENDAR = ("create appointment",)


@dataclass(frozen=True, slots=True)
class Plant:
    """A fault: the property that it breaks, and how it is planted."""

    name: str
    number: int
    plant: Callable[[History, Pick[Any]], History]


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
    Plant("a contact created twice", 2, create_twice("create-contact")),
    Plant("a note created twice", 2, create_twice("create-note")),
    Plant("a task created twice", 2, create_twice("create-task")),
    Plant("an appointment created twice", 2, create_twice("create-appointment")),
    Plant("an appointment made in both forms", 2, create_an_appointment_as_a_task_too),
    Plant("an appointment that stands twice", 2, double_a_standing_appointment),
    Plant("an appointment that is in both forms", 2, double_a_standing_appointment_as_a_task),
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
    Plant("an act that was not done", 8, leave_out_an_act),
    Plant("an act without effect", 8, do_without_effect),
    Plant("a deployment that did not grow", 8, grow_not),
    Plant("new partitions that no worker owned", 8, work_in_no_new_partition),
    Plant("a stray that is parked nowhere", 8, park_a_stray_nowhere),
    Plant("an edit of an outage that is never written", 9, write_never),
    Plant("edits of an outage that are written too late", 9, write_too_late),
    Plant("a contact on which another lead is written", 10, write_on_another),
    Plant("a living lead that is tagged as deleted", 10, tag_the_living),
    Plant("a person with the same e-mail who was there before", 11, stand_beside),
    Plant("a person with the same name and telephone who was there before", 11, stand_beside_by_name),
    Plant("a note that is deleted and made again", 11, make_again),
    Plant("a second e-mail that is passed over in silence", 12, pass_over_a_second_email),
    Plant("a telephone that another has, in no list", 12, list_no_conflict),
    Plant("two leads with one contact, in no list", 12, share_in_silence),
    Plant("a request about a removed connection", 13, write_after_its_removal),
    Plant("a request about a paused connection", 13, ask_while_it_is_paused),
    Plant("a removed connection whose key is left", 13, leave_a_key),
    Plant("a lost opportunity", 14, lose_an_opportunity),
    Plant("an opportunity in another stage", 14, move_an_opportunity),
    Plant("an opportunity that is there twice", 14, double_a_standing_opportunity),
    Plant("an opportunity created twice", 14, create_twice("create-opportunity")),
    Plant("an opportunity without an intent", 14, forget_an_intent("create opportunity")),
)
