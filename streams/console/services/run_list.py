"""The history of runs of all sorts: what each did, who asked for it, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, get_args

from streams.console.auth.scope import Scope, current_scope
from streams.console.errors import WrongInput
from streams.console.services.backfill import Backfills, BackfillState
from streams.console.services.bulk_acts import BulkRun
from streams.console.services.doctor import DoctorRun, for_reader
from streams.console.services.process_runs import until_read
from streams.console.services.replay import OF_CONSOLE, Replays, ReplayState
from streams.console.services.run_records import AnyRun, record_of, restored
from streams.core.run_history import is_cut_off
from streams.messages.run import Run
from streams.operations.runs.run_log import RunLog

RunKind = Literal["import", "full check", "comparison", "rehearsal", "act", "check", "replay"]
KINDS: tuple[RunKind, ...] = get_args(RunKind)
RunState = Literal["waiting", "running", "done", "findings", "failed", "stopped", "cut off"]
MOST_SHOWN = 200

_KINDS: dict[str, RunKind] = {
    "verification": "comparison",
    "rehearsal": "rehearsal",
    "bulk": "act",
    "doctor": "check",
    "backfill": "import",
    "full": "full check",
}
_REPLAYS: dict[str, RunState] = {"running": "running", "stopped": "stopped", "done": "done", "interrupted": "cut off"}


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run. `connections` are those that it is about, none for all; `lead` is the only lead, empty for all.

    `findings`: it ended, and a person should look. `cut off`: what ran it has stopped. `moved_ms` is when it last said something.
    `read`, `written`, `unchanged` and `refused` are records; null where this kind has none, or it has not ended.
    """

    id: str
    kind: RunKind
    connections: tuple[str, ...]
    lead: str
    by: str
    began_ms: int
    moved_ms: int
    ended_ms: int
    state: RunState
    words: str
    problem: str
    read: int | None = None
    written: int | None = None
    unchanged: int | None = None
    refused: int | None = None


@dataclass(frozen=True, slots=True)
class RunPage:
    """The newest runs, the newest first; `more` older ones are not listed."""

    runs: tuple[RunSeen, ...]
    more: int


class RunList:
    """Of all gateways and workers."""

    def __init__(self, log: RunLog, replays: Replays, backfills: Backfills, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._replays = replays
        self._backfills = backfills
        self._now_ms = now_ms

    async def page(self, connection: str = "", kind: str = "") -> RunPage:
        """The newest that whoever asks may see, of one connection and kind or of all. Raises `WrongInput`."""
        if kind and kind not in KINDS:
            raise WrongInput(f"A kind of runs is one of {', '.join(KINDS)}; got {kind[:40]!r}.")
        await until_read(self._log)
        scope, now_ms = current_scope(), self._now_ms()

        def is_meant(of: Sequence[str], sort: str | None) -> bool:
            is_theirs = not scope.is_limited or not of or any(map(scope.includes, of))
            return (
                is_theirs
                and sort is not None
                and kind in ("", sort)
                and (not connection or (connection in of and scope.includes(connection)))
            )

        written = [run for run in self._log.newest_first() if is_meant(run.connections, _KINDS.get(run.kind))]
        newest = (seen for run in written if (seen := seen_by(run, scope, now_ms)) is not None)
        found = list(islice(newest, MOST_SHOWN))
        others: list[RunSeen] = []
        if kind in ("", "replay"):
            others += map(_of_replay, await self._replays.all())
        if kind in ("", "import", "full check"):
            ids = {run.id for run in written}
            states = await self._backfills.all()
            others += (one for state in states for one in _under_way(state, now_ms) if one.id not in ids)
        more = len(written) - len(found) if len(found) == MOST_SHOWN else 0
        found += (one for one in others if is_meant(one.connections, one.kind))
        found.sort(key=lambda one: one.began_ms, reverse=True)
        return RunPage(tuple(found[:MOST_SHOWN]), more + max(0, len(found) - MOST_SHOWN))


def seen_by(run: Run, scope: Scope, now_ms: int) -> RunSeen | None:
    """A run as far as somebody may see it; None for one that is not theirs, or of a kind that this release does not know."""
    kind = _KINDS.get(run.kind)
    if kind is None:
        return None
    seen = _limited(run, scope, now_ms) if scope.is_limited else run
    if seen is None:
        return None
    was_cut_off = is_cut_off(seen, now_ms)
    state: RunState = "running"
    if was_cut_off:
        state = "cut off"
    elif seen.ended_ms:
        state = "failed" if seen.failure else "findings" if seen.has_findings else "done"
    return RunSeen(
        id=seen.id,
        kind=kind,
        connections=seen.connections,
        lead=seen.lead,
        by=seen.by,
        began_ms=seen.began_ms,
        moved_ms=seen.moved_ms,
        ended_ms=seen.ended_ms or (seen.moved_ms if was_cut_off else 0),
        state=state,
        words=seen.words,
        problem="" if was_cut_off else seen.failure,
        **{name: seen.counts.get(name) for name in ("read", "written", "unchanged", "refused")},
    )


def _limited(run: Run, scope: Scope, now_ms: int) -> Run | None:
    """The record of what is theirs in a run: what was found of others is not in its words."""
    if len(run.connections) == 1:
        return run if scope.includes(run.connections[0]) else None
    theirs: AnyRun | None = None
    if run.kind == BulkRun.kind and (act := restored(run, BulkRun, now_ms)) is not None:
        theirs = act.only(scope)
    elif run.kind == DoctorRun.kind and (check := restored(run, DoctorRun, now_ms)) is not None:
        theirs = for_reader(check, scope)
    return None if theirs is None else record_of(theirs).model_copy(update={"moved_ms": run.moved_ms})


def _of_replay(one: ReplayState) -> RunSeen:
    connection, lead = one.selection.get("connection", ""), one.selection.get("contact", "")
    return RunSeen(
        id=one.run,
        kind="replay",
        connections=(connection,) if connection else (),
        lead=lead,
        by=one.by.removesuffix(OF_CONSOLE),
        began_ms=one.began_ms,
        moved_ms=one.moved_ms,
        ended_ms=0 if one.state == "running" else one.moved_ms,
        state="failed" if one.problem else _REPLAYS.get(one.state, "stopped"),
        words="",
        problem=one.problem,
        read=one.chosen,
        written=one.handed,
        unchanged=one.passed,
        refused=one.left,
    )


def _under_way(one: BackfillState, now_ms: int) -> Iterator[RunSeen]:
    """The import that is ordered, and the import or check that is under way: workers write of them when they have ended."""
    found = RunSeen(
        id=f"{one.connection}-{one.started_ms}",
        kind="import",
        connections=(one.connection,),
        lead="",
        by="",
        began_ms=one.started_ms,
        moved_ms=now_ms,
        ended_ms=0,
        state="running",
        words="",
        problem="",
        read=one.leads,
    )
    if one.kind in ("backfill", "full"):
        yield found if one.kind == "backfill" else replace(found, kind="full check")
    if one.is_ordered and one.kind != "backfill":
        yield replace(found, id=f"{one.connection}-next", began_ms=now_ms, state="waiting", read=None)
