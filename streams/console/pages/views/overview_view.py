"""The overview page: one sentence first, then the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.console.pages.charts import Measurement
from streams.console.pages.render import REFRESH_MS, href
from streams.console.pages.views.overview_verdict import (
    LATE_SECONDS,
    NO_ACCESS,
    VENDORS,
    is_without_connections,
    verdict,
)
from streams.console.pages.views.page_view import Hyperlink, Level, StatusText
from streams.console.pages.views.parked_view import CauseCard, cause_card
from streams.console.pages.wording import awaited, counted, grouped, length
from streams.console.services.overview import History, OverviewNow
from streams.console.services.time_series import Point
from streams.messages.topics import CHANGES, FETCHES, GHL_CHANGES, RECEIPTS
from streams.messages.worker_status import BudgetStatus
from streams.operations.status.overview import ConnectionView, WorkerView
from streams.operations.status.overview import Overview as Deployment


@dataclass(frozen=True, slots=True)
class StageCard:
    """One stage of the way of a change. `per_minute` None: not known. `oldest_seconds` None: nothing waits."""

    name: str
    title: str
    per_minute: float | None
    waiting: int
    oldest_seconds: float | None
    state: StatusText
    note: str = ""


@dataclass(frozen=True, slots=True)
class OldestChange:
    """The oldest change that was accepted and is not in GHL yet."""

    who: str
    href: str
    since_ms: int
    waits_for: str


@dataclass(frozen=True, slots=True)
class ApiLimit:
    """What a vendor lets a token do, and how much of it is used."""

    budget: BudgetStatus
    name: str
    vendor: str
    window: str
    used_today: int = 0
    state: StatusText | None = None
    waiting: int = 0
    resets: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A series over the last hours."""

    title: str
    unit: str
    points: Sequence[Measurement]
    words: str = ""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker that reports, or no longer does."""

    name: str
    state: StatusText
    partitions: int
    seen_ms: int
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its name, and a place where it comes from."""

    name: str
    value: str
    words: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class OverviewView:
    """The whole page. `verdict` is the one sentence. `no_oldest` says why there is no oldest change.

    `is_empty`: no connection works yet, and the page says only how to begin.
    """

    verdict: StatusText
    because: tuple[str, ...]
    next_steps: tuple[Hyperlink, ...]
    numbers: tuple[Figure, ...]
    stages: tuple[StageCard, ...]
    back_stages: tuple[StageCard, ...]
    oldest: OldestChange | None
    no_oldest: str
    limits: tuple[ApiLimit, ...]
    plots: tuple[Plot, ...]
    causes: tuple[CauseCard, ...]
    workers: tuple[WorkerRow, ...]
    measured_ms: int
    is_empty: bool = False
    more_limits: str = ""
    """How many limits are not listed, in words; "" for none."""


LISTED_LIMITS = 24
"""So many limits are listed, those that pause or are used most; with a thousand connections there are two thousand."""
NAMED = 3
"""So many connections are named where something concerns many."""
PLOTTED = 90
"""Points of a plot; more are thinned out."""

_WORKERS = {
    "ready": StatusText("ok", "Running"),
    "starting": StatusText("busy", "Starting"),
    "stopping": StatusText("idle", "Stopped"),
    "silent": StatusText("bad", "No report"),
}


def overview_view(found: OverviewNow, history: History) -> OverviewView:
    """The whole page."""
    now = found.deployment
    state, because, ways = verdict(found)
    return OverviewView(
        verdict=state,
        because=because,
        next_steps=ways,
        numbers=_numbers(found),
        stages=_stages(found),
        back_stages=_back_stages(found),
        oldest=_oldest(now, found.oldest_accepted_ms),
        no_oldest=_no_oldest(now),
        limits=_api_limits(now),
        plots=_plots(history.points) if history.points else (),
        causes=tuple(cause_card(group) for group in found.parked.groups[:5]),
        workers=tuple(_worker(one, now.at_ms) for one in now.workers),
        measured_ms=now.at_ms,
        is_empty=is_without_connections(found),
        more_limits=_more_limits(now),
    )


def _numbers(found: OverviewNow) -> tuple[Figure, ...]:
    now = found.deployment
    leads = grouped(found.index.contacts) if found.index.is_on else "not counted"
    return (
        Figure("Leads", leads, "known from Lofty", href("/contacts")),
        *(_measured(found) if now.alive else _not_measured()),
        Figure(
            "Needs attention", grouped(found.parked.total), counted(len(found.parked.groups), "cause"), href("/parked")
        ),
    )


