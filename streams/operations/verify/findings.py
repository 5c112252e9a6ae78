"""Findings: what verify says of one entity, and what would mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from streams.core.to_ghl.compare import FieldDifference
from streams.messages import Remedy

State = Literal["ok", "pending", "parked", "missing", "different", "double", "orphaned"]
STATES: tuple[State, ...] = ("ok", "pending", "parked", "missing", "different", "double", "orphaned")
WRONG: frozenset[State] = frozenset({"missing", "different", "double", "orphaned"})
"""The states that are not as they should be. What is pending or parked is known, and on its way or waiting for a person."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so. `entity` is a key, `because` says what is so in words.

    - `missing`: wanted, and not in GHL.
    - `different`: `differences` are the fields, with what is wanted and what was found.
    - `double`: more than one bears the same Lofty id; `ghl_ids` are all of them, the one that is ours first.
    - `orphaned`: it bears our mark, and Lofty has nothing alive for it.

    `remedies` mend it, in this order; without any, `advice` says what a person can do.
    `compared` counts the fields that were looked at.
    """

    entity: str
    state: State
    because: str = ""
    differences: tuple[FieldDifference, ...] = ()
    ghl_ids: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    advice: str = ""
    compared: int = 0

    @property
    def is_wrong(self) -> bool:
        """It is not as it should be."""
        return self.state in WRONG

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON, for schedules and people."""
        return {
            "entity": self.entity,
            "state": self.state,
            "because": self.because,
            "differences": [asdict(one) for one in self.differences],
            "ghl_ids": list(self.ghl_ids),
            "repair": [one.cure for one in self.remedies],
            "advice": self.advice,
        }
