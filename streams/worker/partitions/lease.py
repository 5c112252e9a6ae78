"""The lease: what lets this worker ask vendors and write to Kafka. What Kafka answers renews it, the passing of time ends it.

Kafka gives our partitions to another worker once it has not heard from us for the session timeout.
So a worker that has not heard from *Kafka* for that long must assume that it no longer owns anything: it starts no request, and
its producer sends nothing. Otherwise a process that was frozen (SIGSTOP, a paused machine) would on waking write
old rows into tables that are another's.
The time counts from when the heartbeat was *sent*, since Kafka's own count began later; and the clock goes on while a
process is frozen, so the first thing it learns on waking is that its lease has run out.

Then Kafka's next answer decides. If we are still a member (the broker was away, not we), everything continues.
If we are no longer a member, the process ends without writing anything, and its supervisor starts it again.

What remains is a process that is frozen between the check and the send; DESIGN says so, and `verify` heals it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from connectors.errors import NotSent
from connectors.http.request import Request, Response, Transport

SHARE = 0.9
"""The lease is this share of the session timeout: a request that starts at its end is sent before Kafka lets go."""

_STILL_A_MEMBER = frozenset({0, 27})  # no error; REBALANCE_IN_PROGRESS
_A_MEMBER_NO_MORE = frozenset({22, 25, 82})  # ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID
_RENEWING = ("HeartbeatRequest", "SyncGroupRequest")
_LOOK_SECONDS = 0.05

Send = Callable[..., Awaitable[Any]]


class Lease:
    """Held while Kafka was heard from. `clock` gives monotonic seconds; safe to use from the consumer's thread.

    `over` is called when Kafka says that we are no longer a member of the group, although we did not leave it.
    """

    def __init__(self, session_timeout_seconds: float, clock: Callable[[], float], over: Callable[[], None]) -> None:
        self._seconds = SHARE * session_timeout_seconds
        self._clock = clock
        self._over = over
        self._is_given_up = False
        self._until = float("-inf")

    @property
    def is_held(self) -> bool:
        """Whether requests may be sent now."""
        return self._clock() < self._until

    @property
    def left_seconds(self) -> float:
        """How long it is held yet; negative once it has run out, and at the start."""
        return max(self._until - self._clock(), -self._seconds)

    def renew(self, sent_at: float) -> None:
        """Kafka answered what was sent at that time: we are a member of the group."""
        self._until = max(self._until, sent_at + self._seconds)

    def end(self) -> None:
        """Kafka said that we are no member."""
        self._until = float("-inf")
        if not self._is_given_up:
            self._over()

    def give_up(self) -> None:
        """We are leaving the group in order: that we are no member soon is as it should be."""
        self._is_given_up = True

    def guarding(self, send: Send) -> Send:
        """A Kafka client's way to send, guarded: what writes records waits until the lease is held (again)."""

        async def guarded(node_id: Any, request: Any, **options: Any) -> Any:
            if type(request).__name__.startswith("ProduceRequest"):
                while not self.is_held:  # noqa: ASYNC110  # time alone, or another thread, ends the wait: there is no event
                    await asyncio.sleep(_LOOK_SECONDS)
            return await send(node_id, request, **options)

        return guarded

    def observer(self, send: Send) -> Send:
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
                request.method,
                request.url,
                "this worker has not heard from Kafka, so its partitions may belong to another worker by now",
            )
        return await self._transport(request)
