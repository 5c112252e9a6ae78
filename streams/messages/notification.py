"""What a recipient of notifications was sent, and what waits to be sent: one record for each recipient on the topic `notifications`.

The gateway that sends reads it at its start, so a restart neither repeats a message nor forgets one.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.messages.message import Message

NotificationKind = Literal["news", "summary", "test"]


class Part(BaseModel):
    """A part of the record."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Issue(Part):
    """A problem that was seen. `since_ms` is when it began, `seen_ms` when it was last seen (epoch milliseconds).

    `reported_ms` is when the recipient was sent its beginning, and not its end yet; None: the recipient believes that all is well.
    `number` counts records now. `mentioned_ms` is when a message last named it, `mentioned_number` what it said.
    `breaks` are the times of the last hour at which its beginning was sent. `is_unstable` says that it came and went too often.
    `cause` is the kind of problem, `of` what has it, `connections` are those that it concerns.
    """

    cause: str
    of: str = ""
    connections: tuple[str, ...] = ()
    number: int = 0
    since_ms: int
    seen_ms: int
    reported_ms: int | None = None
    mentioned_ms: int = 0
    mentioned_number: int = 0
    breaks: tuple[int, ...] = ()
    is_unstable: bool = False


class Outgoing(Part):
    """A message that is not delivered yet. `error` is why the last of its attempts failed; the next one is at `next_ms`.

    `id` stays the same for all attempts, so that a receiver recognises a message that comes twice.
    `kind` is why it is sent, `at_ms` when it was composed, `subject` and `text` are what it says.
    `attempts` have failed so far, the first of them at `first_failed_ms`; 0 for none.
    """

    id: str
    kind: NotificationKind
    at_ms: int
    subject: str
    text: str
    attempts: int = 0
    first_failed_ms: int = 0
    next_ms: int = 0
    error: str = ""


class SentMessage(Part):
    """A message that was delivered at `at_ms`. `note` says what was not as usual, such as an address that was refused.

    `id`, `kind` and `subject` are those of the message, `attempts` is how many it took.
    """

    id: str
    kind: NotificationKind
    at_ms: int
    subject: str
    attempts: int = 1
    note: str = ""


class NotificationState(Message):
    """Everything about one recipient. `issues` are by their ids, `sent` are the last messages, the newest last.

    `by` is the gateway that wrote it. `composed_ms` are the times of the last hour at which a message was composed. `waiting_since_ms` is when something became due
    that is not composed yet; 0 for nothing. `summary_ms` is when the last daily summary was composed, or this record began.
    `recipient` is the recipient's name, `at_ms` when this was written. `outgoing` is what is not delivered yet, None for nothing.
    """

    recipient: str
    by: str = ""
    at_ms: int = 0
    issues: dict[str, Issue] = Field(default_factory=dict)
    outgoing: Outgoing | None = None
    sent: tuple[SentMessage, ...] = ()
    composed_ms: tuple[int, ...] = ()
    waiting_since_ms: int = 0
    summary_ms: int = 0


class NotificationTest(Message):
    """The last test message to a recipient, and what came of it: `error` is empty where it was delivered.

    `recipient` is the recipient's name, `by` who asked for the test at `at_ms`. `note` says what was not as usual.
    """

    recipient: str
    at_ms: int
    by: str = ""
    error: str = ""
    note: str = ""
