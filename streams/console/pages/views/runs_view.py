"""The history of runs as its page shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import StatusText
from streams.console.pages.wording import counted, grouped, length
from streams.console.services.run_list import KINDS, RunKind, RunPage, RunSeen, RunState

NAMED = 3
"""So many connections are named in a row."""
TITLES: dict[RunKind, str] = {
    "import": "Import of existing leads",
    "full check": "Full check of all leads",
    "comparison": "Comparison",
    "rehearsal": "Rehearsal",
    "act": "Act on many connections",
    "check": "Check of everything",
    "replay": "Mapping applied",
}
FILTERS: dict[RunKind, str] = {
    "import": "Imports",
    "full check": "Full checks",
    "comparison": "Comparisons",
    "rehearsal": "Rehearsals",
    "act": "Acts on many",
    "check": "Checks of everything",
    "replay": "Mappings applied",
}
STATES: dict[RunState, StatusText] = {
    "waiting": StatusText("busy", "Waiting"),
    "running": StatusText("busy", "Running"),
    "done": StatusText("ok", "Done"),
    "findings": StatusText("warn", "Done, look at it"),
    "failed": StatusText("bad", "Failed"),
    "stopped": StatusText("idle", "Stopped"),
    "cut off": StatusText("bad", "Cut off"),
}
CUT_OFF = "What ran it has stopped before it had ended. Start another one."


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `took` is empty while it is under way; `counts` are in words, without what there was none of."""

    title: str
    href: str
    of: str
    by: str
    began_ms: int
    took: str
    state: StatusText
    words: str
    counts: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """The page. `kinds` are the filters: their value and words."""

    rows: tuple[RunRow, ...]
    more: int
    connections: tuple[str, ...]
    connection: str
    kind: str
    kinds: tuple[tuple[str, str], ...]
    is_running: bool


def runs_view(found: RunPage, connections: Iterable[str], connection: str, kind: str) -> RunsView:
    """The newest runs."""
    return RunsView(
        rows=tuple(map(_row, found.runs)),
        more=found.more,
        connections=tuple(connections),
        connection=connection,
        kind=kind,
        kinds=tuple((one, FILTERS[one]) for one in KINDS),
        is_running=any(one.state in ("running", "waiting") for one in found.runs),
    )


def _row(run: RunSeen) -> RunRow:
    counts = (
        ("read", run.read),
        ("written", run.written),
        ("already correct", run.unchanged),
        ("not written", run.refused),
    )
    words = CUT_OFF if run.state == "cut off" else run.problem or run.words
    return RunRow(
        title=f"{TITLES[run.kind]}, lead {run.lead}" if run.lead else TITLES[run.kind],
        href=_page_of(run),
        of=_of(run),
        by=run.by,
        began_ms=run.began_ms,
        took=length((run.ended_ms - run.began_ms) / 1000) if run.ended_ms else "",
        state=STATES[run.state],
        words=words,
        counts=", ".join(f"{grouped(number)} {name}" for name, number in counts if number),
    )


def _of(run: RunSeen) -> str:
    if not run.connections:
        return "All connections"
    more = len(run.connections) - NAMED
    names = ", ".join(run.connections[:NAMED])
    return f"{names} and {counted(more, 'other')}" if more > 0 else names


def _page_of(run: RunSeen) -> str:
    """Where its findings are."""
    match run.kind:
        case "comparison":
            return href(f"/verify/{part(run.id)}")
        case "rehearsal":
            return href(f"/connections/{part(run.connections[0])}/rehearsal", run=run.id)
        case "act":
            return href(f"/connection-acts/{part(run.id)}")
        case "check":
            return href(f"/doctor/{part(run.id)}")
        case "replay":
            return href("/replay")
        case _:
            return href("/backfill")
