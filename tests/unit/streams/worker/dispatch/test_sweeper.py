"""A page of the list that cannot be read is taken apart: its good leads are announced, and only what is bad is parked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import AnswerTooLarge
from connectors.http.request import Request, Response
from connectors.lofty.client import LoftyClient
from connectors.sandbox.lofty import LoftySandbox, LoftySandboxSettings, TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.shared.faults import parse_fault
from connectors.sandbox.shared.mangle import How, mangled
from streams.core.listed_states import ListedStates
from streams.core.progress.repeats import FAILS_EVERY_TIME, RepeatedFailures
from streams.core.rows import SweepRow, SweptRow
from streams.core.scheduling.dispatcher import Item, Verdict
from streams.core.scheduling.retry import Retry
from streams.core.sweep import Schedule
from streams.kafka.tables import MemoryStore, Table
from streams.messages import Change, Entity
from streams.messages.run import Run
from streams.worker.dispatch import sweep_lists
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.loop import DONE, DispatchLoop, DispatchWork, RequestSlot, WorkResult
from streams.worker.dispatch.sweep_changes import SweepChanges
from streams.worker.dispatch.sweep_children import SweepChildren
from streams.worker.dispatch.sweep_pages import SweepPages
from streams.worker.dispatch.sweep_parking import SweepParking
from streams.worker.dispatch.sweep_runs import SweepRuns
from streams.worker.dispatch.sweep_waits import SweepWaits
from streams.worker.dispatch.sweeper import TENANT, Sweeper
from tests.unit.streams.worker.dispatch.stage import PARTITION, Stage, TakenSlot

CHANGES, RUNS = "changes", "runs"
TEAM = 7


async def perform(_item: Item, _slot: RequestSlot) -> WorkResult:
    """Nothing: the test asks the sweeper itself."""
    return DONE


ONLY_ORDERS = Schedule(None, None, children=True)
PAIR = {"team_id": "1", "location_id": "L"}


class Sweeping(Stage):
    """A sweeper over Lofty's sandbox, without sockets. `bad` is what becomes of each answer in which a text stands."""

    def __init__(self, schedule: Schedule = ONLY_ORDERS) -> None:
        super().__init__()
        settings = LoftySandboxSettings(teams=(TeamSettings(TEAM, ("key",)),), window_limit=0)
        self.lofty = LoftySandbox(settings, now=lambda: self.now_ms / 1000)
        self.bad: dict[str, How] = {}
        self.requests = 0
        self.before_each: Callable[[], None] = lambda: None
        client = LoftyClient(self.carry, StaticAuth("token", "key"), base_url="https://x.test")
        self.sweeps: Table[SweepRow] = Table("sweeps", SweepRow, "sweeps", MemoryStore(), self.batching_producer)
        self.swept: Table[SweptRow] = Table("swept", SweptRow, "swept", MemoryStore(), self.batching_producer)
        self.counts: list[str] = []
        self.schedules = {"acme": schedule}
        self.listed = ListedStates()
        parking, failures = SweepParking(self.output), FailureJudge(self.pause)
        changes = SweepChanges(self.swept, self.output, CHANGES, 4)
        waits = SweepWaits(Retry(lambda: self.now_ms, lambda: 0.5).wait_seconds)

        def count(_connection: str, result: str) -> None:
            self.counts.append(result)

        self.sweeper = Sweeper(
            loop=DispatchLoop("read", DispatchWork(perform), lambda: self.now_ms / 1000),
            teams={"acme": LoftyTeam("acme", "key", PARTITION, PARTITION, client)},
            schedules=self.schedules,
            pairs={"acme": PAIR},
            sweeps=self.sweeps,
            changes=changes,
            pages=SweepPages(parking, failures, waits, count),
            children=SweepChildren(changes, parking, RepeatedFailures(), failures, waits),
            waits=waits,
            listed=self.listed,
            record_end=SweepRuns(self.output, RUNS, 4).ended,
            now_ms=lambda: self.now_ms,
            count=count,
        )
        row = SweepRow(full_ended_ms=1, new_ended_ms=1, ordered="first")
        self.sweeps.put(PARTITION, "acme", row)

    async def carry(self, request: Request) -> Response:
        """The transport: the sandbox's answer, or what it must not be."""
        self.requests += 1
        self.before_each()
        url = urlsplit(request.url)
        visit = self.lofty.arrive(request.method, url.path, url.query, dict(request.headers), request.body or b"")
        self.lofty.apply(visit)
        self.lofty.finish(visit, is_answered=True)
        body = visit.content
        for text, how in self.bad.items():
            if how in ("huge", "bomb") and text.encode() in body:
                raise AnswerTooLarge(request.method, request.url, visit.status, 1000)
            body, _ = mangled(body, how, text)
        return Response(visit.status, visit.headers, body)

    def lead(self, name: str) -> str:
        """A new lead; returns its id."""
        self.now_ms += 1000
        fields = {"firstName": "Ada", "lastName": name}
        what = {"edit": "create", "kind": "lead", "fields": fields}
        return str(desk_work.edit(self.lofty, desk_work.team_of(self.lofty, TEAM), what, reports=False).id)

    def note(self, lead: str, content: str) -> str:
        """A new note; returns its id."""
        what = {"edit": "create", "kind": "note", "leadId": lead, "fields": {"content": content}}
        return str(desk_work.edit(self.lofty, desk_work.team_of(self.lofty, TEAM), what, reports=False).id)

    async def run(self, most: int = 3000) -> int:
        """Sweep until the backfill has ended, at most for so many turns; returns how many seconds it waited."""
        key = f"{TENANT}:acme"
        waited = 0.0
        for _ in range(most):
            finish = await self.sweeper(Item(key, key, "key", TENANT), TakenSlot())
            waited += finish.wait_seconds
            self.now_ms += round(finish.wait_seconds * 1000) + 10
            if finish.verdict is Verdict.DONE:
                break
        self.sweeper.release("acme")
        return round(waited)

    @property
    def is_served(self) -> bool:
        """Whether the backfill has ended."""
        row = self.sweeps.get(PARTITION, "acme")
        return row is not None and row.served == "first"

    def announced(self, kind: str = "contact") -> set[str]:
        """The ids that were announced."""
        changes = [Change.from_bytes(one.value) for one in self.log.records[CHANGES]]
        return {one.id for one in changes if one.kind == kind}