def _measured(found: OverviewNow) -> tuple[Figure, ...]:
    """What the workers that are alive report; the least of it while a part has no worker."""
    now, oldest = found.deployment, found.oldest_accepted_ms
    links = [one.links for one in now.connections if one.links is not None]
    under_way = sum(sum(one.undelivered.values()) for one in now.connections)
    in_flight = counted(sum(one.in_flight for one in now.budgets), "request")
    in_ghl = grouped(sum(links)) if links else "not counted"
    if now.unowned:
        part = "of the part with a worker"
        wait = "not known" if oldest is None else length((now.at_ms - oldest) / 1000)
        return (
            Figure("In GHL", in_ghl, f"contacts, notes and tasks {part}"),
            Figure("On the way", f"{grouped(under_way)} or more", part),
            Figure("Longest wait", wait, part),
        )
    wait, since = ("none", "all is in GHL or needs attention")
    if oldest is not None:
        wait, since = length((now.at_ms - oldest) / 1000), "since it was accepted"
    return (
        Figure("In GHL", in_ghl, "contacts, notes and tasks"),
        Figure("On the way", grouped(under_way), f"{in_flight} in flight"),
        Figure("Longest wait", wait, since),
    )


def _not_measured() -> tuple[Figure, ...]:
    return tuple(
        Figure(name, "not known", "the sync engine is not running") for name in ("In GHL", "On the way", "Longest wait")
    )


def _stages(found: OverviewNow) -> tuple[StageCard, ...]:
    now = found.deployment
    if found.is_limited and now.alive:  # what waits in topics is counted for all connections together
        return (
            _by_dispatcher(found, "reads", "Read from Lofty", "fetch", "read"),
            _by_dispatcher(found, "writes", "Written to GHL", "deliver", "write"),
        )
    return (
        (
            _by_topic(found, "dedupe", "From Lofty", CHANGES),
            _by_topic(found, "fetch", "Without repeats", FETCHES),
            _by_dispatcher(found, "reads", "Read from Lofty", "fetch", "read"),
            _by_dispatcher(found, "writes", "Written to GHL", "deliver", "write"),
            _by_topic(found, "record", "Confirmed", RECEIPTS),
        )
        if now.alive
        else ()
    )


def _back_stages(found: OverviewNow) -> tuple[StageCard, ...]:
    now = found.deployment
    if not (found.rates.get("respond") or now.stages.get("respond") or now.stages.get("write_back")):
        return ()
    return (
        _by_topic(found, "respond", "From GHL", GHL_CHANGES),
        _by_dispatcher(found, "write_back", "Written to Lofty", "write back", "read"),
    )


def _by_topic(found: OverviewNow, name: str, title: str, topic: str) -> StageCard:
    now = found.deployment
    lag = next((one for one in now.lags if one.topic.endswith(topic)), None)
    oldest = (now.at_ms - lag.oldest_ms) / 1000 if lag and lag.records and lag.oldest_ms is not None else None
    state = StatusText("warn", "Late") if oldest is not None and oldest > LATE_SECONDS else StatusText("ok", "")
    return StageCard(name, title, _a_minute(found, name), lag.records if lag else 0, oldest, state)


def _by_dispatcher(found: OverviewNow, name: str, title: str, stage: str, dispatcher: str) -> StageCard:
    now = found.deployment
    waiting = sum(one.undelivered.get(stage, 0) for one in now.connections)
    paused = [one for one in now.budgets if one.dispatcher == dispatcher and one.paused]
    state = StatusText("ok", "")
    note = ""
    if paused and stage != "write back":
        state = StatusText("warn", f"Paused: {paused[0].paused}")
        note = _named([name for one in paused for name in one.connections])
    return StageCard(name, title, _a_minute(found, name), waiting, None, state, note)


def _a_minute(found: OverviewNow, name: str) -> float | None:
    rate = found.rates.get(name)
    return None if rate is None else round(max(0.0, rate) * 60, 1)


def _oldest(now: Deployment, oldest_ms: int | None) -> OldestChange | None:
    if oldest_ms is None:
        return None
    of = next((one for one in now.connections if one.oldest_accepted_ms == oldest_ms), None)
    name = of.connection if of else ""
    return OldestChange(f"A change of {name}", href("/connections"), oldest_ms, _waits_for(of))


def _no_oldest(now: Deployment) -> str:
    if not now.alive:
        return "Not known while the sync engine is not running. Nothing is lost: changes are kept."
    if now.unowned:
        return "Not known: a part of the work has no worker that could report it."
    return "None: everything that Lofty reported is in GHL, or needs attention."


