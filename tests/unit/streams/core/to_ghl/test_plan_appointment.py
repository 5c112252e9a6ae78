"""Appointments in a calendar, planned against GHL as a dict; and which form an appointment of Lofty has there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.fingerprint import fingerprint
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.plan import Call, Plan, Settled, Stuck
from streams.core.to_ghl.planning import Rules, prepare
from streams.mapping import compile_mapping
from streams.messages import Entity, Snapshot
from tests.unit.streams.core.to_ghl.ghl_model import Contact, Fate, Follower, Ghl

MAPPING = compile_mapping()
WITHOUT, WITH = Rules(MAPPING, "US"), Rules(MAPPING, "US", calendar="cal")
DIRECTORY = Directory({}, {fold("pat@x.test"): "u-pat", fold("jo@x.test"): "u-jo"}, frozenset({"u-pat"}))
BEGIN = 1_800_000_000_000
STATE = {"id": 5, "content": "See the house", "deadline": BEGIN, "finishFlag": False}
FATES: st.SearchStrategy[Fate] = st.sampled_from(["answered", "applied, then lost", "lost on the way"])
STATES = st.lists(
    st.fixed_dictionaries(
        {
            "content": st.sampled_from(["See the house", "See it again"]),
            "deadline": st.sampled_from([BEGIN, BEGIN + 3_600_000]),
            "address": st.sampled_from([None, "1 Main St"]),
            "finishFlag": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


class Planner:
    """The plan of Lofty's appointment 5, as the worker makes it. `state` None: deleted in Lofty."""

    def __init__(self, state: dict[str, Any] | None = STATE, rules: Rules = WITH) -> None:
        self.state, self.rules = state, rules
        self.contact = LinkRow(ghl_id="g")

    def __call__(self, link: LinkRow | None, now_ms: int) -> Plan:
        snapshot = Snapshot(
            connection="c",
            lead="77",
            kind="appointment",
            id="5",
            state=self.state,
            version_ms=1,
            fingerprint=fingerprint(self.state),
            read_ms=1,
            update_time_ms=1,
            accepted_ms=1,
        )
        return prepare(OutboxRow(snapshot=snapshot), self.rules, DIRECTORY).plan(link, self.contact, now_ms)


def follower() -> Follower:
    ghl = Ghl()
    ghl.contacts["g"] = Contact()
    return Follower(ghl, Entity("c", "77", "appointment", "5"))


def held(one: Follower, contact: str = "g") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The tasks and the appointments in the calendar."""
    contact_ = one.ghl.contacts[contact]
    return list(contact_.task.values()), list(contact_.appointment.values())


def test_without_a_calendar_it_is_a_task_as_ever() -> None:
    one = follower()
    one.settle(Planner(rules=WITHOUT))
    assert one.ghl.sent == ["create task"]


def test_with_a_calendar_it_stands_there_with_all_that_ghl_needs() -> None:
    """Whatever hours the calendar has, and without waking automations."""
    plan = Planner({**STATE, "address": "1 Main St", "_agent": {"email": "pat@x.test"}})(None, 0)
    assert isinstance(plan, Call)
    assert (plan.step, plan.contact_id, plan.is_create, plan.marker) == (
        "create appointment",
        "g",
        True,
        "[lofty-appointment:5]",
    )
    assert plan.body == {
        "title": "Appointment: See the house",
        "description": "See the house\n\n[lofty-appointment:5]",
        "startTime": "2027-01-15T08:00:00Z",
        "endTime": "2027-01-15T08:30:00Z",
        "address": "1 Main St",
        "appointmentStatus": "confirmed",
        "calendarId": "cal",
        "assignedUserId": "u-pat",
        "ignoreFreeSlotValidation": True,
        "ignoreDateRange": True,
        "toNotify": False,
    }
    assert plan.fields is not None
    assert "toNotify" not in plan.fields


def test_an_agent_who_is_not_of_the_calendars_team_is_not_assigned() -> None:
    """GHL would refuse the appointment."""
    plan = Planner({**STATE, "_agent": {"email": "jo@x.test"}})(None, 0)
    assert isinstance(plan, Call)
    assert "assignedUserId" not in plan.body


@given(states=STATES)
def test_each_state_is_reached_in_one_request(states: list[dict[str, Any]]) -> None:
    """One create, then one update for each change; GHL's own reset of the status does not show."""
    one, plan = follower(), Planner()
    for state in states:
        plan.state = {"id": 5, **state}
        before = len(one.ghl.sent)
        one.settle(plan)
        assert len(one.ghl.sent) - before <= 1
        tasks, [event] = held(one)
        assert not tasks
        assert event["appointmentStatus"] == ("showed" if state["finishFlag"] else "confirmed")
        assert (event["address"] or None) == state["address"] if "address" in event else state["address"] is None


