"""What is rightly empty while all is well, and which fault makes it appear (`tests/compose/faults.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a query is empty on a healthy system, and the fault after which it is not."""

    because: str
    fault: str


EXCUSED: Mapping[str, Excuse] = {
    'lofty_ghl_vendor_calls_total{status="429"}': Excuse("no vendor throttled us", "429 storm"),
    'lofty_ghl_paused_by{cause=~"no access|uninstalled"}': Excuse("no budget pauses", "token revoked"),
}
"""By where the query stands (`dashboard/panel/letter`, a recorded series, or a selector of an alert)."""
