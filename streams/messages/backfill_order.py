"""An order to read all leads of a connection, whatever is known of them: what `lofty-ghl backfill` writes."""

from __future__ import annotations

from streams.messages.message import Message


class BackfillOrder(Message):
    """`id` identifies an order: the sweep's row names the last one that was taken and the last that ended.

    `by` is who asked for it, empty where an older release took the order.
    `connection` is read whole. `at_ms` is when that was asked for.
    """

    connection: str
    id: str
    at_ms: int
    by: str = ""
