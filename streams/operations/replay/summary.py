"""The result of a dry run: counts over all planned outcomes, and some entities as examples. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streams.operations.replay.simulate import VERDICTS, PlannedOutcome

WRITES = frozenset({"create", "update", "delete"})
WORTH_SHOWING = frozenset({"create", "update", "delete", "blocked", "stuck", "in doubt"})


@dataclass(slots=True)
class Summary:
    """Counts of one connection. `fields` and `steps` count what would be written, `examples` are the first entities.

    `parked` counts the entities that wait for a person now and would be retried.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    new_fields: set[str] = field(default_factory=set)
    parked: int = 0
    examples: list[PlannedOutcome] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many requests to GHL it would take."""
        return self.steps.total()

    @property
    def entities(self) -> int:
        """How many entities were planned."""
        return self.verdicts.total()

    def add(self, outcomes: Iterable[PlannedOutcome], most: int) -> None:
        """Count outcomes; of those worth showing, the first `most` are kept."""
        for outcome in outcomes:
            self.verdicts[outcome.verdict] += 1
            self.parked += outcome.was_parked
            for request in outcome.steps:
                self.steps[request.step] += 1
                self.fields.update(request.fields.keys())
            self.new_fields.update(outcome.new_fields)
            if outcome.verdict in WRITES:
                self.flags.update(outcome.flags)
            if len(self.examples) < most and (outcome.verdict in WORTH_SHOWING or outcome.was_parked):
                self.examples.append(outcome)

    def merge(self, other: Summary, most: int) -> None:
        """Add the counts of another summary."""
        self.verdicts += other.verdicts
        self.steps += other.steps
        self.fields += other.fields
        self.flags += other.flags
        self.new_fields |= other.new_fields
        self.parked += other.parked
        self.examples += other.examples[: max(0, most - len(self.examples))]

    def as_dict(self) -> dict[str, Any]:
        """For a JSON document."""
        return {
            "verdicts": {verdict: self.verdicts[verdict] for verdict in VERDICTS},
            "requests": self.requests,
            "steps": dict(self.steps.most_common()),
            "fields": dict(self.fields.most_common()),
            "flags": dict(self.flags.most_common()),
            "new_fields": sorted(self.new_fields),
            "parked": self.parked,
            "examples": [
                {
                    "entity": outcome.entity,
                    "verdict": outcome.verdict,
                    "because": outcome.because,
                    "was_parked": outcome.was_parked,
                    "steps": [{"step": request.step, "fields": dict(request.fields)} for request in outcome.steps],
                    "flags": list(outcome.flags),
                }
                for outcome in self.examples
            ],
        }
