"""A GHL event: what one of GHL's webhooks said, as it was signed."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from connectors.http.json_reader import MOST_DEPTH
from streams.messages.change import Millis
from streams.messages.message import Message


class GhlEvent(Message):
    """One event of one location. Times are epoch milliseconds.

    `type` is the vendor's (`ContactUpdate`, `TaskCreate`, `INSTALL`, ...). `id` is what the event is about, in GHL;
    `contact` the GHL contact that it hangs on (itself, for a contact), None where GHL does not say: a `TaskCreate` may not.
    `at_ms` is GHL's envelope time, `accepted_ms` when we promised to carry it.
    `trace` is the `traceparent` of its trace, empty for none.
    `webhook` is GHL's id of the event, the same in each retry; empty when it sent none.
    `again`: it was processed before, and is evaluated again because a person or a replay asked for it.
    `body` is the payload without its envelope; of an appointment, the appointment itself.
    `location` is GHL's id of the location.
    """

    deepest: ClassVar[int] = MOST_DEPTH + 4

    type: str
    location: str
    id: str
    contact: str | None = None
    at_ms: Millis
    accepted_ms: Millis
    webhook: str = ""
    again: bool = False
    trace: str = ""
    body: dict[str, Any] = Field(default_factory=dict)

    @property
    def lane(self) -> str:
        """The key on its topic: events of one contact stay in order. What names no contact is its own."""
        return f"{self.location}:{self.contact or self.id}"
