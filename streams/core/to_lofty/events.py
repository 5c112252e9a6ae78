"""From a webhook of GHL to the event that travels. Pure."""

from __future__ import annotations

from connectors.ghl.webhooks import Hook
from streams.messages import GhlEvent


def event_of(hook: Hook, at_ms: int, now_ms: int) -> GhlEvent:
    """The event in a webhook."""
    return GhlEvent(
        type=hook.type,
        location=hook.location,
        id=hook.id,
        contact=hook.contact,
        at_ms=at_ms,
        accepted_ms=now_ms,
        webhook=hook.webhook,
        body=hook.body or {},
    )
