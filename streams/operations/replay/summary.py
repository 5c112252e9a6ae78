"""What a dry run says: counts over all that is foreseen, and some entities as examples. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streams.operations.replay.simulate import VERDICTS, PlannedOutcome

WRITES = frozenset({"create", "update", "delete"})
WORTH_SHOWING = frozenset({"create", "update", "delete", "blocked", "stuck", "in doubt"})


@dataclass(slots=True)
class Tally:
    """Counts of one connection. `fields` and `steps` count what would be written, `examples` are the first entities.

    `parked` are those among them that wait for a person now and would be tried again.
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
        """How many were looked at."""
        return self.verdicts.total()

    def add(self, foreseen: Iterable[PlannedOutcome], most: int) -> None:
        """Count; of what is worth showing, the first `most` are kept."""
        for one in foreseen:
            self.verdicts[one.verdict] += 1
            self.parked += one.was_parked
            for step in one.steps:
                self.steps[step.step] += 1
                self.fields.update(step.fields.keys())
            self.new_fields.update(one.new_fields)
            if one.verdict in WRITES:
                self.flags.update(one.flags)
            if len(self.examples) < most and (one.verdict in WORTH_SHOWING or one.was_parked):
                self.examples.append(one)

    def merge(self, other: Tally, most: int) -> None:
        """Take over what another has counted."""
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
                    "entity": one.entity,
                    "verdict": one.verdict,
                    "because": one.because,
                    "was_parked": one.was_parked,
                    "steps": [{"step": step.step, "fields": dict(step.fields)} for step in one.steps],
                    "flags": list(one.flags),
                }
                for one in self.examples
            ],
        }