@pytest.mark.parametrize("how", ["deep", "html", "cut", "huge"])
@pytest.mark.parametrize("bad_at", [{7}, {0}, {19}, {0, 1, 2}, {3, 18, 19}, {9, 10, 11}])
async def test_the_good_leads_of_a_page_are_announced_and_the_bad_ones_parked(how: How, bad_at: set[int]) -> None:
    """Wherever they are in the page; with few more requests, and without a long wait."""
    on = Sweeping()
    ids = [on.lead("Badger" if number in bad_at else f"Good{number}") for number in range(20)]
    on.bad = {"Badger": how}
    waited = await on.run()
    assert on.is_served
    assert on.announced() == {one for number, one in enumerate(ids) if number not in bad_at}
    assert [one.source for one in on.parked] == [f"list-leads@{number}" for number in sorted(bad_at)]
    assert {one.stage for one in on.parked} == {"sweep"}
    assert waited < 10


@pytest.mark.parametrize("bad_at", [{50}, {99}, {100}, {98, 99, 100}, {0, 120, 229}, {198}])
async def test_several_pages_meet_over_a_bad_lead(bad_at: set[int]) -> None:
    """Also where two pages meet: each good lead is announced, and the run ends."""
    on = Sweeping()
    ids = [on.lead("Badger" if number in bad_at else f"Good{number}") for number in range(230)]
    on.bad = {"Badger": "deep"}
    await on.run()
    assert on.is_served
    assert on.announced() == {one for number, one in enumerate(ids) if number not in bad_at}
    assert {one.source for one in on.parked} == {f"list-leads@{number}" for number in bad_at}


async def test_several_kinds_of_bad_leads_in_one_page() -> None:
    """Half an emoji needs no parking; what is too large and what is nested deep does."""
    on = Sweeping()
    names = {3: "Emoji", 5: "Picture", 8: "Nested"}
    ids = [on.lead(names.get(number, f"Good{number}")) for number in range(20)]
    on.bad = {"Emoji": "surrogate", "Picture": "huge", "Nested": "deep"}
    await on.run()
    assert on.is_served
    assert on.announced() == {one for number, one in enumerate(ids) if number not in (5, 8)}
    assert [one.reason for one in on.parked] == ["answer too large", "malformed answer"]


