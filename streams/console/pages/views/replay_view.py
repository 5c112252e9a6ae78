"""Replays as their page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.console.pages.dry_runs import Dry
from streams.console.pages.views.links import about, contact_of
from streams.console.pages.views.page_view import ProgressBar, StatusText
from streams.console.pages.wording import counted, grouped, length
from streams.console.services.dry_run import DryExample, DryRunState
from streams.console.services.replay import OF_CONSOLE, ReplayState
from streams.messages.topics import CHANGES, GHL_CHANGES, PARKED, SNAPSHOTS


@dataclass(frozen=True, slots=True)
class ReplayExample:
    """One entity that a replay would write."""

    who: str
    entity: str
    step: str
    fields: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class DryRunView:
    """What a replay would do, without having asked any vendor."""

    state: StatusText
    read: int
    counts: tuple[tuple[str, int], ...]
    differences: tuple[tuple[str, int], ...]
    examples: tuple[ReplayExample, ...]
    took: str
    would_write: int
    duration: str = ""
    progress: ProgressBar | None = None


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """A replay that runs or has run."""

    run: ReplayState
    state: StatusText
    what: str
    by: str
    progress: ProgressBar
    can_stop: bool
    can_resume: bool = False
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayForm:
    """What the person asked for."""

    topic: str = "lofty.snapshots"
    connection: str = ""
    contact: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    rate: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayView:
    """The page."""

    form: ReplayForm
    topics: tuple[tuple[str, str], ...]
    connections: tuple[str, ...]
    reasons: tuple[str, ...]
    dry_run: DryRunView | None
    runs: tuple[ReplayRun, ...]


TOPICS = (
    (SNAPSHOTS, "Latest data from Lofty"),
    (CHANGES, "Changes: read from Lofty again"),
    (GHL_CHANGES, "Events from GHL: processed again"),
    (PARKED, "What needs attention: retried"),
)
_SHORT = {
    SNAPSHOTS: "Latest data from Lofty",
    CHANGES: "Changes",
    GHL_CHANGES: "Events from GHL",
    PARKED: "What needs attention",
}
_STATES = {
    "running": StatusText("busy", "Running"),
    "done": StatusText("ok", "Done"),
    "stopped": StatusText("idle", "Stopped"),
    "interrupted": StatusText("warn", "Interrupted"),
}
_WRITES = ("create", "update", "delete")
_WAITS = ("blocked", "stuck", "in doubt")
MOST_FIELDS, MOST_RUNS, MOST_EXAMPLES = 12, 10, 12


def replay_view(
    form: ReplayForm,
    connections: Iterable[str],
    reasons: Iterable[str],
    dry: Dry | None,
    runs: Iterable[ReplayState],
    now_ms: int,
) -> ReplayView:
    """The whole page."""
    shown = tuple(run(one, now_ms) for one in list(runs)[:MOST_RUNS])
    return ReplayView(form, TOPICS, tuple(connections), tuple(reasons), dry_run(dry, form.rate) if dry else None, shown)


def dry_run(one: Dry, rate: str) -> DryRunView:
    """A dry run, under way or done."""
    if one.problem:
        return DryRunView(StatusText("bad", one.problem), 0, (), (), (), "", 0)
    if one.found is None:
        words = "Planning each record; no vendor is asked"
        return DryRunView(StatusText("busy", "Running"), 0, (), (), (), "", 0, progress=ProgressBar(None, words))
    found = one.found
    fields: Counter[str] = Counter()
    for connection in found.connections:
        fields.update(connection.fields)
    examples = [example for connection in found.connections for example in connection.examples]
    would_write = sum(_total(found, verdict) for verdict in _WRITES)
    state = StatusText("ok", "Done")
    if found.other_mapping:
        names = ", ".join(found.other_mapping)
        state = StatusText("warn", f"The workers of {names} do not have this mapping yet: try again in a moment")
    took = f"It took {length(found.seconds)}, and no vendor was asked."
    if found.left:
        took += f" {counted(len(found.left), 'record')} fail: {next(iter(found.left.values()))}."
    return DryRunView(
        state,
        found.chosen,
        _counts(found, would_write),
        tuple((name.removeprefix("custom:"), number) for name, number in fields.most_common(MOST_FIELDS)),
        tuple(_example(example) for example in examples[:MOST_EXAMPLES]),
        took,
        would_write,
        _duration(found, rate),
    )


def run(one: ReplayState, now_ms: int) -> ReplayRun:
    """One replay."""
    state = _STATES.get(one.state, StatusText("idle", one.state))
    if one.problem:
        state = StatusText("bad", f"Ended early: {one.problem}")
    done = one.handed + one.passed + one.left
    part = 1.0 if one.state == "done" else done / one.chosen if one.chosen else None
    words = f"{grouped(done)} of {counted(one.chosen, 'record')}" if one.chosen else "Reading"
    if one.state == "done" and not one.chosen:
        words = "There was nothing to do"
    left = ""
    if part and part < 1 and one.state == "running":
        left = f"{length((now_ms - one.began_ms) / 1000 * (1 - part) / part)} left"
    counts = (("Updated", one.handed), ("Already correct", one.passed), ("Failed", one.left))
    return ReplayRun(
        run=one,
        state=state,
        what=what(one.topic, one.selection),
        by=one.by.removesuffix(OF_CONSOLE),
        progress=ProgressBar(part, words, left),
        can_stop=one.state == "running" and not one.problem,
        can_resume=one.state in ("stopped", "interrupted") or (one.state == "running" and bool(one.problem)),
        counts=tuple(pair for pair in counts if pair[1]),
    )


def what(topic: str, selection: Mapping[str, Any]) -> str:
    """A selection in words."""
    words = _SHORT.get(topic, topic)
    if selection.get("contact"):
        words += f" of {'contact' if topic == GHL_CHANGES else 'lead'} {selection['contact']}"
        words += f" in {selection['connection']}" if selection.get("connection") else ""
    elif selection.get("connection"):
        words += f" of {selection['connection']}"
    if selection.get("reason"):
        words += f", because of “{selection['reason']}”"
    if "since_ms" in selection or "until_ms" in selection:
        words += ", within a time range"
    return words


def _counts(found: DryRunState, would_write: int) -> tuple[tuple[str, int], ...]:
    if not found.connections:
        return (("Chosen", found.chosen), *found.counts.items())
    waiting, pending = sum(_total(found, one) for one in _WAITS), _total(found, "pending")
    return (
        ("Checked", sum(sum(one.verdicts.values()) for one in found.connections)),
        ("Would be written", would_write),
        ("Unchanged", _total(found, "unchanged") + _total(found, "stale")),
        *((("Already on their way", pending),) if pending else ()),
        *((("Would wait", waiting),) if waiting else ()),
        ("Requests to GHL", sum(one.requests for one in found.connections)),
    )


def _total(found: DryRunState, verdict: str) -> int:
    return sum(one.verdicts.get(verdict, 0) for one in found.connections)


def _duration(found: DryRunState, rate: str) -> str:
    if not found.chosen:
        return "There is nothing to apply."
    try:
        seconds = found.chosen / float(rate)
    except (ValueError, ZeroDivisionError):
        seconds = 0.0
    return f"This takes about {length(max(found.minutes * 60, seconds, 1.0))}, with nothing else to do."


def _example(one: DryExample) -> ReplayExample:
    names = dict.fromkeys(name.removeprefix("custom:") for step in one.steps for name in step.fields)
    steps = ", ".join(dict.fromkeys(step.step for step in one.steps)) or one.verdict
    parts = one.entity.split(":")
    who = f"Lead {parts[1]}" if len(parts) == 4 else one.entity
    return ReplayExample(who, about(one.entity), steps, ", ".join(names) or one.because, contact_of(one.entity))
