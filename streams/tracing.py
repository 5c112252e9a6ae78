"""What the work in hand belongs to: the change's trace, and how often its entity has failed before.

Both are set where a row is taken in hand, and read by whoever tells of it: logs, metrics, vendors' calls.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """`trace` is the trace's id (32 hexadecimal digits), empty for none; `failures` those of its entity before this try."""

    trace: str = ""
    failures: int = 0


_NONE = Work()
_in_hand: ContextVar[Work] = ContextVar("lofty_ghl_work", default=_NONE)


def take_in_hand(*, trace: str = "", failures: int = 0) -> None:
    """From here on this task works on that."""
    _in_hand.set(Work(trace, failures))


def in_hand() -> Work:
    """What this task works on."""
    return _in_hand.get()
