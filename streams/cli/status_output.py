"""The state of a deployment as text and as JSON. The text is short, whatever the number of connections: what is wrong comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from streams.cli.shared import count_of

if TYPE_CHECKING:
    from streams.core.sweep_forecast import SweepForecast
    from streams.messages.worker_status import BudgetStatus
    from streams.operations.status.health import HealthProblem
    from streams.operations.status.overview import ConnectionView, Overview
    from streams.operations.status.summary import ConnectionCounts, ProblemGroup

FEW = 5
"""So many connections, and limits, are listed always; more only if they need attention, or on demand (`--all`)."""
MOST_IN_NEED = 10
"""So many connections that need attention are listed with their figures."""
MOST_PROBLEMS = 30
MOST_PROCESSES = 8
FOR_THE_OTHERS = " (and so for the others)"
"""Behind a command that names the first of several."""


def lines(found: Overview, wrong: tuple[HealthProblem, ...], *, everything: bool = False) -> Iterator[str]:
    """An overview as a person reads it: what is wrong, with what fixes it, then the figures of what has a problem, then counts."""
    from streams.core.moments import utc
    from streams.operations.status.summary import connection_counts, grouped, needing_attention

    at = utc(found.at_ms).strftime("%Y-%m-%d %H:%M:%SZ")
    yield f"{at}  {_verdict(found, wrong)}"
    groups = grouped(wrong, len(wrong) + 1) if everything else grouped(wrong)
    yield from _problems(groups, len(groups) if everything else MOST_PROBLEMS)
    yield from _processes(found, everything=everything)
    in_need = needing_attention(found, wrong)
    listed = found.connections if everything or len(found.connections) <= FEW else in_need[:MOST_IN_NEED]
    if found.connections:
        yield f"connections  {_counted(len(found.connections), connection_counts(found, in_need))}"
    for connection in listed:
        yield from _connection(connection, found.at_ms)
    if more := len(found.connections) - len(listed):
        yield f"  {more} more are not listed: lofty-ghl status --all"
    yield from _sweeps(_forecasts(found), everything=everything)
    waiting = [lag for lag in found.lags if lag.records]
    words = ", ".join(f"{lag.topic} {lag.records}{_since(lag.oldest_ms, found.at_ms)}" for lag in waiting)
    yield f"topics    {words or 'nothing waits'}"


def _verdict(found: Overview, wrong: Sequence[HealthProblem]) -> str:
    if wrong:
        return f"{count_of(len(wrong), 'problem')} to fix:"
    paused = [one.connection for one in found.connections if one.paused]
    if not paused:
        return "all is well"
    return f"all is well, but for what is paused: {some_of(paused)}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - most
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:most])} and {more} more"


def _problems(groups: Sequence[ProblemGroup], most: int) -> Iterator[str]:
    for group in groups[:most]:
        yield f"  {some_of(group.subjects)}: {group.says}"
        yield f"    → {group.fix}{'' if group.is_for_all else FOR_THE_OTHERS}"
    if (more := len(groups) - most) > 0:
        yield f"  and {count_of(more, 'problem')} more: lofty-ghl status --all"


def _processes(found: Overview, *, everything: bool) -> Iterator[str]:
    owned = f"{found.partitions - len(found.unowned)} of {found.partitions} partitions"
    yield f"workers   {len(found.alive)} alive, {owned}"
    if found.move:
        yield f"  {found.move.words_at(found.at_ms)}"
    many = not everything and len(found.workers) + len(found.gateways or ()) > MOST_PROCESSES
    for one in found.workers:
        if many and one.state == "ready":
            continue
        own = f"partitions {', '.join(map(str, one.status.fenced)) or 'none'}"
        host = one.status.host if one.status.process is None else f"{one.status.host} process {one.status.process}"
        yield f"  {one.status.instance}  {one.state:<9} {own}  {host}, last status {one.silent_ms / 1000:.0f} s ago"
    for gateway in found.gateways or ():
        if many and gateway.state == "ready":
            continue
        yield f"  gateway {gateway.status.gateway}  {gateway.state:<9} {gateway.status.host}, last status {gateway.silent_ms / 1000:.0f} s ago"
    if many:
        states = [*(one.state for one in found.workers), *(one.state for one in found.gateways or ())]
        ready = states.count("ready")
        yield f"  the other {ready} are ready"


def _counted(number: int, counts: ConnectionCounts) -> str:
    parts = [
        f"{counts.needs_attention} with a problem" if counts.needs_attention else "",
        f"{counts.paused} paused" if counts.paused else "",
        f"{counts.well} well",
        f"{counts.links} linked",
        f"{counts.undelivered} on their way" if counts.undelivered else "",
    ]
    return f"{number}: {', '.join(part for part in parts if part)}"


def _connection(one: ConnectionView, now_ms: int) -> Iterator[str]:
    linked = "" if one.links is None else f"{one.links} linked"
    paused = f"paused {one.paused_words}" if one.paused else ""
    yield f"connection {one.title}  {', '.join(word for word in (linked, paused) if word)}".rstrip()
    for name, budget in (("Lofty", one.reads), ("GHL", one.writes)):
        yield f"  {name:<8}{'no worker reports it' if budget is None else _budget(budget, now_ms)}"
    under_way = ", ".join(f"{number} in {stage}" for stage, number in one.undelivered.items() if number)
    yield f"  waits   {under_way or 'nothing'}{_since(one.oldest_accepted_ms, now_ms)}"
    if parked := ", ".join(f"{number} in {stage}" for stage, number in one.parked.items() if number):
        yield f"  parked  {parked}"
    if one.conflicts:
        yield f"  unclear {count_of(one.conflicts, 'conflict')} undecided: lofty-ghl conflicts"
    sweep = one.reading.sweep if one.reading is not None else None
    if sweep is not None and sweep.running:
        yield f"  sweep   {sweep.running}: {sweep.leads} of {sweep.total if sweep.total is not None else '?'} leads"
    elif sweep is not None:
        ended = max(sweep.new_ended_ms, sweep.full_ended_ms)
        yield f"  sweep   last{_since(ended or None, now_ms) or ' never'}: {sweep.leads} leads, {sweep.changes} changes"


def _sweeps(found: Sequence[tuple[BudgetStatus, SweepForecast]], *, everything: bool) -> Iterator[str]:
    """How long sweeps take. Where there are many limits, the one that its schedules fill most."""
    from streams.core.sweep_schedules import forecast_words

    some = [(budget, forecast) for budget, forecast in found if forecast.leads]
    listed = some if everything or len(some) <= FEW else [max(some, key=lambda one: one[1].load)]
    for budget, forecast in listed:
        yield f"sweeps    {budget.budget}: {forecast_words(forecast)}"
    if more := len(some) - len(listed):
        yield f"          {count_of(more, 'limit')} more of Lofty, whose schedules take less"


def _forecasts(found: Overview) -> list[tuple[BudgetStatus, SweepForecast]]:
    from streams.core.sweep_schedules import forecasts

    return list(forecasts(found.budgets, [(one.connection, one.reading) for one in found.connections]))


def _budget(one: BudgetStatus, now_ms: int) -> str:
    parts = [f"{one.window_used} of {one.window_limit} in {one.window_seconds:g} s"]
    if one.quota_limit is not None:
        parts.append(f"{one.quota_left} of {one.quota_limit} left today ({one.quota_regime})")
    if waiting := ", ".join(f"{number} {priority}" for priority, number in one.waiting.items() if number):
        parts.append(f"waiting: {waiting}")
    if one.paused:
        parts.append(f"paused{_since(one.paused_since_ms, now_ms)}: {one.because or one.paused}")
    return "; ".join(parts)


def _since(at_ms: int | None, now_ms: int) -> str:
    if at_ms is None:
        return ""
    seconds = max(0, (now_ms - at_ms) // 1000)
    length = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
    return f" (since {length})"


def document(found: Overview, wrong: tuple[HealthProblem, ...]) -> dict[str, Any]:
    """The same as one JSON document, with every connection."""
    from dataclasses import asdict

    workers = [
        {"state": one.state, "silent_ms": one.silent_ms, **one.status.model_dump(include=_WORKER)}
        for one in found.workers
    ]
    return {
        "at_ms": found.at_ms,
        "is_well": not wrong,
        "wrong": [asdict(one) for one in wrong],
        "workers": workers,
        "partitions": found.partitions,
        "move": found.move.words_at(found.at_ms) if found.move is not None else "",
        "unowned": list(found.unowned),
        "connections": [
            {
                "connection": one.connection,
                "title": one.title,
                "links": one.links,
                "undelivered": one.undelivered,
                "oldest_accepted_ms": one.oldest_accepted_ms,
                "parked": one.parked,
                "conflicts": one.conflicts,
                "on_hold": one.on_hold,
                "paused": list(one.paused),
                "lofty": one.reads.model_dump() if one.reads is not None else None,
                "ghl": one.writes.model_dump() if one.writes is not None else None,
                "sweep": one.reading.sweep.model_dump() if one.reading and one.reading.sweep else None,
            }
            for one in found.connections
        ],
        "gateways": [
            {"state": one.state, "silent_ms": one.silent_ms, **one.status.model_dump(exclude={"v"})}
            for one in found.gateways or ()
        ],
        "forecasts": [
            {"budget": budget.budget, "is_kept": forecast.is_kept, **asdict(forecast)}
            for budget, forecast in _forecasts(found)
        ],
        "parked_open": [asdict(one) for one in found.parked_open],
        "lags": [one.model_dump() for one in found.lags],
        "mapping_versions": list(found.mapping_versions),
    }


_WORKER = {
    "instance",
    "host",
    "process",
    "release",
    "started_ms",
    "at_ms",
    "fenced",
    "mapping_version",
    "mapping_trouble",
}
