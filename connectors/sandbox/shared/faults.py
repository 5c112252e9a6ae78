"""Faults on request: what to do instead of a good answer, to which requests, how often.

| kind | what happens |
| --- | --- |
| `status` | answers `status` without doing anything; with `applies` it does the work first; `text`, if given, is the whole body |
| `drop_before_apply` | closes the connection, nothing was done |
| `drop_after_apply` | does the work, then closes the connection without an answer |
| `timeout_after_apply` | does the work, then gives no answer for `seconds`, then closes the connection |
| `delay` | answers well, `seconds` later |
| `mangle` | does the work, and answers something that is no good answer: `how` says what, `text` in which answers only |
| `revoke` | the budget's credentials are refused with 401 until the fault is cleared |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal, get_args

from connectors.sandbox.shared.mangle import How

Kind = Literal["status", "drop_before_apply", "drop_after_apply", "timeout_after_apply", "delay", "mangle", "revoke"]


@dataclass(frozen=True, slots=True)
class SandboxFault:
    """One fault.

    `operation` and `budget` select requests, as patterns (`create-*`); the budget is a location or an account.
    `times` is how often, None for until cleared; `probability` is how likely each time.
    """

    kind: Kind
    operation: str = "*"
    budget: str = "*"
    times: int | None = None
    probability: float = 1.0
    status: int = 500
    seconds: float = 60.0
    applies: bool = False
    how: How = "surrogate"
    text: str = ""

    def fits(self, operation: str, budget: str) -> bool:
        """Whether it concerns a request."""
        return fnmatchcase(operation, self.operation) and fnmatchcase(budget, self.budget)


def parse_fault(given: Mapping[str, Any]) -> SandboxFault:
    """A fault from JSON. Raises `ValueError` that says what is wrong."""
    known = [one.name for one in fields(SandboxFault)]
    if given.get("kind") not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {given.get('kind')!r}")
    if unknown := given.keys() - set(known):
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    if given.get("how", "surrogate") not in get_args(How):
        raise ValueError(f"how must be one of {', '.join(get_args(How))}, not {given['how']!r}")
    fault = SandboxFault(**given)
    if fault.times is not None and (not isinstance(fault.times, int) or fault.times < 1):
        raise ValueError(f"times must be a number above 0, or null for until cleared, not {fault.times!r}")
    if not isinstance(fault.probability, int | float) or not 0 <= fault.probability <= 1:
        raise ValueError(f"probability must be from 0 to 1, not {fault.probability!r}")
    return fault


class FaultBox:
    """The faults in force. The first that fits a request is taken. `random` is seeded by whoever gives it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.faults: list[SandboxFault] = []

    def add(self, fault: SandboxFault) -> None:
        """Put a fault in force."""
        self.faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self.faults.clear()

    def take(self, operation: str, budget: str) -> SandboxFault | None:
        """The fault for this request, if any; it counts as used."""
        for position, fault in enumerate(self.faults):
            if not fault.fits(operation, budget):
                continue
            if fault.probability < 1.0 and self._random.random() >= fault.probability:
                continue
            if fault.times is not None:
                if fault.times > 1:
                    self.faults[position] = replace(fault, times=fault.times - 1)
                else:
                    del self.faults[position]
            return fault
        return None
