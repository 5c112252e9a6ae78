"""A sweep sees every lead that is there throughout, however the list moves beneath it, and whatever ends its worker."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core import sweep
from streams.core.rows import SweepRow, SweptRow
from streams.core.sweep import (
    OVERLAP_MS,
    Listed,
    Schedule,
    connects,
    finish,
    go_back,
    go_on,
    is_suspicious,
    listed,
    must_read,
    next_run,
    start_sweep,
)
from streams.messages import Entity

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR


def one(number: int, created_ms: int | None = None) -> Listed:
    """A lead on a page."""
    return Listed(Entity.contact("c", str(number)), 1, created_ms, "f", {})


@given(
    leads=st.integers(0, 30),
    page=st.integers(2, 6),
    between=st.lists(
        st.lists(st.tuples(st.sampled_from(["delete", "create"]), st.integers(0, 40)), max_size=4), max_size=20
    ),
    restarts=st.sets(st.integers(0, 20)),
    tells_total=st.booleans(),
)
def test_every_lead_that_stays_is_seen(
    leads: int, page: int, between: list[list[tuple[str, int]]], restarts: set[int], *, tells_total: bool
) -> None:
    """Leads come and go between two pages; a restart reads a page again."""
    before, sweep.PAGE = sweep.PAGE, page
    try:
        there, next_id, stayed = list(range(leads)), leads, set(range(leads))
        row = start_sweep(SweepRow(), "full", 7)
        swept: dict[int, SweptRow] = {}
        for number in range(400):
            found = there[row.offset : row.offset + page]
            known = [swept.get(lead) for lead in found]
            if not connects(row, known):
                row = go_back(row)
                continue
            swept |= {lead: SweptRow(run_ms=row.started_ms) for lead in found}
            if number not in restarts:
                row = go_on(row, [one(lead) for lead in found], len(there) if tells_total else None, 0)
            if row.is_listed:
                break
            for what, which in between[number] if number < len(between) else []:
                if what == "create":
                    there.append(next_id)
                    next_id += 1
                elif there:
                    stayed.discard(there.pop(which % len(there)))
        assert row.is_listed
        assert stayed <= swept.keys()
    finally:
        sweep.PAGE = before


def test_a_sweep_of_new_leads_ends_an_hour_before_the_last_one_began() -> None:
    """It need not read further."""
    row = start_sweep(SweepRow(new_ended_ms=10 * HOUR), "new", 20 * HOUR)
    page = [one(number, 12 * HOUR) for number in range(sweep.PAGE)]
    assert not go_on(row, page, 1000, 0).is_listed
    assert go_on(row, [*page[1:], one(7, 10 * HOUR - OVERLAP_MS - 1)], 1000, 0).is_listed


@pytest.mark.parametrize(
    ("row", "now_ms", "kind"),
    [
        (SweepRow(new_ended_ms=DAY, full_ended_ms=DAY), DAY, None),
        (SweepRow(new_ended_ms=DAY, full_ended_ms=DAY), DAY + HOUR, "new"),
        (SweepRow(new_ended_ms=DAY, full_ended_ms=DAY), 2 * DAY, "full"),
        (SweepRow(new_ended_ms=DAY, full_ended_ms=DAY, ordered="a", served=""), DAY, "backfill"),
        (SweepRow(new_ended_ms=DAY, full_ended_ms=DAY, ordered="a", served="a"), DAY, None),
    ],
)
def test_what_is_due(row: SweepRow, now_ms: int, kind: str | None) -> None:
    """An order first, then the full sweep, which finds new leads, too."""
    schedule = Schedule(HOUR, DAY)
    found, wait_ms = next_run(row, schedule, now_ms)
    assert found == kind
    assert wait_ms == (HOUR if kind is None else 0)


def test_never_is_never() -> None:
    """Without a schedule only an order is carried out."""
    assert next_run(SweepRow(), Schedule(None, None), 10 * DAY)[0] is None
    assert next_run(SweepRow(ordered="a"), Schedule(None, None), 10 * DAY)[0] == "backfill"


def test_the_end_of_a_run_is_reckoned_from_its_begin() -> None:
    """What was created while it ran may have been missed by it."""
    row = start_sweep(SweepRow(ordered="a"), "backfill", 5 * HOUR)
    after = finish(row, 0, 5 * HOUR)
    assert (after.kind, after.new_ended_ms, after.full_ended_ms, after.served) == (None, 5 * HOUR, 5 * HOUR, "a")
    assert finish(start_sweep(after, "new", 6 * HOUR), 0, 7 * HOUR).full_ended_ms == 5 * HOUR


def lead(**facts: Any) -> Listed:
    """A lead as Lofty lists it."""
    return listed(Entity.contact("c", "7"), {"leadId": 7, "lastUpdateTime": "2026-04-30T17:33:32GMT", **facts})


def test_what_differs_is_read_and_what_does_not_is_not() -> None:
    """By Lofty's time, and by content, since not every edit moves the time; a backfill reads everything."""
    known = SweptRow(run_ms=1, updated_ms=lead().updated_ms, fingerprint=lead().fingerprint)
    assert not must_read("full", known, lead())
    assert must_read("full", known, lead(tags=["x"]))
    assert must_read("full", known, lead(lastUpdateTime="2026-04-30T17:33:33GMT"))
    assert must_read("full", None, lead())
    assert must_read("backfill", known, lead())


@pytest.mark.parametrize(
    ("missing", "known", "is_so"), [(20, 20, False), (21, 100, True), (21, 105, False), (500, 600, True)]
)
def test_a_team_does_not_vanish(missing: int, known: int, is_so: bool) -> None:
    """A few leads may; a fifth of all is rather our access."""
    assert is_suspicious(missing, known) is is_so


def test_the_moment_at_which_the_first_runs_were_put_off_is_the_end_of_none() -> None:
    """A run that ended since is; and in a row of an older release, which does not say, what it has counts."""
    first = SweepRow(new_ended_ms=DAY, full_ended_ms=DAY, scheduled_ms=DAY)
    assert (first.new_read_ms, first.full_read_ms) == (0, 0)
    after = finish(start_sweep(first, "new", DAY + HOUR), 0, 2 * DAY)
    assert (after.new_read_ms, after.full_read_ms) == (DAY + HOUR, 0)
    after = finish(start_sweep(after, "full", 2 * DAY), 0, 3 * DAY)
    assert (after.new_read_ms, after.full_read_ms) == (2 * DAY, 2 * DAY)
    old = first.model_copy(update={"scheduled_ms": 0})
    assert (old.new_read_ms, old.full_read_ms) == (DAY, DAY)
