"""What the locations of some connections hold, as far as it is known in time: for a page, which waits a few seconds only.

Workers know it of the connections that they serve. Of one that is paused, as each is before it was ever switched on, no worker keeps
a directory; so its location is read, which works while it is paused, and creates nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from streams.core.to_ghl.directory import Directory
from streams.operations.worker_queries.directories import ask_who_answers, directory_of
from streams.operations.worker_queries.errors import CannotFinish
from streams.operations.worker_queries.vendor_reads import VendorReader
from streams.settings import Connection, Settings

MOST_READ = 5
"""So many locations of paused connections are read for one page: each costs three requests to GHL."""


async def known_directories(
    settings: Settings, connections: Collection[Connection], seconds: float
) -> dict[str, Directory]:
    """By the names of the connections; those of which nothing is known in time are not in it."""
    serving = [one for one in connections if "to_ghl" not in one.paused]
    paused = [one for one in connections if "to_ghl" in one.paused][:MOST_READ]
    answers, *read = await asyncio.gather(
        _answers(settings, serving, seconds), *(_read(settings, one, seconds) for one in paused)
    )
    found: dict[str, Directory] = {}
    for part in (answers, *read):
        found |= part
    return found


async def _answers(settings: Settings, connections: Collection[Connection], seconds: float) -> dict[str, Directory]:
    try:
        answers = await ask_who_answers(settings, connections, seconds)
    except CannotFinish:
        return {}
    return {name: directory_of(answer) for name, answer in answers.items()}


async def _read(settings: Settings, connection: Connection, seconds: float) -> dict[str, Directory]:
    try:
        async with asyncio.timeout(seconds), VendorReader(settings, connection) as reader:
            return {connection.name: (await reader.location()).directory}
    except (CannotFinish, TimeoutError):
        return {}
