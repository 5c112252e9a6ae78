"""Acts on many connections: the question before one, and what came of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import Level, ProgressBar, Question, StatusText
from streams.console.pages.wording import counted
from streams.console.services.bulk_acts import BulkAct, BulkRow, BulkRun, Outcome

NAMED = 12
"""So many connections are named in the question."""
ACTS: dict[BulkAct, tuple[str, str]] = {
    "compare": (
        "Compare",
        "GoHighLevel is compared with the latest data from Lofty, one connection after the other. Nothing is changed.",
    ),
    "refresh": (
        "Read fields and users again",
        "The custom fields and users are read from GoHighLevel again. Nothing is changed.",
    ),
    "pause": ("Pause", "Nothing more is written. What comes in waits, and nothing is lost."),
    "resume": ("Resume", "They go on, and what waited is written."),
}
"""The button, and what it does."""
_OUTCOMES: dict[Outcome, StatusText] = {
    "waiting": StatusText("idle", "Waiting"),
    "running": StatusText("busy", "In progress"),
    "done": StatusText("ok", "Done"),
    "differs": StatusText("bad", "Differs"),
    "skipped": StatusText("idle", "Left as it was"),
    "failed": StatusText("bad", "Failed"),
}


@dataclass(frozen=True, slots=True)
class BulkRowView:
    """One connection, and where more about it is."""

    row: BulkRow
    state: StatusText
    href: str


@dataclass(frozen=True, slots=True)
class BulkRunView:
    """What came of an act. `summary` counts it; `progress` is None once it has ended."""

    run: BulkRun
    title: str
    summary: StatusText
    progress: ProgressBar | None
    rows: tuple[BulkRowView, ...]


def question(act: BulkAct, chosen: Sequence[tuple[str, str]], back: str) -> Question:
    """Asks before the act. `chosen` are ids and the names that are shown."""
    button, what = ACTS[act]
    names = ", ".join(label for _, label in chosen[:NAMED])
    more = f" and {len(chosen) - NAMED} more" if len(chosen) > NAMED else ""
    them = counted(len(chosen), "connection")
    title = f"{button} {them}?" if act != "refresh" else f"Read fields and users of {them} again?"
    return Question(
        title=title,
        words=f"{what} These are: {names}{more}.",
        action=href("/connection-acts"),
        yes=button if act != "refresh" else "Read again",
        back=back,
        fields=(("act", act), ("chosen", " ".join(name for name, _ in chosen))),
    )


def bulk_run_view(run: BulkRun) -> BulkRunView:
    """What came of an act so far."""
    counts = Counter(row.outcome for row in run.rows)
    ended = len(run.rows) - counts["waiting"] - counts["running"]
    level: Level = (
        "bad" if counts["failed"] or counts["differs"] or run.is_cut_off else "busy" if run.is_running else "ok"
    )
    words = ", ".join(
        f"{counts[outcome]} {_outcome(run, outcome).words.lower()}" for outcome in _OUTCOMES if counts[outcome]
    )
    done = ProgressBar(ended / len(run.rows), f"{ended} of {counted(len(run.rows), 'connection')}")
    return BulkRunView(
        run=run,
        title=f"{ACTS[run.act][0]}: {counted(len(run.rows), 'connection')}",
        summary=StatusText(level, words),
        progress=done if run.is_running else None,
        rows=tuple(
            BulkRowView(
                row,
                _outcome(run, row.outcome),
                href(f"/verify/{part(row.verification)}")
                if row.verification
                else href(f"/connections/{part(row.connection)}/settings"),
            )
            for row in run.rows
        ),
    )


def _outcome(run: BulkRun, outcome: Outcome) -> StatusText:
    """Of a run that was cut off nobody knows what came of the one that was under way; those that waited were not begun."""
    if run.is_cut_off and outcome == "running":
        return StatusText("warn", "Not known")
    if run.is_cut_off and outcome == "waiting":
        return StatusText("idle", "Not begun")
    return _OUTCOMES[outcome]
