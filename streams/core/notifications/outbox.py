"""One message on its way to a recipient: repeated until it is delivered, with growing pauses. Pure."""

from __future__ import annotations

from streams.messages.notification import NotificationKind, NotificationState, Outgoing, SentMessage

FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 15 * 60_000
KEPT = 20
"""The last messages of a recipient that are kept to be shown."""


def queued(
    state: NotificationState, kind: NotificationKind, message_id: str, subject: str, text: str
) -> NotificationState:
    """The record with a message that is to be sent; there was none."""
    now = state.at_ms
    return state.model_copy(
        update={"outgoing": Outgoing(id=message_id, kind=kind, at_ms=now, subject=subject, text=text, next_ms=now)}
    )


def delivered(state: NotificationState, now_ms: int, note: str = "") -> NotificationState:
    """The record once its message was delivered."""
    message = state.outgoing
    if message is None:
        return state
    sent = SentMessage(
        id=message.id,
        kind=message.kind,
        at_ms=now_ms,
        subject=message.subject,
        attempts=message.attempts + 1,
        note=note,
    )
    return state.model_copy(update={"at_ms": now_ms, "outgoing": None, "sent": (*state.sent, sent)[-KEPT:]})


def failed(state: NotificationState, now_ms: int, error: str) -> NotificationState:
    """The record once an attempt failed: the pause doubles with each, up to a quarter of an hour."""
    message = state.outgoing
    if message is None:
        return state
    pause_ms = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** min(message.attempts, 20))
    later = message.model_copy(
        update={
            "attempts": message.attempts + 1,
            "first_failed_ms": message.first_failed_ms or now_ms,
            "next_ms": now_ms + pause_ms,
            "error": error[:300],
        }
    )
    return state.model_copy(update={"at_ms": now_ms, "outgoing": later})
