"""Finds the stories of contacts by the fastest means of this host: its index, a gateway's API, or the topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.operations.history.from_index import IndexedFinder
from streams.operations.history.from_topics import TopicFinder
from streams.operations.history.holds import holds_of
from streams.operations.history.index.reader import IndexReader, NoIndex, TooBroad
from streams.operations.history.story import Explanation
from streams.operations.history.via_gateway import ask_gateway
from streams.operations.status.reader import read_overview
from streams.settings import Connection, Settings

MOST_BEHIND = 10_000


@dataclass(frozen=True, slots=True)
class GatewayApi:
    """A gateway's API, and a token for it."""

    url: str
    token: str


async def stories(
    settings: Settings, who: str, connection: str, gateway: GatewayApi | None, report: Callable[[str], None]
) -> list[Explanation]:
    """The stories of all contacts that match `who`. `report` takes why it may take long.

    Raises aiokafka's errors, and `GatewayRefused`.
    """
    now_ms = time.time_ns() // 1_000_000
    chosen = [one for one in settings.connections.values() if connection in ("", one.name)]
    reader = IndexReader.of(settings)
    finder: IndexedFinder | TopicFinder
    try:
        fresh = await reader.freshness()
        if fresh.is_complete and fresh.is_alive(now_ms) and fresh.behind <= MOST_BEHIND:
            finder = IndexedFinder(settings, reader, now_ms, holds_of(await read_overview(settings)))
            return await _known(finder, who, chosen)
        why = "the index here is not complete yet, or no gateway updates it"
    except (NoIndex, TooBroad):
        why = "this host has no index"
    finally:
        reader.close()
    if gateway is not None:
        return await ask_gateway(gateway.url, gateway.token, who, connection)
    report(
        f"{why}, so the topics are read through: seconds for thousands of leads, minutes for a million. "
        "Set LOFTY_GHL_CONSOLE_TOKEN to ask a gateway's console instead."
    )
    finder = TopicFinder(settings, now_ms, holds_of(await read_overview(settings)))
    return await _known(finder, who, chosen)


async def _known(finder: IndexedFinder | TopicFinder, who: str, chosen: Sequence[Connection]) -> list[Explanation]:
    lanes = sorted(await finder.leads_of(who, chosen))
    return [found for lane in lanes if (found := await finder.explain(lane)).is_known]
