"""What a gateway says of itself every few seconds, on the same topic as the workers.

It has other names for its fields than `WorkerStatus` on purpose: a reader of an earlier release, which takes each record there
for a worker's, finds that this is none and leaves it out.
"""

from __future__ import annotations

from pydantic import Field

from streams.messages.growth import Move
from streams.messages.message import Message


class GatewayStatus(Message):
    """One gateway at `at_ms` (epoch milliseconds). `gateway` identifies one start of a process.

    `configuration` is equal for processes with the same connections (`streams/operations/status/reader.py`).
    `heard_ms` is when the last webhook of a vendor (`lofty`, `ghl`) was accepted since the start; a vendor of which none was is
    not in it.
    `notifies` says that it can send notifications: one of those gateways does.
    `notifications_failing` is since when the message to a recipient of notifications cannot be delivered, by its name.
    `unread` is since when a topic that the gateway follows cannot be read, by the topic: what it knows of it may be old.
    `move` is the move to more partitions that is under way, as this gateway read it last.
    `host` and `pid` say where it runs, `release` is its version, `begun_ms` when it began. `is_ready`: it takes webhooks. `is_stopping`: it ends in order.
    `appends_failing_seconds` is for how long writes to Kafka have failed. `connections` is how many it knows.
    """

    gateway: str
    host: str = ""
    pid: int = 0
    release: str = ""
    begun_ms: int
    at_ms: int
    is_stopping: bool = False
    is_ready: bool = False
    appends_failing_seconds: float = 0.0
    configuration: str = ""
    connections: int = 0
    heard_ms: dict[str, int] = Field(default_factory=dict)
    notifies: bool = False
    notifications_failing: dict[str, int] = Field(default_factory=dict)
    unread: dict[str, int] = Field(default_factory=dict)
    move: Move | None = None

    def to_bytes(self) -> bytes:
        """The value for the topic, without fields that have their default."""
        return self.__pydantic_serializer__.to_json(self, exclude_defaults=True)
