"""The lease: what lets this worker send requests. It is renewed by what Kafka answers, and ends by the passing of time.

Kafka gives our partitions to another worker once it has not heard from us for the session timeout.
So a worker that has not heard from *Kafka* for as long must assume that it owns nothing any more, and starts no request.
The time counts from when the heartbeat was *sent*: Kafka's own count began later.
The clock goes on while a process is frozen (SIGSTOP, a paused machine), so the first thing it learns on waking is that its
lease is over.
What remains is a process that is frozen between this check and the send; DESIGN says so, and `verify` heals it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from connectors.errors import NotSent
from connectors.request import Request, Response, Transport

SHARE = 0.9
"""The lease is this share of the session timeout: a request that starts at its end is sent before Kafka lets go."""

_STILL_A_MEMBER = frozenset({0, 27})  # no error; REBALANCE_IN_PROGRESS
_A_MEMBER_NO_MORE = frozenset({22, 25, 82})  # ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID
_RENEWING = ("HeartbeatRequest", "SyncGroupRequest")

Send = Callable[[Any], Awaitable[Any]]


class Lease:
    """Held while Kafka was heard from. `clock` gives monotonic seconds; safe to use from the consumer's thread."""

    def __init__(self, session_timeout_seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = SHARE * session_timeout_seconds
        self._clock = clock
        self._until = float("-inf")

    @property
    def is_held(self) -> bool:
        """Whether requests may be sent now."""
        return self._clock() < self._until

    def renew(self, sent_at: float) -> None:
        """Kafka answered what was sent at that time: we are a member of the group."""
        self._until = max(self._until, sent_at + self._seconds)

    def end(self) -> None:
        """Kafka said that we are no member."""
        self._until = float("-inf")

    def watching(self, send: Send) -> Send:
        """A group coordinator's way to send requests, watched: each answer to a heartbeat or a sync renews the lease."""

        async def watched(request: Any) -> Any:
            sent_at = self._clock()
            response = await send(request)
            if type(request).__name__.startswith(_RENEWING):
                if response.error_code in _STILL_A_MEMBER:
                    self.renew(sent_at)
                elif response.error_code in _A_MEMBER_NO_MORE:
                    self.end()
            return response

        return watched


class LeasedTransport:
    """Sends only while the lease is held; else raises `NotSent`. The check is the last thing before the send."""

    def __init__(self, transport: Transport, lease: Lease) -> None:
        self._transport = transport
        self._lease = lease

    async def __call__(self, request: Request) -> Response:
        if not self._lease.is_held:
            raise NotSent(
                request.method, request.url, "this worker has not heard from Kafka and may own nothing any more"
            )
        return await self._transport(request)
