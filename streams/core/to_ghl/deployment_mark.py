"""The mark that a deployment leaves on each GHL location it writes to: two deployments on one location notice each other by it.

It is a custom value of the location, one for each deployment and connection, written again every hour. A deployment is a Kafka
cluster with a topic prefix: whoever has these has the memory. A copy of it elsewhere, or another prefix, is another deployment.
The value is plain text, which people can read in GHL, and which needs no characters that a template might take for its own.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from streams.core.moments import utc
from streams.messages.growth import first_prefix
from streams.messages.worker_status import OtherDeployment

NAME = "Lofty GHL deployment"
ALIVE_MS = 3 * 3_600_000
"""A deployment whose mark is older counts as stopped: three marks in a row were not written."""
KEPT_MS = 24 * 3_600_000
"""A mark that is older is deleted by whoever reads it."""


def deployment_id(cluster_id: str, topic_prefix: str) -> str:
    """A short id of a deployment. It keeps its id when it moves to more partitions (`messages/growth.py`)."""
    return hashlib.sha256(f"{cluster_id}\n{first_prefix(topic_prefix)}".encode()).hexdigest()[:8]


def mark_name(mark: OtherDeployment) -> str:
    """The name of its custom value."""
    return f"{NAME} {mark.deployment} {mark.connection}"


def mark_value(mark: OtherDeployment) -> str:
    """The text of its custom value."""
    since, seen = (utc(at_ms).isoformat(timespec="seconds") for at_ms in (mark.since_ms, mark.seen_ms))
    return f"seen {seen}; since {since}; host {mark.host}; topic prefix {mark.topic_prefix}"


def read_mark(name: str, value: str) -> OtherDeployment | None:
    """The mark in a custom value; None for any other, and for a text that somebody has changed."""
    rest = name.removeprefix(f"{NAME} ").split(" ")
    if not name.startswith(f"{NAME} ") or len(rest) != 2:
        return None
    parts = dict.fromkeys(("seen", "since", "host", "topic prefix"), "")
    for part in value.split("; "):
        for key in parts:
            if part.startswith(f"{key} "):
                parts[key] = part.removeprefix(f"{key} ")
    seen_ms, since_ms = _ms(parts["seen"]), _ms(parts["since"])
    if seen_ms is None or since_ms is None:
        return None
    return OtherDeployment(
        deployment=rest[0],
        connection=rest[1],
        host=parts["host"],
        topic_prefix=parts["topic prefix"],
        since_ms=since_ms,
        seen_ms=seen_ms,
    )


def is_alive(mark: OtherDeployment, now_ms: int) -> bool:
    """Whether the deployment writes, as far as its mark says. One from a future that far is of a clock that is wrong."""
    return abs(now_ms - mark.seen_ms) < ALIVE_MS


def is_over(mark: OtherDeployment, now_ms: int) -> bool:
    """Whether its mark may be deleted."""
    return abs(now_ms - mark.seen_ms) >= KEPT_MS


def _ms(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round(at.timestamp() * 1000) if at.tzinfo is not None else None
