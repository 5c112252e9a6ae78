"""What somebody decided about a parked record: it was sent on its way again, or given up."""

from __future__ import annotations

from typing import Literal

from streams.messages.message import Message

Decision = Literal["retried", "discarded"]


class ParkedDecision(Message):
    """`record` is the place of the parked record on its topic, `partition@offset`; it is the key here, too.

    `decision` was made at `at_ms`, `by` is who made it.
    """

    record: str
    decision: Decision
    at_ms: int
    by: str = ""
