"""What a property says of a history: violations, what was excused by a promise's own words, and how much was examined."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be. `number` is the property's, `where` names the entity or budget, `evidence` are lines."""

    number: int
    where: str
    what: str
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"P{self.number} {self.where}: {self.what}", *(f"      {line}" for line in self.evidence)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One property, judged. `examined` counts what could have been a violation and was looked at, in words of `unit`.

    `excused` would be violations, were it not for what is not promised (a frozen process) or visible (a parked record).
    """

    number: int
    title: str
    unit: str
    examined: int
    violations: tuple[Violation, ...] = ()
    excused: tuple[Violation, ...] = ()

    @property
    def holds(self) -> bool:
        """Nothing is violated."""
        return not self.violations
