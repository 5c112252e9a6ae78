"""Offers work at a steady rate: agents edit leads in the Lofty sandbox, and each edit is announced.

The edits are spread evenly over the connections, and over the leads of each by turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages import Change
from streams.messages.partitioning import partition_of
from streams.messages.topics import CHANGES
from tests.bench.town import Town, producer_of

TICK_SECONDS = 0.25

Announce = Callable[[str, str], None]
"""Reports a changed lead: (connection, lead)."""

Flush = Callable[[], Awaitable[None]]
"""Sees to it that what was announced is on its way."""


class FrontDoor:
    """Announces changes on `lofty.changes`: `async with FrontDoor(town) as door`."""

    def __init__(self, on: Town) -> None:
        self._on = on
        self._pending: list[Record] = []

    async def __aenter__(self) -> FrontDoor:
        self._producer = await producer_of(self._on.settings)
        self._batching_producer = BatchingProducer(self._producer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.flush()
        await self._producer.stop()

    def announce(self, connection: str, lead: str) -> None:
        """A lead has changed. It is accepted now, and sent with the next `flush`."""
        now_ms = time.time_ns() // 1_000_000
        change = Change(
            connection=connection,
            lead=lead,
            kind="contact",
            id=lead,
            operation="updated",
            update_time_ms=now_ms,
            accepted_ms=now_ms,
        )
        lane = change.entity.lane
        place = partition_of(lane, self._on.settings.kafka.partitions)
        self._pending.append(Record(self._on.names.of(CHANGES), place, lane.encode(), change.to_bytes()))

    async def flush(self) -> None:
        """Send what was announced; returns once Kafka has it."""
        pending, self._pending = self._pending, []
        if pending:
            await self._batching_producer.produce(pending)


class Agents:
    """All agents of a town. They edit the last name, so that each edit is something to write."""

    def __init__(self, on: Town) -> None:
        self._on = on
        self._edits = count(1)
        self._leads: dict[str, Sequence[str]] = {}
        for number in range(on.plan.pairs):
            name = f"pair{number}"
            self._leads[name] = [lead for connection, lead in on.leads if connection == name]
        self._turn = dict.fromkeys(self._leads, 0)

    async def edit(self, connection: str, edits: int, announce: Announce) -> None:
        """Make so many edits in one connection, and announce each."""
        leads, edited = self._leads[connection], []
        for _ in range(edits):
            edited.append(leads[self._turn[connection] % len(leads)])
            self._turn[connection] += 1
        fields = [{"lastName": f"Edit{next(self._edits)}"} for _ in edited]
        body = {
            "edits": [
                {"edit": "update", "kind": "lead", "id": lead, "fields": one}
                for lead, one in zip(edited, fields, strict=True)
            ]
        }
        team = self._on.plan.team(int(connection.removeprefix("pair")))
        await self._on.post(f"{self._on.lofty}/_sandbox/edits", body, team=team)
        for lead in edited:
            announce(connection, lead)

    async def work(self, per_second: float, seconds: float, announce: Announce, flush: Flush) -> int:
        """Edit at a steady rate, `per_second` in each connection, for so long. Returns how many edits were made.

        The connections are visited one after another in each tick, so that edits do not come all at once.
        """
        began, made = time.monotonic(), dict.fromkeys(self._leads, 0)
        while (passed := time.monotonic() - began) < seconds:
            for place, name in enumerate(self._leads):
                due = int((passed + TICK_SECONDS * place / len(self._leads)) * per_second) - made[name]
                if due > 0:
                    await self.edit(name, due, announce)
                    await flush()
                    made[name] += due
            await asyncio.sleep(max(0.0, TICK_SECONDS - (time.monotonic() - began - passed)))
        return sum(made.values())