def _waits_for(of: ConnectionView | None) -> str:
    if of is None:
        return "its turn"
    if of.on_hold:
        return awaited(of.on_hold)
    for budget in (of.writes, of.reads):
        if budget is not None and budget.paused:
            because = budget.because or budget.paused
            if budget.paused in NO_ACCESS:
                return f"access to {VENDORS[budget.dispatcher]}, which was lost: {because}"
            return f"the end of a pause: {because}"
    if of.undelivered.get("fetch"):
        return "its turn to be read from Lofty"
    if of.writes is not None and of.writes.blocked and of.writes.blocked >= of.undelivered.get("deliver", 0):
        return "its contact, which is not in GHL yet"
    return "its turn to be written to GHL"


def _api_limits(now: Deployment) -> tuple[ApiLimit, ...]:
    """All of them by name; of many those that pause, then those at which something waits, then those that are used most."""
    listed = now.budgets
    if len(listed) > LISTED_LIMITS:
        listed = tuple(sorted(listed, key=_urgency, reverse=True)[:LISTED_LIMITS])
    return tuple(_api_limit(budget, now.at_ms) for budget in listed)


def _urgency(budget: BudgetStatus) -> tuple[bool, bool, int, float]:
    of_window = budget.window_used / budget.window_limit if budget.window_limit else 0.0
    of_day = 1 - (budget.quota_left or 0) / budget.quota_limit if budget.quota_limit else 0.0
    return budget.paused in NO_ACCESS, bool(budget.paused), sum(budget.waiting.values()), max(of_window, of_day)


def _more_limits(now: Deployment) -> str:
    more = len(now.budgets) - LISTED_LIMITS
    if more <= 0:
        return ""
    paused = sum(bool(one.paused) for one in now.budgets)
    if paused > LISTED_LIMITS:
        return f"{grouped(paused)} are paused in all; {counted(more, 'limit')} more are not listed."
    return f"{counted(more, 'limit')} more: none of them is paused, and they are used less."


def _named(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:NAMED])} and {grouped(more)} more"


def _api_limit(budget: BudgetStatus, now_ms: int) -> ApiLimit:
    state = None
    if budget.paused:
        left_ms = (budget.paused_until_ms or 0) - now_ms
        left = f" for {length(left_ms / 1000)}" if left_ms > 0 else ""
        level: Level = "bad" if budget.paused in NO_ACCESS else "warn"
        state = StatusText(level, f"Paused{left}: {budget.paused}")
    used_today = budget.quota_limit - budget.quota_left if budget.quota_limit and budget.quota_left is not None else 0
    return ApiLimit(
        budget=budget,
        name=_named(budget.connections) or budget.budget,
        vendor=VENDORS[budget.dispatcher],
        window="requests a minute" if budget.window_seconds == 60 else f"requests in {budget.window_seconds:g} s",
        used_today=max(0, used_today),
        state=state,
        waiting=sum(budget.waiting.values()),
        resets=f"resets in {length(budget.quota_reset_seconds)}" if budget.quota_reset_seconds else "",
    )


def _worker(one: WorkerView, now_ms: int) -> WorkerRow:
    state = _WORKERS[one.state]
    if one.status.recovering_since_ms is not None:
        state = StatusText(
            "busy",
            f"Starting: has been reading its tables for {length((now_ms - one.status.recovering_since_ms) / 1000)}",
        )
    elif one.status.mapping_trouble:
        state = StatusText("warn", one.status.mapping_trouble)
    number = "" if one.status.process is None else f"process {one.status.process} "
    name = f"{one.status.host or 'worker'} {number}{one.status.instance}".strip()
    return WorkerRow(name, state, len(one.status.fenced), one.status.at_ms, one.status.started_ms)


def _plots(points: Sequence[Point]) -> tuple[Plot, ...]:
    step = max(1, -(-len(points) // PLOTTED))
    parts = [points[at : at + step] for at in range(0, len(points), step)]
    chosen = [next((one for one in part if not one.workers), part[-1]) for part in parts]  # a gap is never thinned out
    if points and chosen[-1] is not points[-1]:
        chosen.append(points[-1])
    hours = length((points[-1].at_ms - points[0].at_ms) / 1000) if len(points) > 1 else "hours"

    def series(of: Callable[[Point], float | None]) -> tuple[tuple[int, float | None], ...]:
        return tuple((-(-one.at_ms // REFRESH_MS) * REFRESH_MS, of(one) if one.workers else None) for one in chosen)

    return (
        Plot(
            "Written to GHL",
            "a minute",
            series(lambda one: max(0.0, one.rates.get("writes", 0.0)) * 60 if one.rates else None),
            f"the last {hours}",
        ),
        Plot("On the way", "", series(lambda one: float(one.undelivered)), f"the last {hours}"),
        Plot("Longest wait", "s", series(lambda one: one.oldest_seconds or 0.0), f"the last {hours}"),
        Plot("Needs attention", "", series(lambda one: float(one.parked)), f"the last {hours}"),
    )
