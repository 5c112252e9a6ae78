"""Has contacts, tasks and appointments planned again whose links rest on a directory that has changed: see `core/to_ghl/directory.py`.

A link names the custom fields that were written by their ids, and what the location lacked. So nothing else has to be remembered:
after each start, and after each change of a directory, the links are looked through, and what is outdated is read from Lofty
once more. `deliver` accepts such a read though the lead is as it was. The requests wait behind live changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.directory import Directory
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.location import Location

log = logging.getLogger("lofty_ghl.directory")

YIELD_ROWS = 500
"""After so many links others get their turn."""


@dataclass(slots=True)
class OutdatedContacts:
    """`directory` is what is known of a connection's location, None before it was read to the end.

    `request_read` asks Lofty for an entity, with at least the version that its link has. `owns` says whether a budget is ours.
    `try_lacking` is called with what the links of a connection lack, as GHL may take today what it refused before.
    """

    locations: Mapping[str, Location]
    links: Table[LinkRow]
    outbox: Table[OutboxRow]
    directory: Callable[[str], Directory | None]
    request_read: Callable[[Entity, int], asyncio.Future[int]]
    owns: Callable[[str], bool]
    try_lacking: Callable[[str, Collection[str]], None]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def are(self, connection: str, link: LinkRow | None) -> bool:
        """Whether this link is outdated."""
        known = self.directory(connection)
        return link is not None and known is not None and known.outdates(link)

    def look(self, connection: str) -> None:
        """Look through a connection's links, in the background; a look that is under way begins again."""
        if (running := self._tasks.get(connection)) is not None:
            running.cancel()
        task = self._tasks[connection] = asyncio.create_task(self._look(connection), name=f"outdated {connection}")
        task.add_done_callback(lambda ended: _report(connection, ended))

    def forget(self, connection: str) -> None:
        """The connection is another from now on: a look under way ends."""
        if (running := self._tasks.pop(connection, None)) is not None:
            running.cancel()

    async def _look(self, connection: str) -> None:
        location, asked = self.locations[connection], 0
        requests: list[asyncio.Future[int]] = []
        lacks: set[str] = set()
        links = self.links.items(location.partition, f"{connection}:", lambda key: b":note:" not in key)
        for number, (key, link) in enumerate(links):
            if number % YIELD_ROWS == 0:
                await asyncio.gather(*requests)
                requests.clear()
                await asyncio.sleep(0)
                if not self.owns(location.budget):
                    return
            lacks.update(link.lacks)
            if not self.are(connection, link):
                continue
            row = self.outbox.get(location.partition, key)
            if row is None or not row.parked:
                requests.append(self.request_read(Entity.from_key(key), link.version_ms))
                asked += 1
        await asyncio.gather(*requests)
        self.try_lacking(connection, lacks)
        if asked:
            log.info(
                "connection %s: %d contacts or tasks are planned again: what their location has has changed",
                connection,
                asked,
            )


def _report(connection: str, ended: asyncio.Task[None]) -> None:
    if not ended.cancelled() and (error := ended.exception()) is not None:
        log.error("connection %s: its links were not looked through: %s", connection, error)
