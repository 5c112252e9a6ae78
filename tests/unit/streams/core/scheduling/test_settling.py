"""Edits wait for their burst to end only while requests are short, never long, and never what is new."""

from __future__ import annotations

from random import Random

import pytest

from streams.core.rows import FetchRow
from streams.core.scheduling.settling import (
    FREE_PRESSURE,
    FULL_PRESSURE,
    MOST_LANES,
    MOST_QUIETS,
    QUIET_SECONDS,
    Mode,
    Settling,
    may_settle,
    quiet_seconds,
)
from streams.messages import Entity

PLACES = ("lofty a", "ghl a")
LIMITS = {"lofty a": 500 / 60, "ghl a": 10.0}
TIGHT = {"lofty a": 0.001}
MOST = MOST_QUIETS * QUIET_SECONDS


LEAD = Entity.contact("a", "1")
NOTE = {"kind": "note", "id": "9"}


def in_a_burst(now: float, mode: Mode = "always") -> Settling:
    """The first change of a lead was read, and another one has come."""
    settling = Settling(mode)
    settling.changed(LEAD, PLACES, now)
    settling.begin_read(LEAD)
    settling.changed(LEAD, PLACES, now)
    return settling


def lead(number: int) -> Entity:
    return Entity.contact("a", str(number))


def row(lead: str = "1", **other: object) -> FetchRow:
    facts: dict[str, object] = {
        "connection": "a",
        "lead": lead,
        "kind": "contact",
        "id": lead,
        "operation": "updated",
        "newest_update_ms": 1,
        "oldest_update_ms": 1,
        "accepted_ms": 1,
        "origin": "webhook",
    }
    return FetchRow.model_validate(facts | other)


def test_the_quiet_time_grows_with_the_pressure_to_a_bound() -> None:
    """Nothing while requests are plentiful, then ever more, at most eight seconds; twenty-four for a burst are under half of the objective."""
    assert [quiet_seconds(p, "adaptive") for p in (0.0, FREE_PRESSURE)] == [0.0, 0.0]
    between = [quiet_seconds(FREE_PRESSURE + step * 0.03, "adaptive") for step in range(1, 10)]
    assert between == sorted(between)
    assert between[0] > 0
    assert between[-1] < QUIET_SECONDS
    assert [quiet_seconds(p, "adaptive") for p in (FULL_PRESSURE, 1.0, 40.0)] == [QUIET_SECONDS] * 3
    assert MOST <= 30.0


def test_what_changed_of_one_list_is_known_until_it_is_taken() -> None:
    """Notes are in one list, tasks and appointments in another, and the lead itself in none of them."""
    settling = Settling()
    for kind, id_ in (
        ("contact", "1"),
        ("note", "5"),
        ("note", "6"),
        ("task", "7"),
        ("appointment", "8"),
        ("note", "5"),
    ):
        settling.changed(Entity("a", "1", kind, id_), PLACES, 0.0)  # type: ignore[arg-type]  # a loop's words
    settling.changed(Entity("a", "2", "note", "9"), PLACES, 0.0)
    assert settling.take_gathered(Entity("a", "1", "note", "6")) == {"a:1:note:5", "a:1:note:6"}
    assert settling.take_gathered(Entity("a", "1", "note", "5")) == set()
    assert settling.take_gathered(Entity("a", "1", "task", "7")) == {"a:1:task:7", "a:1:appointment:8"}


@pytest.mark.parametrize(
    ("other", "settles"),
    [
        ({}, True),
        ({"operation": "created"}, False),
        ({"operation": "deleted"}, False),
        ({"kind": "note", "id": "7", "operation": "created"}, True),
        ({"kind": "task", "id": "7", "operation": "deleted"}, True),
        ({"origin": "sweep"}, False),
        ({"origin": "backfill"}, False),
        ({"origin": "replay"}, False),
        ({"origin": "dependency"}, False),
        ({"attempts": 1}, False),
        ({"confirms": True}, False),
        ({"only_moved": True}, False),
    ],
)
def test_only_edits_that_webhooks_report_settle(other: dict[str, object], settles: bool) -> None:
    """What is new, what is deleted, what failed before, and what somebody asked for is read at once."""
    assert may_settle(row(**other)) is settles
    settling = in_a_burst(100.0)
    assert (settling.wait_seconds(row(**other), LIMITS, 0.0, 100.0) > 0) is settles