@given(states=STATES, fates=st.lists(st.lists(FATES, max_size=4), min_size=4, max_size=4), switch=st.booleans())
def test_no_fate_of_a_create_makes_a_second_one(
    states: list[dict[str, Any]], fates: list[list[Fate]], switch: bool
) -> None:
    """Whatever is lost on the way, and even if the calendar is configured, or removed, while a write is in doubt."""
    one, plan = follower(), Planner()
    for number, (state, some) in enumerate(zip(states, fates, strict=False)):
        plan.state = {"id": 5, **state}
        plan.rules = WITHOUT if switch and number % 2 == 0 else WITH
        for fate in some:
            one.step(plan, fate)
    one.settle(plan)
    tasks, events = held(one)
    assert len(tasks) + len(events) == 1
    plan.state = None
    one.settle(plan)
    assert held(one) == ([], [])


def test_one_in_doubt_is_looked_for_by_the_calendar_and_time_of_its_create() -> None:
    """Though it has been moved in Lofty since."""
    one, plan = follower(), Planner()
    created = plan(None, 0)
    assert isinstance(created, Call)
    assert created.fields is not None
    identifiers = {"calendarId": "cal", "startTime": "2027-01-15T08:00:00Z"}
    one.record("intended", fields=dict(created.fields), identifiers=identifiers)
    plan.state = {**STATE, "deadline": BEGIN + 86_400_000}
    look = plan(one.link, 0)
    assert isinstance(look, Call)
    assert (look.step, look.body, look.marker) == ("find appointment", identifiers, "[lofty-appointment:5]")


def test_what_is_a_task_already_stays_one_when_a_calendar_is_configured() -> None:
    """It follows Lofty as a task; if it is deleted in Lofty it goes, and if it comes back it goes into the calendar."""
    one, plan = follower(), Planner(rules=WITHOUT)
    one.settle(plan)
    plan.rules = WITH
    assert isinstance(plan(one.link, 0), Settled)
    plan.state = {**STATE, "content": "See it again"}
    one.settle(plan)
    plan.state = None
    one.settle(plan)
    assert one.ghl.sent == ["create task", "update task", "delete task"]
    plan.state = STATE
    one.settle(plan)
    tasks, events = held(one)
    assert (len(tasks), len(events)) == (0, 1)


def test_what_stands_in_a_calendar_stays_there_when_none_is_configured_any_more() -> None:
    """It is neither booked again as a task nor cancelled."""
    one, plan = follower(), Planner()
    one.settle(plan)
    plan.rules = WITHOUT
    assert isinstance(plan(one.link, 0), Settled)
    plan.state = {**STATE, "deadline": BEGIN + 3_600_000}
    one.settle(plan)
    tasks, [event] = held(one)
    assert (tasks, event["startTime"], event["endTime"], event["calendarId"]) == (
        [],
        "2027-01-15T09:00:00Z",
        "2027-01-15T09:30:00Z",
        "cal",
    )


def test_another_calendar_takes_those_that_stand_in_one() -> None:
    """By an update: no second one."""
    one, plan = follower(), Planner()
    one.settle(plan)
    plan.rules = Rules(MAPPING, "US", calendar="other")
    one.settle(plan)
    _, [event] = held(one)
    assert (event["calendarId"], one.ghl.sent) == ("other", ["create appointment", "update appointment"])


def test_with_a_contact_that_was_made_again_it_is_made_again_in_the_form_of_today() -> None:
    """What it was went with the contact."""
    one, plan = follower(), Planner(rules=WITHOUT)
    one.settle(plan)
    one.ghl.contacts = {"new": Contact()}
    plan.contact, plan.rules = LinkRow(ghl_id="new"), WITH
    one.settle(plan)
    tasks, events = held(one, "new")
    assert (len(tasks), len(events)) == (0, 1)


def test_one_without_a_time_is_a_task() -> None:
    """A calendar has no place for it."""
    one = follower()
    assert not isinstance(one.settle(Planner({"id": 5, "content": "some day"})), Stuck)
    assert one.ghl.sent == ["create task"]


@pytest.mark.parametrize("state", [None, STATE, {**STATE, "deadline": None}])
@pytest.mark.parametrize(
    ("fields", "step"), [({"startTime": "h"}, "delete appointment"), ({"dueDate": "h"}, "delete task")]
)
def test_what_is_on_a_contact_that_its_lead_has_left_is_deleted_in_the_form_that_it_has(
    state: dict[str, Any] | None, fields: dict[str, str], step: str
) -> None:
    """As another form GHL would not find it, which counts as deleted, and it would stay on another person's contact."""
    planner = Planner(state)
    planner.contact = LinkRow(ghl_id="new", parted_from="old")
    plan = planner(LinkRow(ghl_id="e", refers_to="old", fields=fields), 0)
    assert isinstance(plan, Call)
    assert (plan.step, plan.contact_id, plan.ghl_id) == (step, "old", "e")


@pytest.mark.parametrize(
    ("fields", "step"), [({"startTime": "h"}, "delete appointment"), ({"dueDate": "h"}, "delete task")]
)
def test_what_was_left_and_moved_to_another_lead_is_deleted_in_the_form_that_it_has(
    fields: dict[str, str], step: str
) -> None:
    """Its lead was merged after it had left the contact, and has none any longer."""
    planner = Planner(None)
    planner.contact = LinkRow(parted_from="old", settled="s", is_gone=True)
    plan = planner(LinkRow(ghl_id="e", refers_to="old", fields=fields), 0)
    assert isinstance(plan, Call)
    assert (plan.step, plan.ghl_id) == (step, "e")
