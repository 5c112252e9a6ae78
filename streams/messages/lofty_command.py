"""The way back on its topics: what shall be written to Lofty, and what became of it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from connectors.http.json_reader import MOST_DEPTH
from streams.messages.change import Millis
from streams.messages.entity import Entity
from streams.messages.message import Message

Target = Literal["task", "note", "lead"]


class LoftyCommand(Message):
    """One thing of a lead as it shall be in Lofty. Times are epoch milliseconds.

    `about` names the thing within its lead, for ever: `appointment:ID`, `note:ID` and `task:ID` are a GHL id's copy,
    `rule:HASH` is what a rule made of one event, `finish:ID` a Lofty task of our own, `fields` the lead's fields.
    `state` is Lofty's wire JSON (a task's may have `finished`); None: it shall not be there.
    `lofty_id` is set when it stands in Lofty already. `because` says in words which rule or event wants it.
    `base` are the hashes that fields had on our side before GHL's edit: what Lofty must still hold where the newest wins.
    """

    deepest: ClassVar[int] = MOST_DEPTH + 4

    connection: str
    lead: str
    about: str
    target: Target
    state: dict[str, Any] | None
    at_ms: Millis
    accepted_ms: Millis
    because: str = ""
    lofty_id: str | None = None
    base: dict[str, str] | None = None

    @property
    def key(self) -> str:
        """The key of its row."""
        return f"{self.connection}:{self.lead}:{self.about}"

    @property
    def lane(self) -> str:
        """The key on its topic: the contact."""
        return f"{self.connection}:{self.lead}"

    def problem(self) -> str | None:
        """An id that would make a key that does not read back."""
        return Entity.contact(self.connection, self.lead).problem()


class LoftyReceipt(Message):
    """What became of one request to Lofty, for those who look: nothing is decided by it.

    `intended` stands before a create is sent, then `applied`, `failed` (tried again), `refused` (parked) or `unchanged`.
    """

    connection: str
    lead: str
    about: str
    outcome: Literal["intended", "applied", "unchanged", "failed", "refused"]
    step: str
    at_ms: int
    lofty_id: str | None = None
    status: int | None = None
    message: str | None = None
    because: str = ""
    event_ms: int = 0
    accepted_ms: int = 0
