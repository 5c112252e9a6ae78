"""What is rightly empty while all is well, and which fault makes it appear (`tests/compose/faults.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a query is empty on a healthy system, and the fault after which it is not."""

    because: str
    fault: str


EXCUSED: Mapping[str, Excuse] = {}
"""By where the query stands (`dashboard/panel/letter`, a recorded series, or a selector of an alert)."""