def test_the_first_change_of_a_lead_is_read_at_once_as_it_may_be_an_opt_out() -> None:
    """Also where a note of it waits. What follows within a burst waits, and what comes long after it is the first again."""
    settling = Settling("always")
    settling.changed(Entity("a", "1", "note", "9"), PLACES, 0.0)
    settling.changed(LEAD, PLACES, 1.0)
    assert settling.wait_seconds(row(**NOTE), LIMITS, 1.0, 1.0) > 0
    assert settling.wait_seconds(row(), LIMITS, 0.0, 1.0) == 0.0
    assert settling.wait_seconds(row(), LIMITS, 0.0, 1.0) == 0.0, "to ask changes nothing"
    settling.begin_read(LEAD)
    settling.changed(LEAD, PLACES, 2.0)
    assert settling.wait_seconds(row(), LIMITS, 0.0, 2.0) == QUIET_SECONDS
    settling.changed(LEAD, PLACES, 3.0 + QUIET_SECONDS)
    assert settling.wait_seconds(row(), LIMITS, 0.0, 3.0 + QUIET_SECONDS) == 0.0


def test_while_requests_are_plentiful_nothing_waits() -> None:
    """An edit every two seconds, all of one lead, is nothing that Lofty or GHL would notice."""
    settling = Settling()
    for second in range(0, 3600, 2):
        settling.changed(LEAD, PLACES, float(second))
        assert settling.wait_seconds(row(), LIMITS, 0.0, float(second)) == 0.0
        settling.begin_read(LEAD)


def test_a_location_whose_limit_is_near_makes_its_edits_settle() -> None:
    """The scarcer of the two sides decides."""
    settling = Settling()
    for step in range(2000):
        settling.changed(lead(1000 + step), PLACES, step * 0.25)
    settling.changed(LEAD, PLACES, 500.0)
    assert settling.wait_seconds(row(**NOTE), {"lofty a": 500.0, "ghl a": 4.5}, 0.0, 500.0) > 0
    assert settling.pressure({"lofty a": 4.0}, 500.0) == pytest.approx(1.0, abs=0.05)
    assert settling.pressure({"lofty a": 4.0}, 2000.0) < 0.01, "what is long ago says nothing of now"


def test_a_burst_is_read_once_it_is_quiet_or_has_lasted_long_enough() -> None:
    """The lead's notes and tasks are of its burst, too."""
    settling = in_a_burst(0.0)
    assert settling.wait_seconds(row(), LIMITS, 0.0, 0.0) == QUIET_SECONDS
    settling.changed(LEAD, PLACES, 5.0)
    assert settling.wait_seconds(row(), LIMITS, 8.0, 8.0) == 5.0
    assert settling.wait_seconds(row(**NOTE), LIMITS, 3.0, 8.0) == 5.0
    assert settling.wait_seconds(row(), LIMITS, 13.0, 13.0) == 0.0
    settling.begin_read(LEAD)
    assert settling.wait_seconds(row(**NOTE), LIMITS, 8.0, 13.0) == 0.0, "what hangs on it goes with it"
    for second in range(13, 60):
        settling.changed(LEAD, PLACES, float(second))
    assert settling.wait_seconds(row(), LIMITS, 0.0, 13.0 + MOST - 1) == 1.0
    assert settling.wait_seconds(row(), LIMITS, 0.0, 13.0 + MOST) == 0.0


@pytest.mark.parametrize("other", [{}, NOTE])
def test_no_change_ever_waits_longer_than_the_bound(other: dict[str, object]) -> None:
    """However edits come, and whatever the clocks of gateway and worker say of when a change was accepted."""
    random = Random(11)
    for _ in range(300):
        settling, now, skew = in_a_burst(0.0), 0.0, random.choice([0.0, -3600.0, 3600.0, 2.0])
        while (wait := settling.wait_seconds(row(**other), LIMITS, now + skew, now)) > 0:
            until = now + wait
            while (now := now + random.expovariate(1.0)) < until:
                settling.changed(LEAD, PLACES, now)
            now = until
        assert now <= MOST


def test_a_read_that_never_came_is_not_waited_for() -> None:
    """A burst that nobody asked about again does not make later edits wait."""
    settling = in_a_burst(0.0)
    settling.changed(LEAD, PLACES, 5000.0)
    assert settling.wait_seconds(row(), LIMITS, 0.0, 5000.0) == 0.0


def test_off_means_never_and_memory_is_bounded() -> None:
    """What is forgotten is read at once; what changed last is forgotten last."""
    off = in_a_burst(0.0, "off")
    assert not off.is_on
    assert off.wait_seconds(row(**NOTE), TIGHT, 0.0, 0.0) == 0.0
    settling = Settling("always")
    for number in range(MOST_LANES):
        settling.changed(lead(number), PLACES, 0.0)
    settling.changed(lead(0), PLACES, 0.0)
    settling.changed(lead(MOST_LANES), PLACES, 0.0)
    waits = [settling.wait_seconds(row(str(number), **NOTE), LIMITS, 0.0, 0.0) > 0 for number in (0, 1, 2)]
    assert waits == [True, False, True]
