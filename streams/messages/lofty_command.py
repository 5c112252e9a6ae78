"""Lofty sync on its topics: what is to be written to Lofty, and the result."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from connectors.http.json_reader import MOST_DEPTH
from streams.messages.change import Millis
from streams.messages.entity import Entity
from streams.messages.message import Message

OPT_OUTS_COMMAND = "opt-outs"
STAGE_COMMAND = "stage"

Target = Literal["task", "note", "lead"]


class LoftyCommand(Message):
    """The desired state of one task, note or lead in Lofty. Times are epoch milliseconds.

    `about` is its permanent name within the lead: `appointment:ID`, `note:ID` and `task:ID` are a GHL id's copy,
    `rule:HASH` is what a rule made of one event, `finish:ID` a Lofty task of our own, `fields` the lead's fields,
    `opt-outs` its flags of closed channels, `stage` its stage.
    `state` is Lofty's wire JSON (a task's may have `finished`); None: it is to be deleted.
    `lofty_id` is set when it exists in Lofty already. `because` says which rule or event caused it.
    `base` are the hashes that fields had on our side before GHL's edit: what Lofty must still hold where the newest wins.
    Of a flag it says that Lofty lacks it, as far as we know: then it is set without a read.
    `contact` is the GHL contact of a stage: when the command has ended, that is reported to where the contact's events are judged.
    `connection` and `lead` say whose it is, `target` what it is in Lofty. `at_ms` is when it was decided, `accepted_ms` when the event that caused it was accepted.
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
    contact: str = ""

    @property
    def key(self) -> str:
        """The key of its row."""
        return f"{self.connection}:{self.lead}:{self.about}"

    @property
    def is_opt_out(self) -> bool:
        """Whether it closes channels of a lead: it goes before all other writes."""
        return self.about == OPT_OUTS_COMMAND

    @property
    def lane(self) -> str:
        """The key on its topic: the contact."""
        return f"{self.connection}:{self.lead}"

    def problem(self) -> str | None:
        """An id that would make a key that does not read back."""
        return Entity.contact(self.connection, self.lead).problem()


class LoftyReceipt(Message):
    """The result of one request to Lofty, for reports: nothing is decided by it.

    `intended` is written before a create is sent, then `applied`, `failed` (tried again), `refused` (parked) or `unchanged`.
    `outcome` is what became of the request `step` at `at_ms`. `connection`, `lead`, `about` and `because` are those of the command, `lofty_id` is Lofty's id.
    `status` is the HTTP status, `message` the vendor's words. `accepted_ms` is when the event was accepted, 0 where that is not known.
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
    accepted_ms: int = 0
