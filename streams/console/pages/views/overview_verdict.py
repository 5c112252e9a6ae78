"""The overview's one sentence: is it running? The worst that is true, why, and where to go on."""

from __future__ import annotations

from streams.console.pages.render import href
from streams.console.pages.views.page_view import Hyperlink, StatusText
from streams.console.pages.wording import awaited, counted, grouped, length
from streams.console.services.overview import OverviewNow
from streams.core.sweep_forecast import SweepForecast
from streams.core.sweep_schedules import forecasts
from streams.operations.status.health import awaits_consent
from streams.operations.status.overview import Overview as Deployment

LATE_SECONDS = 15 * 60
NO_ACCESS = ("no access", "uninstalled")
VENDORS = {"read": "Lofty", "write": "GHL"}


def verdict(found: OverviewNow) -> tuple[StatusText, tuple[str, ...], tuple[Hyperlink, ...]]:
    """Is it running? The worst that is true, in one sentence; why; and where to go on."""
    now = found.deployment
    ways: list[Hyperlink] = []
    parked = ""
    if found.parked.total:
        parked = f"{counted(found.parked.total, 'problem needs', 'problems need')} attention."
        ways.append(Hyperlink("See what needs attention", href("/parked")))
    for look in (_enlarged, _without_workers, _without_access, _on_hold, _paused, _late, _crowded, _unfinished):
        trouble = look(now)
        if trouble is not None:
            state, why, way = trouble
            return state, tuple(one for one in (why, parked) if one), (*((way,) if way else ()), *ways)
    paused = [one.connection for one in now.connections if one.paused]
    waiting = sum(sum(one.undelivered.values()) for one in now.connections if not one.paused)
    if is_without_connections(found):
        words = "A connection carries the leads of one Lofty team to one GoHighLevel location."
        return (
            StatusText("idle", "No connection works yet"),
            (words,),
            (Hyperlink("See connections", href("/connections")),),
        )
    state = StatusText("ok", "Running, and up to date")
    if waiting:
        state = StatusText("ok", f"Running, {counted(waiting, 'change')} on the way")
    if paused:
        names = ", ".join(paused)
        state = StatusText("warn", f"{state.words}; {names} {'is' if len(paused) == 1 else 'are'} paused")
        ways.append(Hyperlink("See connections", href("/connections")))
    fresh = "" if found.is_limited else _fresh(now)
    return state, tuple(one for one in (fresh, _meanwhile(now), parked) if one), tuple(ways)


def is_without_connections(found: OverviewNow) -> bool:
    """Whether there is nothing to carry yet, so that figures would only say nothing."""
    return not found.deployment.connections and not found.is_limited and not found.parked.total


ErrorView = tuple[StatusText, str, Hyperlink | None]


def _enlarged(now: Deployment) -> ErrorView | None:
    """The sync engine moves to more partitions, and no worker may run: a planned pause, unless it lasts."""
    move = now.move
    if move is None or not move.pauses_workers:
        return None
    words = "The sync engine is paused while it is made larger"
    lasted = length((now.at_ms - move.since_ms) / 1000)
    kept = f"For {lasted} so far. New changes are kept, and synced when it runs again; nothing is lost."
    if move.stands_still_since(now.at_ms) is None:
        return StatusText("busy", words), kept, None
    return StatusText("bad", words), f"{kept} That is longer than expected: tell whoever runs the sync engine.", None


def _unfinished(now: Deployment) -> ErrorView | None:
    """It was begun, and nobody goes on with it."""
    since_ms = now.move.stands_still_since(now.at_ms) if now.move is not None else None
    if since_ms is None:
        return None
    return (
        StatusText("warn", "Running; making the sync engine larger does not go on"),
        f"It was begun, and nothing has happened for {length((now.at_ms - since_ms) / 1000)}. Changes are synced as usual. "
        "Tell whoever runs the sync engine.",
        None,
    )


def _meanwhile(now: Deployment) -> str:
    return "" if now.move is None else "The sync engine is being made larger. Changes are synced as usual meanwhile."


