"""Backfills as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import ProgressBar, Question, StatusText
from streams.console.pages.wording import counted, grouped, length
from streams.console.services.backfill import BackfillState
from streams.core.sweep_forecast import REQUESTS_A_LEAD


@dataclass(frozen=True, slots=True)
class BackfillCard:
    """One connection."""

    connection: str
    state: StatusText
    estimate: str
    can_start: bool
    progress: ProgressBar | None
    last: str = ""
    last_ms: int | None = None


@dataclass(frozen=True, slots=True)
class BackfillsView:
    """The page."""

    rows: tuple[BackfillCard, ...]


_RUNS = {"new": "Searching for new leads", "full": "Checking all leads"}


def page(found: tuple[BackfillState, ...], now_ms: int) -> BackfillsView:
    """All connections."""
    return BackfillsView(tuple(row(one, now_ms) for one in found))


def row(one: BackfillState, now_ms: int) -> BackfillCard:
    """One connection."""
    is_running = one.kind == "backfill"
    if is_running:
        state = StatusText("busy", "Running")
    elif one.is_ordered:
        state = StatusText("busy", "Waiting for a worker")
    else:
        state = StatusText("idle", "Not running")
    return BackfillCard(
        connection=one.connection,
        state=state,
        estimate=estimate(one),
        can_start=not one.is_ordered,
        progress=progress(one, now_ms) if is_running or one.is_ordered else None,
        last="" if is_running or not one.leads else _last(one),
        last_ms=one.full_ended_ms or None,
    )


def estimate(one: BackfillState) -> str:
    """How long it takes at least."""
    if one.total is None or one.minutes is None:
        return f"Lofty reports the number of leads with the first page. Each takes {REQUESTS_A_LEAD} of its {one.requests_per_minute} requests a minute."
    about = length(one.minutes * 60)
    return f"{counted(one.total, 'lead')}: about {about} at {grouped(one.requests_per_minute)} requests a minute, with nothing else to do."


def progress(one: BackfillState, now_ms: int) -> ProgressBar:
    """How far it is. The time left goes by the leads that were read so far."""
    if one.kind != "backfill":
        return ProgressBar(None, "A worker starts it in a moment")
    found = f"{counted(one.changes, 'change')} found"
    if not one.total:
        return ProgressBar(None, f"{counted(one.leads, 'lead')} read, {found}")
    part = min(1.0, one.leads / one.total)
    words = f"{grouped(one.leads)} of {counted(one.total, 'lead')} read, {found}"
    left = (now_ms - one.started_ms) / 1000 * (1 - part) / part if part > 0.02 else None
    return ProgressBar(part, words, f"{length(left)} left" if left is not None and left > 1 else "")


def question(one: BackfillState, back: str = "") -> Question:
    """Before one is started. `back` is "steps" where it began at the connection's steps."""
    words = f"{estimate(one)} It runs after all live work, and writes only what differs. It goes on when this page is closed."
    title = f"Import the existing leads of {one.connection}?"
    is_step = back == "steps"
    page = href(f"/connections/{part(one.connection)}/steps" if is_step else "/backfill")
    fields = (("connection", one.connection), *((("back", "steps"),) if is_step else ()))
    return Question(title, words, href("/backfill/start"), "Start it", page, fields)


def _last(one: BackfillState) -> str:
    running = f"{_RUNS[one.kind]}. " if one.kind in _RUNS else ""
    return f"{running}The last run read {counted(one.leads, 'lead')} and found {counted(one.changes, 'change')}"
