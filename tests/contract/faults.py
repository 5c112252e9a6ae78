"""What differs between an exchange and the vendor's document, and which differences are excused.

An excuse that nothing needs is itself a fault (`judge`): so the list of excuses stays the list of what is wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Side = Literal["request", "answer"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One difference. `where` is a path like `body.customFields[0].field_value`, `rule` names what was broken."""

    operation: str
    side: Side
    where: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.operation} {self.side} {self.where}: {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Excuse:
    """Faults that are the document's, not ours. `operation` and `where` may hold `*`; array places are `[]`."""

    operation: str
    side: Side
    where: str
    rule: str
    reason: str

    def covers(self, fault: Fault) -> bool:
        """Whether it covers a fault."""
        where = re.sub(r"\[\d+\]", "[]", fault.where).replace("[", "<").replace("]", ">")
        pattern = self.where.replace("[", "<").replace("]", ">")
        return (
            self.side == fault.side
            and self.rule == fault.rule
            and fnmatchcase(fault.operation, self.operation)
            and fnmatchcase(where, pattern)
        )


def judge(faults: Iterable[Fault], excuses: Sequence[Excuse]) -> tuple[list[Fault], list[Excuse]]:
    """The faults that nothing excuses, and the excuses that nothing needed."""
    left, used = [], set()
    for fault in faults:
        covering = [one for one in excuses if one.covers(fault)]
        used.update(covering)
        if not covering:
            left.append(fault)
    return left, [one for one in excuses if one not in used]
