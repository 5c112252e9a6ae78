"""Shows a run to people: its progress, then the report in lines."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streams.operations.verify.findings import Finding
from streams.operations.verify.report import NOT_FINISHED, Report
from streams.settings import Connection, Settings

REQUESTS_A_LEAD = 3
"""Each lead costs three requests: for its contact, its notes and its tasks."""

MOST_LINES = 50
"""At most so many findings are shown; `--json` has all."""
MOST_LEFT_OUT = 20
_LONGEST = 60


class Bars:
    """One progress bar for each connection and activity. Use it as a context manager, and call it with the progress of a run."""

    def __init__(self, console: Console, settings: Settings) -> None:
        self._console = console
        self._settings = settings
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, connection: str, doing: str, done: int, of: int) -> None:
        """Move the bar. `of` is 0 while the total is not known."""
        key = (connection, doing)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"{connection}: {doing}", total=of or None)
            if doing == "reading":
                self._console.print(estimate(self._settings.connections[connection], of), markup=False)
        self._progress.update(self._tasks[key], completed=done, total=of or None)


def estimate(connection: Connection, leads: int) -> str:
    """How long reading so many leads will take, in one line."""
    ghl = connection.ghl
    requests = leads * REQUESTS_A_LEAD
    minutes = requests * ghl.window_seconds / ghl.requests_per_window / 60
    return (
        f"{connection.name}: {leads} leads, about {requests} requests at {ghl.requests_per_window} in "
        f"{ghl.window_seconds:g} s: {minutes:.0f} minutes or more, because live changes go first"
    )


def lines(report: Report) -> Iterator[str]:
    """The report in lines."""
    for one in report.connections:
        counts = ", ".join(f"{number} {state}" for state, number in sorted(one.counts.items()) if number) or "nothing"
        yield f"{one.name}: leads {one.leads}, {one.compared} fields compared, {one.requests} requests: {counts}"
        for finding in [*one.mended][:MOST_LINES]:
            yield f"  repaired    {line(finding)}"
        for finding in one.findings[:MOST_LINES]:
            yield f"  {finding.state:<11} {line(finding)}"
        if (more := len(one.findings) - MOST_LINES) > 0:
            yield f"  and {more} more: --json has all"
        yield from (f"  remark      {remark}" for remark in one.remarks)
        for words, number in one.left_out.most_common(MOST_LEFT_OUT):
            yield f"  left out    {words} ({number} {'contact' if number == 1 else 'contacts'})"
        yield from (f"  unfinished  {words}" for words in one.unfinished)
    yield _verdict(report)


def line(finding: Finding) -> str:
    """One finding in one line."""
    fields = "; ".join(
        f"{one.field} should be {_short(one.wanted)}, is {_short(one.found)}" for one in finding.differences
    )
    parts = (
        finding.because,
        fields,
        f"in GHL: {', '.join(finding.ghl_ids)}" if finding.ghl_ids else "",
        finding.advice,
    )
    return f"{finding.entity}  {'. '.join(part for part in parts if part)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _verdict(report: Report) -> str:
    waits = (
        f" Undecided conflicts: {report.undecided}. `lofty-ghl conflicts` shows both people."
        if report.undecided
        else ""
    )
    if report.exit_code == NOT_FINISHED:
        return f"Not everything could be checked.{waits}"
    if not report.wrong and report.undecided:
        return f"Nothing is wrong in GHL, but it is not all that Lofty has.{waits}"
    if not report.wrong:
        return "GHL holds what our newest snapshots of Lofty say. Lofty itself was not asked."
    repairable = sum(1 for one in report.connections for finding in one.findings if finding.remedies)
    hint = f" --repair can fix {repairable}." if repairable else ""
    return f"Wrong: {report.wrong}.{hint}{waits}"
