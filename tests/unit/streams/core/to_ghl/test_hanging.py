"""What hangs on the contact of a lead that nobody knows, and whether it says that the lead was merged."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.to_ghl.hanging import Trail, hanging_on
from streams.messages import Change, Entity
from streams.messages.change import MOST_HANGING
from tests.unit.streams.core.to_ghl.test_dedupe import change

LEAD = Entity.contact("acme", "1")
HERE, THERE, NOWHERE = {"leadId": 1}, {"leadId": 2}, {"leadId": -1}
SHOWN = {"leadId": 2, "firstName": "Ann"}


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([THERE, THERE, SHOWN], "merged"),
        ([THERE, None, SHOWN], "merged"),
        ([None, THERE, SHOWN], "merged"),
        ([NOWHERE, THERE, SHOWN], "merged"),
        ([{"leadId": "2"}, {}, SHOWN], "merged"),
        ([THERE, THERE, None], "no lead"),
        ([None, None], "no lead"),
        ([NOWHERE, {}], "no lead"),
        ([THERE, HERE], "no lead"),
        ([HERE], "no lead"),
    ],
)
def test_a_lead_was_merged_if_lofty_shows_the_one_on_which_something_of_it_hangs_now(
    answers: list[dict[str, Any] | None], verdict: str
) -> None:
    """And nothing hangs on the lead itself: then it is only hidden from us. What was deleted since says nothing."""
    trail = Trail.of(LEAD, ("note:5", "task:6"))
    subjects, told = [], []
    for answer in answers:
        subjects.append(trail.subject)
        told.append(trail.told(answer))
    note, task, into = (
        LEAD._replace(kind="note", id="5"),
        LEAD._replace(kind="task", id="6"),
        Entity.contact("acme", "2"),
    )
    assert subjects == [note, task, into][: len(answers)]
    assert told == [*["ask on"] * (len(answers) - 1), verdict]


def test_what_hangs_on_a_contact_is_known_by_its_markers() -> None:
    """Each once; a marker that is quoted in a text does not count. An appointment may be a task, or be in a calendar."""
    notes = [
        {"id": "n1", "body": "said<br>[lofty-note:5]"},
        {"id": "n2", "body": "said<br>[lofty-note:5]"},
        {"id": "n3", "body": "a person's own"},
        {"id": "n4", "body": "see [lofty-note:7] for more"},
    ]
    tasks = [{"id": "t1", "body": "call\n\n[lofty-task:6]"}, {"id": "t2", "body": "visit\n\n[lofty-appointment:8]"}]
    booked = [{"id": "a1", "description": None, "notes": "visit\n\n[lofty-appointment:9]"}]
    assert hanging_on(notes, tasks, booked) == ("note:5", "task:6", "appointment:8", "appointment:9")


def test_some_of_much_is_enough() -> None:
    """Of each kind; a change takes no more than that."""
    notes = [{"body": f"x\n\n[lofty-note:{one}]"} for one in range(99)]
    tasks = [{"body": f"x\n\n[lofty-{kind}:{one}]"} for one in range(99) for kind in ("task", "appointment")]
    found = hanging_on(notes, tasks)
    assert len(found) == MOST_HANGING
    assert Change.from_bytes(change(hanging=found).to_bytes()).hanging == found
