"""A full sweep reads what hangs on active leads, and of quiet ones on a share each night; nothing of it is lost with a worker."""

from __future__ import annotations

import pytest

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.core.rows import SweepRow, SweptRow
from streams.core.sweep import Schedule
from streams.messages import Change, Entity
from streams.worker.dispatch.active_leads import ActiveLeads
from tests.unit.streams.worker.dispatch.stage import PARTITION
from tests.unit.streams.worker.dispatch.test_sweeper import CHANGES, TEAM, Sweeping

DAY_MS = 24 * 3_600_000
LEADS = 240
PAGES = 3


class Nights(Sweeping):
    """A team of quiet leads with a note each, carried by a backfill; then a full sweep each night."""

    def __init__(self, quiet_days: float = 7, leads: int = LEADS) -> None:
        schedule = Schedule(None, DAY_MS, children=True, quiet_ms=round(quiet_days * DAY_MS))
        super().__init__(schedule)
        self.ids = [self.lead(f"Lead{number}") for number in range(leads)]
        self.notes = {lead: self.note(lead, "as ever") for lead in self.ids}
        self.active = ActiveLeads(self.sweeper.teams, self.schedules, self.swept)

    async def backfill(self) -> None:
        """All leads are carried."""
        row = SweepRow(full_ended_ms=self.now_ms, new_ended_ms=self.now_ms, ordered="first")
        self.sweeps.put(PARTITION, "acme", row)
        await self.run(most=10 * len(self.ids))
        assert self.is_served

    async def night(self) -> int:
        """The sweep of the next night; returns its requests."""
        row = self.row
        self.now_ms = max(self.now_ms, row.full_ended_ms + DAY_MS)
        before = self.requests
        await self.run(most=10 * len(self.ids))
        assert self.row.full_ended_ms > row.full_ended_ms
        return self.requests - before

    @property
    def row(self) -> SweepRow:
        """How the sweep is."""
        row = self.sweeps.get(PARTITION, "acme")
        assert row is not None
        return row

    def swept_row(self, lead: str) -> SweptRow:
        """What is known of a lead."""
        row = self.swept.get(PARTITION, Entity.contact("acme", lead).key)
        assert row is not None
        return row

    def edit_silently(self, edit: str, kind: str, of: str, **fields: str) -> None:
        """An edit of which no webhook comes."""
        what = {"edit": edit, "kind": kind, "id": of, "fields": fields}
        desk_work.edit(self.lofty, desk_work.team_of(self.lofty, TEAM), what, reports=False)

    def found(self) -> set[tuple[str, str]]:
        """What was announced after the backfill."""
        changes = [Change.from_bytes(one.value) for one in self.log.records[CHANGES]]
        return {(one.id, one.operation) for one in changes if one.origin == "sweep"}


async def test_quiet_nights_cost_a_third_of_a_request_a_lead_and_six_of_them_look_at_all() -> None:
    """Two requests for each sixth lead, and the pages."""
    on = Nights()
    await on.backfill()
    begun = on.row.started_ms
    assert on.row.oldest_look_ms == begun
    nights = [await on.night() for _ in range(6)]
    assert max(nights) < 0.5 * LEADS
    assert sum(nights) == 2 * LEADS + 6 * PAGES
    assert begun < min(on.swept_row(lead).children_ms for lead in on.ids) == on.row.oldest_look_ms
    assert on.row.started_ms - on.row.oldest_look_ms < 6 * DAY_MS
    assert (on.row.full_leads, 2 * on.row.full_looks + PAGES) == (LEADS, nights[-1])
    assert on.found() == set()


async def test_without_rotation_each_night_looks_at_all() -> None:
    """`quiet_days = 0`."""
    on = Nights(quiet_days=0)
    await on.backfill()
    assert [await on.night() for _ in range(2)] == [2 * LEADS + PAGES] * 2
    assert on.row.oldest_look_ms == on.row.started_ms


@pytest.mark.parametrize("how", ["an edit of the lead", "a webhook or a write"])
async def test_a_lead_to_which_something_happened_is_looked_at_the_same_night_and_is_quiet_again_then(how: str) -> None:
    """And so a note is found that was deleted without a webhook."""
    on = Nights()
    await on.backfill()
    active = on.ids[:30]
    for lead in active:
        on.edit_silently("delete", "note", on.notes[lead])
        if how == "an edit of the lead":
            on.edit_silently("update", "lead", lead, lastName="Lovelace")
        else:
            on.active.touched(f"acme:{lead}")
    await on.night()
    assert {on.swept_row(lead).children_ms for lead in active} == {on.row.started_ms}
    assert not any(on.swept_row(lead).is_active for lead in active)
    assert {(on.notes[lead], "deleted") for lead in active} <= on.found()
    await on.night()
    assert on.row.full_looks < 0.5 * LEADS


async def test_a_note_of_a_quiet_lead_that_was_deleted_without_a_webhook_is_found_within_the_week() -> None:
    """In the night of its lead's turn."""
    on = Nights()
    await on.backfill()
    on.edit_silently("delete", "note", on.notes[on.ids[7]])
    for _ in range(6):
        await on.night()
    assert on.found() == {(on.notes[on.ids[7]], "deleted")}


@pytest.mark.parametrize("turns", [1, 2, 7, 40, 41, 90, 200])
async def test_a_worker_that_goes_on_for_another_looks_at_what_was_due_and_at_nothing_twice(turns: int) -> None:
    """Wherever the other one ended: also leads that it had listed as changed, and not yet looked at."""
    on = Nights()
    await on.backfill()
    for lead in on.ids[::3]:
        on.edit_silently("update", "lead", lead, lastName="Lovelace")
    on.now_ms += DAY_MS
    before = on.requests
    await on.run(most=turns)
    on.sweeper.acquire("acme")
    await on.run()
    assert {on.swept_row(lead).children_ms for lead in on.ids[::3]} == {on.row.started_ms}
    looked = [lead for lead in on.ids if on.swept_row(lead).children_ms == on.row.started_ms]
    assert len(looked) < 0.7 * LEADS
    assert on.requests - before <= 2 * len(looked) + PAGES + 3


async def test_a_list_that_cannot_be_read_is_tried_again_each_night() -> None:
    """Its lead stays due; the others take their turns."""
    on = Nights()
    on.bad = {f"note of {on.ids[5]}": "deep"}
    on.edit_silently("update", "note", on.notes[on.ids[5]], content=f"note of {on.ids[5]}")
    await on.backfill()
    await on.night()
    await on.night()
    assert [one.source for one in on.parked] == [f"list-notes of {on.ids[5]}"] * 3
    assert on.swept_row(on.ids[5]).children_ms == 0
    assert on.row.oldest_look_ms > 0


async def test_what_is_touched_is_noted_once_and_only_where_there_is_a_rotation() -> None:
    """A lead that no sweep has seen has no row to note it in, and is looked at anyway."""
    on = Nights()
    key = Entity.contact("acme", on.ids[0]).key
    on.active.touched(f"acme:{on.ids[0]}")
    assert on.swept.get(PARTITION, key) is None
    on.swept.put(PARTITION, key, SweptRow(run_ms=1, children_ms=1))
    on.active.touched(f"acme:{on.ids[0]}")
    assert on.swept_row(on.ids[0]) == SweptRow(run_ms=1, children_ms=1, is_active=True)
    without = Nights(quiet_days=0)
    without.swept.put(PARTITION, key, SweptRow(run_ms=1, children_ms=1))
    without.active.touched(f"acme:{on.ids[0]}")
    assert without.swept.get(PARTITION, key) == SweptRow(run_ms=1, children_ms=1)
