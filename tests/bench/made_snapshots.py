"""Snapshots of contacts that benches put straight into topics."""

from __future__ import annotations

from typing import Any

from streams.core.fingerprint import fingerprint
from streams.messages import Snapshot


def contact_snapshot(connection: str, lead: str, state: dict[str, Any], at_ms: int) -> Snapshot:
    """The state of a lead as of `at_ms`, which is also when it was read and accepted."""
    return Snapshot(
        connection=connection,
        lead=lead,
        kind="contact",
        id=lead,
        state=state,
        version_ms=at_ms,
        fingerprint=fingerprint(state),
        read_ms=at_ms,
        update_time_ms=at_ms,
        accepted_ms=at_ms,
    )
