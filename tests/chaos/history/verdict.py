"""The judge: every property over one history, and the verdict in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.history.acted import every_act_acts
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Violation
from tests.chaos.history.history import History
from tests.chaos.history.in_its_stage import in_its_stage
from tests.chaos.history.in_time import written_in_time
from tests.chaos.history.intended import every_write_is_told
from tests.chaos.history.left_alone import left_alone
from tests.chaos.history.nothing_dropped import nothing_dropped
from tests.chaos.history.nothing_lost import nothing_lost
from tests.chaos.history.nothing_stale import nothing_stale
from tests.chaos.history.nothing_twice import nothing_twice
from tests.chaos.history.once_only import once_only
from tests.chaos.history.one_at_a_time import one_at_a_time
from tests.chaos.history.one_owner import one_owner
from tests.chaos.history.one_person import one_person
from tests.chaos.history.within_limits import within_limits

PROPERTIES: tuple[Callable[[Case], Finding], ...] = (
    nothing_lost,
    nothing_twice,
    nothing_stale,
    one_at_a_time,
    within_limits,
    one_owner,
    every_write_is_told,
    every_act_acts,
    written_in_time,
    one_person,
    once_only,
    nothing_dropped,
    left_alone,
    in_its_stage,
)
"""In the order of their numbers, from 1."""

MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all properties say."""

    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Nothing is violated, and everything was examined."""
        return all(one.holds for one in self.findings)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All of them."""
        return tuple(violation for one in self.findings for violation in one.violations)

    @property
    def violated(self) -> frozenset[int]:
        """The numbers of the properties that do not hold."""
        return frozenset(one.number for one in self.violations)

    def report(self) -> str:
        """Lines for people: each property with what it examined, then violations with their evidence."""
        lines = []
        for one in self.findings:
            state = "holds" if one.holds else f"VIOLATED {len(one.violations)} times"
            excused = f", {len(one.excused)} excused" if one.excused else ""
            lines.append(f"P{one.number} {one.title}: {state} ({one.examined} {one.unit} examined{excused})")
            lines += [f"   {violation}" for violation in one.violations[:MOST_TOLD]]
            if len(one.violations) > MOST_TOLD:
                lines.append(f"   … and {len(one.violations) - MOST_TOLD} more")
            lines += [f"   excused: {violation}" for violation in one.excused[:MOST_TOLD]]
        return "\n".join(lines)


def judge(history: History) -> Verdict:
    """Judge a history. Pure: the same history, the same verdict. What was removed is judged by P13 alone."""
    whole, lasting = Case.of(history), Case.of(history.lasting())
    return Verdict(tuple(prove(whole if prove is left_alone else lasting) for prove in PROPERTIES))
