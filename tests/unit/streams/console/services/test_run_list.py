"""The history of runs: all sorts in one list, for everybody what is theirs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from streams.console.auth.scope import EVERYTHING, Scope, put_in_force
from streams.console.errors import WrongInput
from streams.console.services.backfill import BackfillState
from streams.console.services.bulk_acts import BulkRow, BulkRun
from streams.console.services.replay import ReplayState
from streams.console.services.run_list import KINDS, MOST_SHOWN, RunList, seen_by
from streams.console.services.run_records import record_of
from streams.core.run_history import SILENT_MS
from streams.messages.run import Run
from tests.browser.samples_of_doctor import DONE as CHECK
from tests.unit.streams.console.run_log import FakeTopic

NOW = 10_000_000
ONLY_A = Scope(frozenset({"a"}))
ROWS = (BulkRow("a", "A", "done", "Paused."), BulkRow("b", "B", "failed", "No."))
ACT = BulkRun(id="act", by="ann", began_ms=NOW - 5, act="pause", rows=ROWS, ended_ms=NOW - 1)
REPLAY = ReplayState(
    *("rp", "lofty.snapshots", "", {"connection": "a", "contact": "7"}, "ann (console)", NOW - 9, NOW - 2, "done"),
    *(10, 4, 5, 1, ""),
)
IMPORT = BackfillState("a", True, "backfill", NOW - 100, 30, 2, 90, 1.0, "", 0, 0, 60, False)


class Known:
    """Replays and imports as they are."""

    def __init__(self, *states: Any) -> None:
        self.states = states

    async def all(self) -> tuple[Any, ...]:
        """All of them."""
        return self.states


def a_run(name: str, connection: str = "a", **facts: Any) -> Run:
    """A comparison that has ended well."""
    known = {"kind": "verification", "began_ms": NOW - 50, "moved_ms": NOW - 1, "ended_ms": NOW - 1, **facts}
    return Run(id=name, connections=(connection,), **known)


def run_list(*runs: Run, replays: tuple[Any, ...] = (), imports: tuple[Any, ...] = ()) -> RunList:
    """The list of a gateway that has read these."""
    log = FakeTopic().log("here", lambda: NOW)
    for run in runs:
        log.history.take(run.id, run)
    return RunList(log, Known(*replays), Known(*imports), lambda: NOW)  # type: ignore[arg-type]  # fakes


async def test_all_sorts_are_in_one_list_and_it_can_be_narrowed() -> None:
    """The newest first; by connection, by kind, by both."""
    log = run_list(
        a_run("c", began_ms=NOW - 40),
        a_run("r", "b", kind="rehearsal"),
        record_of(ACT),
        replays=(REPLAY,),
        imports=(IMPORT,),
    )

    async def ids(connection: str = "", kind: str = "") -> list[str]:
        return [one.id for one in (await log.page(connection, kind)).runs]

    assert await ids() == ["act", "rp", "c", "r", f"a-{NOW - 100}"]
    assert await ids("b") == ["act", "r"]
    assert await ids("a", "comparison") == ["c"]
    assert [await ids(kind=kind) for kind in KINDS] == [[f"a-{NOW - 100}"], [], ["c"], ["r"], ["act"], [], ["rp"]]
    with pytest.raises(WrongInput, match="one of import, full check"):
        await log.page(kind="other")


async def test_each_says_how_it_ended_and_what_it_did() -> None:
    """In the same columns, whatever it is."""
    found = {one.id: one for one in (await run_list(record_of(ACT), replays=(REPLAY,), imports=(IMPORT,)).page()).runs}
    assert (found["act"].state, found["act"].words, found["act"].read) == ("findings", "1 done, 1 failed", None)
    replay = found["rp"]
    assert (replay.by, replay.lead, replay.state) == ("ann", "7", "done")
    assert (replay.read, replay.written, replay.unchanged, replay.refused) == (10, 4, 5, 1)
    assert (found[f"a-{NOW - 100}"].state, found[f"a-{NOW - 100}"].read) == ("running", 30)
    states = [
        (a_run("r", failure="No."), "failed"),
        (a_run("r", has_findings=True), "findings"),
        (a_run("r", was_cut_off=True), "cut off"),
        (a_run("r", ended_ms=0, moved_ms=NOW - SILENT_MS - 1), "cut off"),
        (a_run("r", ended_ms=0, moved_ms=NOW), "running"),
        (a_run("r"), "done"),
    ]
    for run, state in states:
        seen = seen_by(run, EVERYTHING, NOW)
        assert seen is not None
        assert seen.state == state
        assert bool(seen.ended_ms) == (state != "running")
    assert seen_by(a_run("r", kind="of a newer release"), EVERYTHING, NOW) is None


async def test_an_import_that_is_written_is_not_in_the_list_twice() -> None:
    """Its worker has written the end, and its status is a moment old. One that waits is there, too."""
    ended = a_run(f"a-{NOW - 100}", kind="backfill", began_ms=NOW - 100, by="ann")
    found = (await run_list(ended, imports=(IMPORT,)).page()).runs
    assert [(one.id, one.by, one.state) for one in found] == [(f"a-{NOW - 100}", "ann", "done")]
    waits = replace(IMPORT, kind="full")
    found = (await run_list(imports=(waits,)).page()).runs
    assert [(one.kind, one.state) for one in found] == [("import", "waiting"), ("full check", "running")]


async def test_who_is_limited_sees_what_is_theirs() -> None:
    """Of an act on many and of a check of everything only what is about their connections; nobody else's name."""
    check = replace(CHECK, id="check", result=tuple(replace(one, connection="b") for one in CHECK.result or ()))
    only_b = BulkRun(id="other", by="ann", began_ms=1, act="pause", rows=ROWS[1:], ended_ms=2)
    log = run_list(a_run("own"), a_run("foreign", "b"), record_of(ACT), record_of(check), record_of(only_b))

    async def as_of_a() -> None:
        put_in_force(ONLY_A)
        found = {one.id: one for one in (await log.page()).runs}
        assert set(found) == {"own", "act", "check"}
        assert (found["act"].connections, found["act"].words, found["act"].state) == (("a",), "1 done", "done")
        assert (found["check"].by, found["check"].state) == ("", "done")
        assert (await log.page("b")).runs == ()

    await asyncio.create_task(as_of_a())


async def test_the_list_is_bounded_and_says_how_many_more_there_are() -> None:
    """A filter leads to them."""
    found = await run_list(*(a_run(f"r{number}") for number in range(MOST_SHOWN + 3))).page()
    assert (len(found.runs), found.more) == (MOST_SHOWN, 3)


async def test_what_runs_here_is_in_the_list_before_it_was_written() -> None:
    """As it is now."""
    log = run_list()
    log._log.keep("r", lambda: a_run("r", ended_ms=0, moved_ms=1))
    assert [(one.id, one.state) for one in (await log.page()).runs] == [("r", "running")]
