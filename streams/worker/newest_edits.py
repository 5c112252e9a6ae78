"""Nobody calls a connection unknown before every edit was read that is there now.

A gateway knows a new connection some milliseconds before a worker does, so a change may arrive before its connection. Records are
keyed by connection (or by location): where a batch names one that is not served here, its agent reads the edits to their present
end first, and has what is new taken over. Whoever wrote the record had read the connection's edit before, so that end lies behind it.

While Kafka is away this waits, as all writing does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiokafka.errors import KafkaError

from streams.messages import FENCE_KEY
from streams.settings import Settings
from streams.telemetry.logs import REPEATS
from streams.worker.agents.batches import Process, WorkerStops
from streams.worker.connections import LiveConnections
from streams.worker.take_over import TakeOver, TakeOverEnded

log = logging.getLogger("lofty_ghl.worker")

RETRY_SECONDS = 1.0

ReadEdits = Callable[[], Awaitable[Settings]]
"""The settings in force with every edit that exists now. Raises aiokafka's errors while Kafka is away."""


class NewestEdits:
    """`read` is None where nobody edits connections. `stop` makes who waits here let go: the worker stops."""

    def __init__(self, connections: LiveConnections, take_over: TakeOver, read: ReadEdits | None) -> None:
        self._connections = connections
        self._take_over = take_over
        self._read = read
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Nobody waits any longer: their batches are read again by whoever comes next."""
        self._stopping.set()

    def before(self, process: Process, serves: Callable[[str], bool]) -> Process:
        """An agent's process, which finds every connection served that there is. `serves(name)` asks for the first part of a key."""
        read = self._read
        if read is None:
            return process

        async def knowing(messages: list[Any]) -> None:
            unknown = {name for name in _names(messages) if not serves(name)}
            if unknown:
                await self._unless_stopping(self._bring(read, lambda: not all(map(serves, unknown))))
            await process(messages)

        return knowing

    def serves(self, connection: str) -> bool:
        """Whether a connection is served here."""
        return connection in self._connections

    def serves_location(self, location: str) -> bool:
        """Whether a connection of this location is served here."""
        return any(one.ghl.location_id == location for one in self._connections.values())

    async def _bring(self, read: ReadEdits, is_due: Callable[[], bool]) -> None:
        while is_due():
            try:
                settings = await read()
            except (KafkaError, OSError) as error:
                log.warning("edits of connections cannot be read now, trying again: %r", error, extra=REPEATS)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            new = settings.connections.keys() - self._connections.keys()
            await self._take_over.bring(settings, new)
            return

    async def _unless_stopping(self, work: Any) -> None:
        bringing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({bringing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not bringing.done():
                raise WorkerStops
            bringing.result()
        except TakeOverEnded:
            raise WorkerStops from None
        finally:
            bringing.cancel()
            stopping.cancel()


def _names(messages: Collection[Any]) -> set[str]:
    keys = {message.key for message in messages if message.key and message.key != FENCE_KEY}
    return {key.partition(b":")[0].decode(errors="replace") for key in keys}
