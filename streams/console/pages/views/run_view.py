"""How far a run in a process of its own is, such as a comparison or a rehearsal."""

from __future__ import annotations

from streams.console.pages.views.page_view import ProgressBar, StatusText
from streams.console.pages.wording import grouped
from streams.console.services.run_records import RunFacts


def progress_of(run: RunFacts, words: str) -> ProgressBar:
    """The bar of a run that does what `words` say. More may be done than there was to do at first: then the bar is full."""
    left = f"{grouped(run.done)} of {grouped(run.of)}" if run.of else f"{grouped(run.done)} so far" if run.done else ""
    return ProgressBar(min(1.0, run.done / run.of) if run.of else None, words, left)


def without_result(run: RunFacts) -> StatusText:
    """The state of a run that is under way, or that ended without a result."""
    if run.is_running:
        return StatusText("busy", "running")
    return StatusText("bad", "cut off" if run.is_cut_off else "failed")
