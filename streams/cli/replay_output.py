"""A replay and a dry run as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from streams.messages import Replay
from streams.operations.replay.dry_run import DryRun
from streams.operations.replay.simulate import VERDICTS, PlannedOutcome
from streams.operations.replay.summary import Summary

MOST_ROWS = 25
MEANS = {
    "create": "would be created",
    "update": "would be changed",
    "delete": "would be deleted",
    "unchanged": "stay as they are: no call",
    "pending": "are on their way already",
    "blocked": "wait for their contact",
    "stuck": "cannot be written safely",
    "in doubt": "a create was cut off: looked for first",
    "stale": "are overtaken by what GHL was given since",
}


def lines(found: DryRun) -> Iterator[str]:
    """A dry run."""
    yield f"{found.selection.topic}: {found.meaning}. Nothing was written."
    for name, tally in sorted(found.summaries.items()):
        yield ""
        yield from _tally(name, tally)
    for words, number in found.counts.items():
        yield f"{number:>9}  {words}"
    for key, why in found.failed.items():
        yield f"           {key} failed: {why}"
    yield ""
    yield f"{found.chosen} chosen in {found.seconds:.1f} s{_length(found.minutes)}"
    if found.unreadable:
        yield f"{found.unreadable} snapshots cannot be read; `deliver` has parked them"
    for name in found.other_mappings:
        yield f"connection {name}: the workers use another mapping; restart them with this one before a replay"


def table(replays: Iterable[Replay]) -> Iterator[str]:
    """Replays, one a line."""
    from streams.core.moments import utc

    is_any = False
    for one in replays:
        is_any = True
        done = one.handed + one.passed + one.left
        words = " ".join(f"{k}={v}" for k, v in one.selection.model_dump(exclude_defaults=True).items() if k != "topic")
        began = utc(one.began_ms).strftime("%Y-%m-%d %H:%M:%SZ")
        yield f"{one.run}  {one.state:<8} {done} of {one.chosen}  {one.selection.topic} {words}".rstrip()
        yield (
            f"          {one.handed} handed over, {one.passed} as they should be already, {one.left} failed; "
            f"began {began} by {one.by}"
        )
    if not is_any:
        yield "no replay is known"


def _tally(name: str, tally: Summary) -> Iterator[str]:
    yield name
    for verdict in VERDICTS:
        if tally.verdicts[verdict]:
            yield f"{tally.verdicts[verdict]:>9}  {MEANS[verdict]}"
    if tally.parked:
        yield f"{tally.parked:>9}  of these are parked now, and would be retried"
    if tally.requests:
        steps = ", ".join(f"{number} {step}" for step, number in tally.steps.most_common())
        yield f"{tally.requests:>9}  requests to GHL: {steps}"
    if tally.new_fields:
        yield f"           custom fields that would be created in the location: {', '.join(sorted(tally.new_fields))}"
    if tally.fields:
        yield "           fields that would be written:"
        for field, number in tally.fields.most_common(MOST_ROWS):
            yield f"{number:>9}    {field}"
    for flag, number in tally.flags.most_common(5):
        yield f"{number:>9}  flagged: {flag}"
    if tally.examples:
        yield "           for example:"
        for one in tally.examples:
            yield from _example(one)


def _example(one: PlannedOutcome) -> Iterator[str]:
    yield f"           {one.entity}  {one.verdict}{' (parked now)' if one.was_parked else ''}  {one.because}".rstrip()
    for step in one.steps:
        fields = ", ".join(f"{name} = {_short(value)}" for name, value in step.fields.items())
        yield f"             {step.step}: {fields}".rstrip(": ")


def _short(value: Any) -> str:
    text = "(empty)" if value in (None, "") else str(value).replace("\n", " ")
    return text if len(text) <= 60 else f"{text[:57]}..."


def _length(minutes: float) -> str:
    if minutes <= 0:
        return ""
    hours, rest = divmod(max(1, round(minutes)), 60)
    return f"; at the vendors' limits about {f'{hours} h ' if hours else ''}{rest} min"
