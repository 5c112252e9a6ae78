"""A vendor's refusal that does not say why (`connectors/outcome.py`, `FORBIDDEN`): is it about one record, or about all? Pure.

A 403 without a word of a token or a scope may be a contact that this user may not see, a firewall's page, or access that was
taken away. The other answers show which it is:

- A record is tried `TRIES` times. If anything else of its budget was served meanwhile, access is not the problem, and the record is parked.
- If nothing was served meanwhile, or `ALIKE` different records were refused the same step in a row, it is about all: the budget
  pauses. One served request of that step ends the row.

So of a step that is refused to everybody at most `ALIKE - 1` records are parked, and of lost access none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

TRIES = 3
"""How often a record is tried before it is judged."""

ALIKE = 3
"""So many different records, refused the same step in a row, are no coincidence."""

MOST_KEPT = 1_000
"""Of so many refused records of a budget it is remembered how often they were tried; the oldest are forgotten first."""


class Judgement(Enum):
    """What a refusal leads to."""

    TRY_AGAIN = "try again"
    """After a backoff: it may pass, or others may tell what it is about."""
    PARK = "park"
    """It is about this record alone."""
    PAUSE = "pause"
    """It is about all of the budget."""


@dataclass(slots=True)
class _Refused:
    times: int
    served: int
    """How many requests of the budget had been served when it was refused first."""


@dataclass(slots=True)
class _Budget:
    served: int = 0
    refused: dict[tuple[str, str], _Refused] = field(default_factory=dict)
    in_a_row: dict[str, set[str]] = field(default_factory=dict)


class Refusals:
    """Judges unexplained refusals, budget by budget. A `step` is a kind of request, a `record` what it was about.

    It is kept in memory only: after a restart, records are tried a few times more.
    """

    def __init__(self) -> None:
        self._budgets: dict[str, _Budget] = {}

    def served(self, budget: str, step: str, record: str) -> None:
        """The vendor did what was asked."""
        found = self._budgets.setdefault(budget, _Budget())
        found.served += 1
        found.in_a_row.pop(step, None)
        found.refused.pop((step, record), None)

    def refused(self, budget: str, step: str, record: str) -> Judgement:
        """The vendor refused without saying why."""
        found = self._budgets.setdefault(budget, _Budget())
        one = found.refused.setdefault((step, record), _Refused(0, found.served))
        one.times += 1
        if len(found.refused) > MOST_KEPT:
            del found.refused[next(iter(found.refused))]
        row = found.in_a_row.setdefault(step, set())
        if len(row) < ALIKE:
            row.add(record)
        if len(row) >= ALIKE:
            return Judgement.PAUSE
        if one.times < TRIES:
            return Judgement.TRY_AGAIN
        return Judgement.PARK if found.served > one.served else Judgement.PAUSE
