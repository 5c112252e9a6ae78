"""What a property says of a history: violations, what was excused by a promise's own words, and how much was examined."""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(slots=True)
class Tally:
    """A finding while it is made."""

    number: int
    title: str
    unit: str
    examined: int = 0
    _violations: list[Violation] = field(default_factory=list)
    _excused: list[Violation] = field(default_factory=list)

    def note(self, where: str, what: str, evidence: tuple[str, ...] = (), *, is_excused: bool = False) -> None:
        """Something that must not be, or that is excused."""
        (self._excused if is_excused else self._violations).append(Violation(self.number, where, what, evidence))

    def finding(self) -> Finding:
        """What was found. A check that examined nothing could not have failed: that is a violation, too."""
        if not self.examined and not self._violations:
            self.note("the history", f"no {self.unit} to examine")
        return Finding(self.number, self.title, self.unit, self.examined, tuple(self._violations), tuple(self._excused))
