"""The fastest way to a story that a host has: its own index, a gateway's, or reading the topics through."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from streams.operations.history.from_index import IndexedFinder
from streams.operations.history.from_topics import TopicFinder
from streams.operations.history.holds import holds_of
from streams.operations.history.index.config import index_path
from streams.operations.history.index.reader import IndexReader, NoIndex, TooBroad
from streams.operations.history.story import Explanation
from streams.operations.history.via_gateway import ask_gateway
from streams.operations.status.reader import read_overview
from streams.settings import Settings

MOST_BEHIND = 10_000


@dataclass(frozen=True, slots=True)
class GatewayApi:
    """Where an API is, and the token that opens it."""

    url: str
    token: str


async def stories(
    settings: Settings, who: str, connection: str, gateway: GatewayApi | None, tell: Callable[[str], None]
) -> list[Explanation]:
    """What is known of whom a text names. `tell` hears why it may take long.

    Raises Kafka's errors, and `GatewayRefused`.
    """
    now_ms = time.time_ns() // 1_000_000
    chosen = [one for one in settings.connections.values() if connection in ("", one.name)]
    reader = IndexReader(index_path(settings), sorted(settings.connections))
    try:
        fresh = await reader.freshness()
        if fresh.is_complete and fresh.is_alive(now_ms) and fresh.behind <= MOST_BEHIND:
            indexed = IndexedFinder(settings, reader, now_ms, holds_of(await read_overview(settings)))
            lanes = sorted(await indexed.leads_of(who, chosen))
            return [found for lane in lanes if (found := await indexed.explain(lane)).is_known]
        why = "the index here is not complete yet, or no gateway writes it any more"
    except (NoIndex, TooBroad):
        why = "this host has no index"
    finally:
        reader.close()
    if gateway is not None:
        return await ask_gateway(gateway.url, gateway.token, who, connection)
    tell(
        f"{why}, so the topics are read through: seconds for thousands of leads, minutes for a million. "
        "LOFTY_GHL_CONSOLE_TOKEN lets a gateway's console be asked instead."
    )
    finder = TopicFinder(settings, now_ms, holds_of(await read_overview(settings)))
    lanes = sorted(await finder.leads_of(who, chosen))
    return [found for lane in lanes if (found := await finder.explain(lane)).is_known]
