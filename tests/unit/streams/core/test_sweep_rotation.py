"""What hangs on a quiet lead is looked at as often as is promised, and on any night only an even share of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rows import SweepKind, SweptRow
from streams.core.sweep import Listed, Schedule
from streams.core.sweep_rotation import interval_ms, is_active, must_read_children, promised_ms, seen_row
from streams.messages import Entity

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR
WEEKLY = Schedule(None, DAY, children=True, quiet_ms=7 * DAY)
BEGIN = 1_700_000_000_000


def listed(lead: str, content: str = "as ever", updated_ms: int = 1) -> Listed:
    """A lead on a page."""
    return Listed(Entity.contact("c", lead), updated_ms, None, content, {})


def quiet(lead: str, read_ms: int) -> SweptRow:
    """What is known of a lead to which nothing happens."""
    return SweptRow(run_ms=read_ms, updated_ms=1, fingerprint="as ever", children_ms=read_ms)


@pytest.mark.parametrize(
    ("quiet_days", "full_hours", "sweeps"),
    [(7, 24, 6), (14, 24, 13), (3, 24, 2), (2, 24, 0), (1, 24, 0), (0.1, 24, 0), (0, 24, 0), (7, 12, 13), (30, 168, 4)],
)
def test_the_moments_of_a_quiet_lead_are_whole_sweeps_apart(quiet_days: float, full_hours: float, sweeps: int) -> None:
    """One fewer than fit into the promise; 0: each sweep looks at all."""
    full_ms = round(full_hours * HOUR)
    found = interval_ms(Schedule(None, full_ms, quiet_ms=round(quiet_days * DAY)))
    assert found == sweeps * full_ms


def test_without_full_sweeps_nothing_is_promised_and_nothing_rotates() -> None:
    """Then only a backfill looks, and looks at all."""
    never = Schedule(None, None, quiet_ms=7 * DAY)
    assert (interval_ms(never), promised_ms(never)) == (0, None)
    assert promised_ms(Schedule(None, DAY, children=False)) is None
    assert [promised_ms(one) for one in (Schedule(None, DAY), WEEKLY)] == [DAY, 7 * DAY]


@given(
    leads=st.lists(st.integers(1, 10**15), min_size=1, max_size=20, unique=True),
    quiet_days=st.floats(0, 30),
    full_hours=st.sampled_from([6, 12, 24, 36]),
    late=st.lists(st.floats(0, 1), min_size=80, max_size=80),
)
def test_a_quiet_lead_is_never_looked_at_less_often_than_is_promised(
    leads: list[int], quiet_days: float, full_hours: int, late: list[float]
) -> None:
    """Also where sweeps begin late, by a quarter of an interval in all between two looks."""
    schedule = Schedule(None, full_hours * HOUR, quiet_ms=round(quiet_days * DAY))
    assert schedule.full_ms
    promised, interval = promised_ms(schedule), interval_ms(schedule)
    assert promised
    in_between = max(1, interval // schedule.full_ms)
    most_late = schedule.full_ms // 4 if in_between > 1 else 0
    rows = {lead: quiet(str(lead), BEGIN) for lead in leads}
    now_ms = BEGIN
    for part in late:
        now_ms += schedule.full_ms + int(part * most_late / in_between)
        for lead, row in rows.items():
            if must_read_children("full", row, listed(str(lead)), now_ms, schedule):
                assert now_ms - row.children_ms <= promised
                rows[lead] = quiet(str(lead), now_ms)
            assert now_ms + schedule.full_ms - rows[lead].children_ms <= promised + schedule.full_ms


def test_each_night_has_an_even_share_though_all_were_read_at_once() -> None:
    """After a backfill, from the first night on: a sixth, and each lead once in six nights."""
    rows = {lead: quiet(str(lead), BEGIN) for lead in range(6000)}
    nights = []
    for night in range(1, 19):
        now_ms = BEGIN + night * DAY
        due = [lead for lead, row in rows.items() if must_read_children("full", row, listed(str(lead)), now_ms, WEEKLY)]
        rows |= {lead: quiet(str(lead), now_ms) for lead in due}
        nights.append(len(due))
    assert min(nights) > 880
    assert max(nights) < 1120
    assert [sum(nights[first : first + 6]) for first in (0, 6, 12)] == [6000, 6000, 6000]


def test_a_night_that_is_missed_is_made_up_for_in_the_next_one() -> None:
    """By those whose turn it was, and no others."""
    rows = {lead: quiet(str(lead), BEGIN) for lead in range(3000)}

    def due(since: int, until: int) -> set[int]:
        nights = range(since, until)
        return {
            lead
            for lead, row in rows.items()
            for night in nights
            if must_read_children(
                "full", row.model_copy(update={"children_ms": BEGIN + night * DAY}), listed(str(lead)), BEGIN + (night + 1) * DAY, WEEKLY
            )
        }  # fmt: skip

    at_once = {
        lead
        for lead, row in rows.items()
        if must_read_children("full", row, listed(str(lead)), BEGIN + 2 * DAY, WEEKLY)
    }
    assert at_once == due(0, 2)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, listed("7")),
        (quiet("7", 0), listed("7")),
        (quiet("7", BEGIN), listed("7", content="touched")),
        (quiet("7", BEGIN), listed("7", updated_ms=2)),
        (quiet("7", BEGIN).model_copy(update={"is_active": True}), listed("7")),
    ],
    ids=["new", "never looked at", "other content", "other time", "a webhook or a write of ours"],
)
def test_an_active_lead_is_looked_at_each_time(before: SweptRow | None, now: Listed) -> None:
    """Whatever its turn is."""
    nights = [BEGIN + night * DAY for night in range(1, 7)]
    assert all(must_read_children("full", before, now, night, WEEKLY) for night in nights)


@pytest.mark.parametrize(("kind", "is_read"), [("backfill", True), ("new", False)])
def test_a_backfill_looks_at_all_and_a_sweep_of_new_leads_at_none(kind: SweepKind, *, is_read: bool) -> None:
    """Whatever is known."""
    for lead in range(100):
        assert must_read_children(kind, quiet("7", BEGIN), listed(str(lead)), BEGIN + HOUR, WEEKLY) is is_read
    without = Schedule(None, DAY, children=False, quiet_ms=7 * DAY)
    assert not must_read_children("backfill", None, listed("7"), BEGIN, without)


def test_what_a_run_has_looked_at_it_does_not_look_at_again() -> None:
    """A worker that goes on for another reads a page again."""
    row = quiet("7", BEGIN)
    assert not must_read_children("backfill", row, listed("7"), BEGIN, WEEKLY)
    assert not must_read_children("full", row, listed("7", content="touched"), BEGIN, Schedule(None, DAY))


def test_activity_that_a_sweep_of_new_leads_sees_is_remembered_until_a_look() -> None:
    """Its row then says how the lead is now; only the mark says that it was otherwise."""
    now = listed("7", content="touched")
    after = seen_row(quiet("7", BEGIN), now, BEGIN + HOUR)
    assert (after.children_ms, after.is_active, after.fingerprint) == (BEGIN, True, "touched")
    again = seen_row(after, now, BEGIN + 2 * HOUR)
    assert is_active(again, now)
    assert must_read_children("full", again, now, BEGIN + DAY, WEEKLY)


def test_rows_of_an_older_release_are_read_and_looked_at() -> None:
    """They say nothing of looks, so the first sweep looks at all, as that release did."""
    row = SweptRow.from_bytes(b'{"v":1,"run_ms":1700000000000,"updated_ms":1,"fingerprint":"as ever"}')
    assert (row.children_ms, row.is_active) == (0, False)
    assert must_read_children("full", row, listed("7"), BEGIN + DAY, WEEKLY)


def test_what_hangs_on_a_lead_has_no_look_of_its_own() -> None:
    """Its row is as it always was."""
    note = Listed(Entity("c", "7", "note", "5"), 1, None, "text", {})
    assert seen_row(None, note, BEGIN) == SweptRow(run_ms=BEGIN, updated_ms=1, fingerprint="text")
