"""What verify says of Lofty's appointments that are in a calendar."""

from __future__ import annotations

import pytest

from streams.messages import Remedy
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_lead import judge_lead
from tests.unit.streams.operations.verify.inspected import APPOINTMENT, BASIS, CALENDAR_BASIS, World, snapshot_of


def in_calendar() -> World:
    world = World()
    world.into_calendar()
    return world


def judged(world: World) -> list[Finding]:
    """The findings about the appointment."""
    return [one for one in judge_lead(world.snapshots, world.seen, CALENDAR_BASIS) if one.entity == APPOINTMENT]


def test_one_that_stands_as_it_should_is_right() -> None:
    """Also while it is a task, from before the calendar; also when the calendar is no longer configured."""
    [in_its_calendar], [as_a_task] = judged(in_calendar()), judged(World())
    [left] = [
        one for one in judge_lead(in_calendar().snapshots, in_calendar().seen, BASIS) if one.entity == APPOINTMENT
    ]
    assert [one.state for one in (in_its_calendar, as_a_task, left)] == ["ok", "ok", "ok"]


def test_one_that_was_moved_in_ghl_is_different() -> None:
    """Its times are compared as instants."""
    world = in_calendar()
    world.appointments[0]["startTime"] = "2027-01-15T13:30:00+05:30"
    assert [one.state for one in judged(world)] == ["ok"]
    world.appointments[0]["startTime"] = "2027-01-15T13:45:00+05:30"
    [found] = judged(world)
    assert (found.state, found.remedies) == ("different", (Remedy(cure="doubt", fields=("startTime",)),))


@pytest.mark.parametrize("status", ["noshow", "cancelled", "showed"])
def test_whether_the_client_came_is_for_people_in_ghl_to_say(status: str) -> None:
    """A repair would overwrite what they know better."""
    world = in_calendar()
    world.appointments[0]["appointmentStatus"] = status
    assert [one.state for one in judged(world)] == ["ok"]


def test_one_that_is_gone_from_the_calendar_is_missing() -> None:
    """Its link is forgotten, so that it is made again."""
    world = in_calendar()
    world.appointments.clear()
    [found] = judged(world)
    assert (found.state, found.remedies) == ("missing", (Remedy(cure="forget", ghl_id="a-3"),))


def test_a_twin_is_removed_in_its_own_form() -> None:
    """One as a task beside one in the calendar is a double, too."""
    world = in_calendar()
    world.appointments.append({**world.appointments[0], "id": "a-9"})
    world.tasks.append({"id": "t-9", "body": "again\n\n[lofty-appointment:3]"})
    [found] = judged(world)
    assert (found.state, set(found.remedies)) == (
        "double",
        {
            Remedy(cure="remove", ghl_id="a-9", contact_id="c-1", in_calendar=True),
            Remedy(cure="remove", ghl_id="t-9", contact_id="c-1"),
        },
    )


def test_one_that_is_deleted_in_lofty_and_still_there_is_orphaned() -> None:
    """A twin that no link names is removed from the calendar."""
    world = in_calendar()
    world.snapshots[APPOINTMENT] = snapshot_of(APPOINTMENT, None)
    world.stand(APPOINTMENT, is_deleted=True)
    [found] = judged(world)
    assert (found.state, found.remedies) == (
        "orphaned",
        (Remedy(cure="remove", ghl_id="a-3", contact_id="c-1", in_calendar=True),),
    )
