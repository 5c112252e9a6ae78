"""What a failed request means for its budget: an unexplained refusal is judged, and what asks for a pause gets one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from connectors.errors import ConnectorError
from connectors.outcome import FORBIDDEN, classify
from streams.core.refusals import Judgement, Refusals
from streams.core.scheduling.pauses import pause_after

Consequence = Literal["park", "try again", "paused", "none"]
"""`park` and `try again` are about a refused record alone; `paused` is about the budget; `none` leaves it to the outcome."""


@dataclass(frozen=True, slots=True)
class FailureJudge:
    """Judges the failures of a dispatcher's requests. `pause(budget, seconds, cause)` starts nothing for a while."""

    pause: Callable[[str, float, str], None]
    refusals: Refusals = field(default_factory=Refusals)

    def served(self, budget: str, step: str, record: str) -> None:
        """The vendor did what was asked."""
        self.refusals.served(budget, step, record)

    def failed(self, budget: str, step: str, record: str, error: ConnectorError, window_seconds: float) -> Consequence:
        """A request failed. `window_seconds` is the vendor's window, where it does not say when to come back."""
        if classify(error).name == FORBIDDEN:
            judgement = self.refusals.refused(budget, step, record)
            if judgement is Judgement.PARK:
                return "park"
            if judgement is Judgement.TRY_AGAIN:
                return "try again"
        return "paused" if self.is_paused(budget, error, window_seconds) else "none"

    def is_paused(self, budget: str, error: ConnectorError, window_seconds: float) -> bool:
        """Pause the budget where an answer asks for it; whether it does."""
        pause = pause_after(error, window_seconds)
        if pause is not None:
            self.pause(budget, *pause)
        return pause is not None
