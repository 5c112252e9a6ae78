"""Findings: the result of verify for one entity, and how to repair it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from streams.core.to_ghl.compare import FieldDifference
from streams.messages import Remedy

State = Literal["ok", "pending", "parked", "conflict", "missing", "different", "double", "orphaned"]
STATES: tuple[State, ...] = ("ok", "pending", "parked", "conflict", "missing", "different", "double", "orphaned")
WRONG: frozenset[State] = frozenset({"missing", "different", "double", "orphaned"})
"""The wrong states. `pending`, `parked` and `conflict` are not among them: the pipeline, or a person, already has to do with those."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one entity. `entity` is its key, `because` explains the state in words.

    - `conflict`: it goes without a value that another contact has, or is one contact with another lead; all else of it is right.
      `is_undecided`: no person has said yet who is who.
    - `missing`: it should be in GHL and is not.
    - `different`: `differences` are the fields, each with the wanted value and the one that was found.
    - `double`: several in GHL have the same Lofty id; `ghl_ids` are all of them, first the one that we wrote.
    - `orphaned`: it has our marker in GHL, but in Lofty it was deleted or is not known.

    `remedies` repair it, applied in this order. If there are none, `advice` says what a person can do.
    `left_out` are the values that GHL does not take, in words: the contact is right without them.
    `compared` counts the fields that were compared.
    """

    entity: str
    state: State
    because: str = ""
    differences: tuple[FieldDifference, ...] = ()
    ghl_ids: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    advice: str = ""
    compared: int = 0
    left_out: tuple[str, ...] = ()
    is_undecided: bool = False

    @property
    def is_wrong(self) -> bool:
        """Whether the state is one of `WRONG`."""
        return self.state in WRONG

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "entity": self.entity,
            "state": self.state,
            "because": self.because,
            "differences": [asdict(one) for one in self.differences],
            "ghl_ids": list(self.ghl_ids),
            "repair": [one.cure for one in self.remedies],
            "advice": self.advice,
            "is_undecided": self.is_undecided,
        }
