"""What pages and API show of those who are sent messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from streams.messages.notification import NotificationState, NotificationTest, SentMessage
from streams.messages.recipient_edit import RecipientEdit, Reports
from streams.operations.notifications.recipients import Subscriber, Way


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message that is not delivered yet. `failing_since_ms` is None before its first attempt has failed, `why` empty."""

    subject: str
    at_ms: int
    attempts: int
    failing_since_ms: int | None
    next_attempt_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class RecipientState:
    """One recipient. `connections` are empty for all; `unknown_connections` are those of them that do not exist.

    `open_problems` is the number of problems that it was sent, and not their end yet.
    `managed`: it is changed in the configuration `file`, or in the `console`, and then `version` counts. `label` is what people call
    it. Of a webhook only the host is shown. Times are in `time_zone`; an empty one is UTC.
    """

    name: str
    way: Way
    emails: tuple[str, ...]
    connections: tuple[str, ...]
    unknown_connections: tuple[str, ...]
    quiet_hours: str
    daily_summary: str
    open_problems: int
    waiting: WaitingMessage | None
    sent: tuple[SentMessage, ...]
    last_test: NotificationTest | None
    label: str = ""
    managed: Literal["file", "console"] = "file"
    version: int = 0
    webhook_host: str = ""
    reports: Reports = "broke and recovered"
    time_zone: str = ""
    changed_ms: int = 0
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class NotificationsState:
    """The recipients that whoever asks may see. `sends_here`: this gateway is the one that sends.

    `can_mail`: there is a mail server, so e-mail can be sent.
    """

    recipients: tuple[RecipientState, ...]
    sends_here: bool
    can_mail: bool = True


@dataclass(frozen=True, slots=True)
class SavedRecipient:
    """A recipient as it is from now on; `version` is needed for the next change. Of a webhook only the host is shown."""

    name: str
    label: str
    version: int
    connections: tuple[str, ...]
    emails: tuple[str, ...]
    webhook_host: str


@dataclass(frozen=True, slots=True)
class TestedRecipient:
    """A test message that was delivered. `note` says what was not as usual, such as an address that was refused."""

    recipient: str
    subject: str
    note: str
    label: str = ""


def recipient_state(one: Subscriber, state: NotificationState | None, test: NotificationTest | None) -> RecipientState:
    """A recipient, what it was sent, and the last test message to it."""
    recipient, quiet = one.recipient, one.recipient.quiet
    message = state.outgoing if state is not None else None
    waiting = message and WaitingMessage(
        message.subject,
        message.at_ms,
        message.attempts,
        message.first_failed_ms or None,
        message.next_ms,
        message.error,
    )
    return RecipientState(
        name=one.name,
        way=one.way,
        emails=tuple(recipient.emails),
        connections=tuple(recipient.connections),
        unknown_connections=one.unknown,
        quiet_hours=f"{quiet.begin} to {quiet.end}{', but for the worst' if quiet.but_worst else ''}" if quiet else "",
        daily_summary=recipient.daily_summary or "",
        open_problems=sum(issue.reported_ms is not None for issue in state.issues.values()) if state else 0,
        waiting=waiting or None,
        sent=tuple(reversed(state.sent)) if state else (),
        last_test=test,
        label=one.label,
        reports=recipient.reports,
        time_zone=recipient.time_zone,
        **_of_console(one.edit),
    )


def saved_recipient(edit: RecipientEdit) -> SavedRecipient:
    """A recipient that was saved."""
    return SavedRecipient(edit.name, edit.label, edit.number, edit.connections, edit.emails, edit.webhook_host)


def _of_console(edit: RecipientEdit | None) -> dict[str, Any]:
    if edit is None:
        return {}
    facts = {"webhook_host": edit.webhook_host, "changed_ms": edit.at_ms, "changed_by": edit.by}
    return {"managed": "console", "version": edit.number, **facts}
