"""What travels on the topic `notifications` beside what was sent: recipients that people set in the console."""

from __future__ import annotations

from typing import Literal

from streams.messages.message import Message

RECIPIENT_KEY = "recipient/"
"""How the key of an edit begins; the recipient's name and the id of the edit follow."""

Reports = Literal["broke and recovered", "broke", "nothing"]
"""What of a problem is sent. `nothing`: the daily summary alone."""


class RecipientEdit(Message):
    """All there is of one recipient from now on, and the version of it that it was decided on; 0 for a new one.

    Each edit has a key of its own, so that two people who edit at once do not overwrite each other: see `RecipientLog`. Edits
    that no longer count are deleted, and what was sealed with them.

    `name` is made once, `label` is what people call it. It has either `emails` or a webhook, whose address is sealed: whoever knows
    it may post there. `webhook_host` is what is shown of it. `connections` are ids; without any it hears of everything.
    `daily_summary`, `quiet_begin` and `quiet_end` are times of the day such as 07:30 in `time_zone`, or empty.
    `id` is random, `based_on` is the version that it was decided on. `webhook_sealed` is the sealed address, empty for none.
    `reports` says what is sent of a problem. `quiet_but_worst`: the worst problems are sent in quiet hours, too.
    `is_removed`: there is no such recipient from now on. `at_ms` is when it was decided, `by` who decided it.
    """

    id: str
    name: str
    based_on: int
    label: str = ""
    emails: tuple[str, ...] = ()
    webhook_sealed: str = ""
    webhook_host: str = ""
    connections: tuple[str, ...] = ()
    reports: Reports = "broke and recovered"
    time_zone: str = ""
    daily_summary: str = ""
    quiet_begin: str = ""
    quiet_end: str = ""
    quiet_but_worst: bool = True
    is_removed: bool = False
    at_ms: int
    by: str

    @property
    def number(self) -> int:
        """The number of the version that it made, from 1."""
        return self.based_on + 1


def recipient_key(name: str, edit: str) -> str:
    """The key of an edit on the topic."""
    return f"{RECIPIENT_KEY}{name}/{edit}"


def about_webhook(recipient: str) -> str:
    """What the address of a webhook is sealed about: it opens for no other recipient."""
    return f"recipient {recipient} webhook"