async def test_a_list_that_cannot_be_read_at_all_parks_nothing() -> None:
    """It is the vendor, not a lead: it is tried ever more rarely, and all are announced when it is over."""
    on = Sweeping()
    ids = {on.lead(f"Good{number}") for number in range(30)}
    on.bad = {"": "html"}
    waited = await on.run(most=200)
    assert (on.is_served, on.parked, on.announced()) == (False, [], set())
    assert on.requests <= 200
    assert waited > 600
    on.bad = {}
    await on.run()
    assert on.is_served
    assert on.announced() == ids


async def test_a_list_of_notes_that_cannot_be_read_is_parked_after_all_others_were() -> None:
    """The page is not held up by it, and its leads and other notes are announced."""
    on = Sweeping()
    ids = [on.lead(f"Good{number}") for number in range(10)]
    notes = {on.note(one, "fine") for one in ids[1:]}
    on.note(ids[0], "Badger")
    on.bad = {"Badger": "deep"}
    await on.run()
    assert on.is_served
    assert on.announced() == set(ids)
    assert on.announced("note") == notes
    assert [(one.source, one.reason) for one in on.parked] == [(f"list-notes of {ids[0]}", "malformed answer")]


async def test_an_outage_in_the_middle_of_a_page_parks_no_list() -> None:
    """Lists of notes that cannot be read for ten minutes, all of them: they are read afterwards."""
    on = Sweeping()
    ids = [on.lead(f"Good{number}") for number in range(10)]
    notes = {on.note(one, "fine") for one in ids}
    begin = on.now_ms

    def outage() -> None:
        is_down = on.requests > 3 and on.now_ms < begin + 600_000
        on.bad = {"": "html"} if is_down else {}

    on.before_each = outage
    await on.run()
    assert on.is_served
    assert on.announced("note") == notes
    assert on.parked == []


@pytest.mark.parametrize(
    "odd", [b'"a:b"', b"null", b'""', b"{}", b'"x\\ny"', b"true", b'"abc"', b"-1", b"1.5", b"1e30"]
)
async def test_an_entry_that_is_no_lead_is_parked_with_what_it_is(odd: bytes) -> None:
    """Without an id, or with one that makes no key; the others are announced."""
    on = Sweeping()
    ids = [on.lead(f"Good{number}") for number in range(10)]
    real = on.carry

    async def carry(request: Request) -> Response:
        response = await real(request)
        body = response.body.replace(b'"leadId":' + ids[4].encode(), b'"leadId":' + odd)
        return Response(response.status, response.headers, body)

    team = on.sweeper.teams["acme"]
    team.client._transport = carry
    await on.run()
    assert on.is_served
    assert set(ids) - {ids[4]} <= on.announced() | {ids[4]}
    (parked,) = on.parked
    assert (parked.stage, parked.reason) == ("sweep", "unreadable")
    assert b"leadId" in parked.original_bytes()


async def test_a_list_of_notes_that_is_refused_is_parked_at_once() -> None:
    """A lead whose notes are not ours to see: the sweep goes on with the others."""
    on = Sweeping()
    ids = [on.lead(f"Good{number}") for number in range(10)]
    notes = {on.note(one, "fine") for one in ids[1:]}
    fault = {"kind": "status", "status": 403, "operation": "list-notes", "times": 1}
    on.lofty.faults.add(parse_fault(fault))
    real = on.carry

    async def carry(request: Request) -> Response:
        response = await real(request)
        return (
            replace(response, body=b'{"code":20017,"message":"permission denied"}')
            if response.status == 403
            else response
        )

    on.sweeper.teams["acme"].client._transport = carry
    await on.run()
    assert on.is_served
    assert on.announced("note") == notes
    assert [(one.source, one.reason) for one in on.parked] == [(f"list-notes of {ids[0]}", "permission denied")]


