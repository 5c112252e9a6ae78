"""The report of one run: counts, findings, repairs, and what could not be checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streams.operations.verify.findings import STATES, WRONG, Finding, State

FINISHED_RIGHT, FINISHED_WRONG, NOT_FINISHED, UNDECIDED = 0, 1, 3, 4


@dataclass(slots=True)
class ConnectionReport:
    """The report of one connection. `findings` are the entities that are wrong, parked or in conflict at the end. The repaired ones are apart.

    `counts` counts entities by their state at the end. `unfinished` says in words what this run could not check.
    `remarks` say what cannot be checked at this location at all. `left_out` are the values that GHL does not take, in words, with
    the number of contacts that are without them. `requests` counts the run's requests to GHL.
    """

    name: str
    leads: int = 0
    compared: int = 0
    requests: int = 0
    counts: Counter[State] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    mended: list[Finding] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, findings: Iterable[Finding]) -> None:
        """Add the final findings of one lead."""
        for one in findings:
            self.counts[one.state] += 1
            self.compared += one.compared
            self.left_out.update(one.left_out)
            if one.is_wrong or one.state in ("parked", "conflict"):
                self.findings.append(one)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "leads": self.leads,
            "requests": self.requests,
            "fields_compared": self.compared,
            "counts": {state: self.counts[state] for state in STATES},
            "mended": [one.as_dict() for one in self.mended],
            "findings": [one.as_dict() for one in self.findings],
            "unfinished": self.unfinished,
            "remarks": self.remarks,
            "left_out": dict(self.left_out),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All connections of one run."""

    run: str
    seconds: float
    connections: tuple[ConnectionReport, ...]

    @property
    def counts(self) -> Counter[State]:
        """Over all connections."""
        return sum((one.counts for one in self.connections), Counter())

    @property
    def wrong(self) -> int:
        """How many entities are wrong and were not repaired."""
        return sum(number for state, number in self.counts.items() if state in WRONG)

    @property
    def undecided(self) -> int:
        """How many contacts are in a conflict about which nobody has decided."""
        return sum(finding.is_undecided for one in self.connections for finding in one.findings)

    @property
    def exit_code(self) -> int:
        """0: everything is right. 1: something is wrong and was not repaired. 3: not everything could be checked.

        4: nothing is wrong, but conflicts wait for a person's decision.
        """
        if any(one.unfinished for one in self.connections):
            return NOT_FINISHED
        if self.wrong:
            return FINISHED_WRONG
        return UNDECIDED if self.undecided else FINISHED_RIGHT

    def as_dict(self) -> dict[str, Any]:
        """The document that `--json` prints. Verify compares GHL with our newest `snapshots` of Lofty, not with Lofty itself."""
        counts = self.counts
        return {
            "run": self.run,
            "seconds": round(self.seconds, 1),
            "compared_with": "snapshots",
            "is_right": self.exit_code == FINISHED_RIGHT,
            "is_finished": self.exit_code != NOT_FINISHED,
            "counts": {state: counts[state] for state in STATES},
            "undecided_conflicts": self.undecided,
            "mended": sum(len(one.mended) for one in self.connections),
            "requests": sum(one.requests for one in self.connections),
            "connections": {one.name: one.as_dict() for one in self.connections},
        }