def _without_workers(now: Deployment) -> ErrorView | None:
    if not now.alive:
        return (
            StatusText("bad", "The sync engine is not running"),
            "No worker reports. Changes from Lofty and GHL are kept, and synced once one runs.",
            None,
        )
    if not now.unowned:
        return None
    part = f"{len(now.unowned)} of {counted(now.partitions, 'partition')}"
    if any(one.state == "starting" for one in now.alive):
        return (
            StatusText("busy", "Workers are starting"),
            f"{part} are being taken over. Nothing is lost meanwhile.",
            None,
        )
    return StatusText("bad", "Part of the work has no worker"), f"{part} have no worker.", None


def _without_access(now: Deployment) -> ErrorView | None:
    for one in now.budgets:
        if one.paused in NO_ACCESS and not awaits_consent(now, one):
            names = ", ".join(one.connections)
            words = f"No access to {VENDORS[one.dispatcher]} for {names}"
            return StatusText("bad", words), _sentence(one.because), Hyperlink("See connections", href("/connections"))
    return None


def _on_hold(now: Deployment) -> ErrorView | None:
    held = [one for one in now.connections if one.on_hold]
    if not held:
        return None
    names = ", ".join(one.connection for one in held)
    words = f"{names} {'waits' if len(held) == 1 else 'wait'} before anything is synced"
    return (
        StatusText("warn", words),
        f"Waiting for {awaited(held[0].on_hold)}.",
        Hyperlink("See connections", href("/connections")),
    )


def _paused(now: Deployment) -> ErrorView | None:
    paused = [one for one in now.budgets if one.paused and not awaits_consent(now, one)]
    if not paused:
        return None
    one = paused[0]
    names = ", ".join(one.connections)
    return StatusText("warn", f"{VENDORS[one.dispatcher]} makes {names} wait"), _sentence(one.because), None


def _crowded(now: Deployment) -> ErrorView | None:
    """Checks of all leads that cannot be made in time."""
    for budget, found in forecasts(now.budgets, [(one.connection, one.reading) for one in now.connections]):
        if not found.is_kept:
            words = f"The full checks of {counted(found.connections, 'connection')} take longer than their time"
            return (
                StatusText("warn", words),
                _crowded_words(budget.budget, found),
                Hyperlink("See connections", href("/connections")),
            )
    return None


def _crowded_words(budget: str, found: SweepForecast) -> str:
    ways = (
        (found.quiet_days, "checking notes and tasks of quiet leads every {} days"),
        (found.full_hours, "checking all leads every {} hours"),
        (found.apps, "using {} apps of Lofty"),
    )
    help_ = " or ".join(words.format(value) for value, words in ways if value)
    says = (
        f"One check of all {grouped(found.leads)} leads that share the limit {budget} at Lofty takes {length(found.sweep_minutes * 60)}, and is due "
        f"every {found.longest_hours:g} hours. Changes that no webhook reported are found late; all others are not."
    )
    return f"{says} What helps: {help_}." if help_ else says


def _late(now: Deployment) -> ErrorView | None:
    oldest = [one.oldest_accepted_ms for one in now.connections if one.oldest_accepted_ms is not None]
    seconds = (now.at_ms - min(oldest)) / 1000 if oldest else 0.0
    if seconds < LATE_SECONDS:
        return None
    return (
        StatusText("warn", "Running, but some changes are late"),
        f"The oldest has waited for {length(seconds)}.",
        None,
    )


def _fresh(now: Deployment) -> str:
    live, fresh = now.totals.get("live", 0), now.totals.get("live_within_60s", 0)
    if not live:
        return "No change has arrived since the workers started."
    if live == 1:
        return f"The one live change was {'' if fresh else 'not '}in GHL within a minute."
    share = 100 * fresh / live
    shown = f"{share:.0f}" if share in (0.0, 100.0) else f"{min(share, 99.9):.1f}"
    return f"{shown} % of {counted(live, 'live change')} were in GHL within a minute."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) or not words else '.'}"