@pytest.mark.parametrize("forbidden_at", [{0}, {9}, {0, 3, 6, 9}])
async def test_lists_that_are_forbidden_without_a_reason_are_parked_once_others_were_served(
    forbidden_at: set[int],
) -> None:
    """With no other traffic to tell access from a record: the sweep reads the other lists meanwhile, and ends."""
    on = Sweeping()
    ids = [on.lead(f"Good{number}") for number in range(10)]
    notes = {on.note(one, "fine") for number, one in enumerate(ids) if number not in forbidden_at}
    forbidden = {ids[number] for number in forbidden_at}
    real = on.carry

    async def carry(request: Request) -> Response:
        response = await real(request)
        is_refused = "/notes" in request.url and any(one in request.url for one in forbidden)
        return Response(403, response.headers, b"<html>Forbidden</html>") if is_refused else response

    on.sweeper.teams["acme"].client._transport = carry
    await on.run()
    assert on.is_served
    assert on.announced("note") == notes
    assert {(one.source, one.reason) for one in on.parked} == {
        (f"list-notes of {one}", "forbidden") for one in forbidden
    }
    assert len(on.parked) == len(forbidden)


@pytest.mark.parametrize("bad_at", [{0, 1, 2, 3}, {6, 7, 8, 9}, set(range(10))])
async def test_many_lists_that_cannot_be_read_hold_no_sweep_back(bad_at: set[int]) -> None:
    """Once none is left that can be read, the list of leads shows that it is not the vendor."""
    on = Sweeping()
    ids = [on.lead(f"Good{number}") for number in range(10)]
    notes = {on.note(one, "Badger" if number in bad_at else "fine") for number, one in enumerate(ids)}
    on.bad = {"Badger": "deep"}
    await on.run()
    assert on.is_served
    assert len(on.announced("note") & notes) == 10 - len(bad_at)
    assert {one.source for one in on.parked} == {f"list-notes of {ids[number]}" for number in bad_at}
    assert len(on.parked) == len(bad_at)


@pytest.mark.parametrize("where", ["lead", "notes"])
async def test_a_defect_that_a_lead_or_its_list_brings_out_holds_no_sweep_back(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Both are parked as what fails every time; all others are compared, and the run ends."""
    on = Sweeping()
    leads = [on.lead(f"Good{number}") for number in range(12)]
    bad = leads[4]
    notes = [on.note(lead, f"note of {lead}") for lead in leads]
    real = sweep_lists.listed

    def failing(entity: Entity, state: Any) -> Any:
        if entity.lead == bad and entity.kind == {"lead": "contact", "notes": "note"}[where]:
            raise RecursionError("planted")
        return real(entity, state)

    monkeypatch.setattr(sweep_lists, "listed", failing)
    await on.run()
    assert on.counts == ["ended"]
    (parked,) = on.parked
    assert (parked.stage, parked.reason) == ("sweep", FAILS_EVERY_TIME)
    assert bad in parked.message
    assert "RecursionError: planted" in parked.message
    others = {lead for lead in leads if lead != bad}
    assert on.announced() == others | ({bad} if where == "notes" else set())
    assert len(on.announced("note")) == len(notes) - 1


async def test_the_end_of_an_import_is_in_the_history_of_runs() -> None:
    """Who asked for it, what was read, how long it took. One that ends again after a kill has the same id."""
    on = Sweeping()
    for number in range(3):
        on.lead(f"Good{number}")
    row = on.sweeps.get(PARTITION, "acme")
    assert row is not None
    on.sweeps.put(PARTITION, "acme", row.model_copy(update={"ordered_by": "ann"}))
    began_ms = on.now_ms
    await on.run()
    (record,) = on.log.records[RUNS]
    run = Run.from_bytes(record.value)
    assert (run.id, run.kind, run.by, run.counts, run.words) == (
        *(f"acme-{began_ms}", "backfill", "ann"),
        *({"read": 3}, "3 changes found"),
    )
    assert run.began_ms == began_ms < run.ended_ms
    ended = on.sweeps.get(PARTITION, "acme")
    assert ended is not None
    await on.sweeper.record_end("acme", row.model_copy(update={"kind": "backfill", "started_ms": began_ms}), ended)
    await on.sweeper.record_end("acme", row.model_copy(update={"kind": "new"}), ended)
    assert [Run.from_bytes(one.value).id for one in on.log.records[RUNS]] == [run.id, run.id]
