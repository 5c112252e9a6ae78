"""A fence: a worker's mark in a partition of receipts that it has gained."""

from __future__ import annotations

from streams.messages.message import Message

FENCE_KEY = b"@fence"
"""The key of every fence. No entity's key begins with `@`."""


class Fence(Message):
    """Once its writer has read it back, every receipt that was written before it, by anyone, is in the tables.

    `worker` names the process, `epoch` grows with each owner of the partition.
    `at_ms` is when it was written.
    """

    worker: str
    epoch: int
    at_ms: int
