"""A parked record: what failed, with everything needed to understand it and to try it again."""

from __future__ import annotations

import base64
from typing import Literal

from streams.messages.message import Message

Stage = Literal[
    "intake",
    "dedupe",
    "fetch",
    "deliver",
    "record",
    "inspect",
    "sweep",
    "ghl intake",
    "respond",
    "write back",
    "tokens",
    "replay",
]

UNREADABLE = "unreadable"
"""The reason of a record that cannot be read: no row of a table knows of it, so nothing but a person's decision ends it."""

PASSED_OVER = "passed over"
"""The reason of what Kafka deleted before it was read."""


class Parked(Message):
    """`reason` is ours and from a closed set, `message` is the vendor's or the parser's own message.

    `original` holds the bytes that failed, in Base64, and `source` where they came from
    (`topic/partition@offset`, or the intake's path). Of a large original it holds the first bytes; `original_size` is
    then the full size.
    `stage` is where it failed, at `at_ms`. `entity` is the key of what it is about, `connection` its connection; None where that is not known.
    `status` is the vendor's HTTP status, `trace_id` its own id of the request; None without a request.
    """

    stage: Stage
    reason: str
    message: str
    at_ms: int
    source: str
    entity: str | None = None
    connection: str | None = None
    status: int | None = None
    trace_id: str | None = None
    original: str = ""
    original_size: int | None = None

    @staticmethod
    def encode(raw: bytes | None) -> str:
        """The text of bytes for `original`."""
        return base64.b64encode(raw or b"").decode()

    def original_bytes(self) -> bytes:
        """The bytes that failed."""
        return base64.b64decode(self.original)
