"""From the deployment's overview to what notifications observe, and which gateway sends them. Pure.

The verdict is that of `lofty-ghl status` (`operations/status/health.py`). What a gateway adds is whether it still sees: its own
status comes back to it by Kafka every few seconds. When that stays away, Kafka is, and nothing else is known.

Of several gateways, the one that has run longest sends. All follow the same topic, so they agree on it within a status or two;
one whose own status comes late sends nothing until it knows more, and so before the next one takes over.
"""

from __future__ import annotations

from streams.core.notifications.problem import Observation, Problem, observe
from streams.operations.status.health import problems_of
from streams.operations.status.overview import ALIVE_MS, GatewayView, Overview

OWN_MS = ALIVE_MS // 2
"""A gateway whose own status is older does not send: the others do once it is `ALIVE_MS` old."""

FIRST_STATUS_MS = 60_000
"""How long a gateway that has started may wait for its own first status."""


def observation_of(found: Overview) -> Observation:
    """What is known while Kafka answers."""
    return observe(
        found.at_ms,
        [one.about for one in problems_of(found)],
        has_workers=bool(found.alive),
        unseen=frozenset(one.connection for one in found.connections if not one.is_owned),
    )


def blind_observation(at_ms: int, since_ms: int) -> Observation:
    """What is known while Kafka is away."""
    return observe(at_ms, [Problem("kafka", since_ms=since_ms)], is_blind=True)


def kafka_away_since(found: Overview | None, gateway: str, begun_ms: int, now_ms: int) -> int | None:
    """Since when this gateway's own status has not come back, None while it does."""
    own = _view(found, gateway)
    if own is None:
        return begun_ms if now_ms - begun_ms > FIRST_STATUS_MS else None
    return own.status.at_ms if now_ms - own.status.at_ms > ALIVE_MS else None


def is_sender(found: Overview | None, gateway: str, now_ms: int) -> bool | None:
    """Whether this gateway is the one that sends. None while its own status is late: then it waits until it knows."""
    own = _view(found, gateway)
    if own is None or found is None:
        return False
    if now_ms - own.status.at_ms > OWN_MS:
        return None
    able = [one.status for one in found.gateways or () if one.is_alive and one.status.notifies]
    first = min(able, key=lambda status: (status.begun_ms, status.gateway), default=None)
    return first is not None and first.gateway == gateway


def _view(found: Overview | None, gateway: str) -> GatewayView | None:
    return next((one for one in (found.gateways or () if found else ()) if one.status.gateway == gateway), None)
