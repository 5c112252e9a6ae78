"""What every process tells of itself, whatever it does: its event loop, what it appends, its release and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from importlib.metadata import version

from streams.metrics import Metrics
from streams.metrics.gauges import Reading, of_process
from streams.topics import TABLES, TOPICS, TopicNames

RELEASE = version("lofty-ghl")
LOOP_SECONDS = 0.5
CHANGELOGS = "changelogs"
"""Under this name the changelogs of all tables are counted."""


async def watch_loop(metrics: Metrics, seconds: float = LOOP_SECONDS) -> None:
    """See how late the event loop wakes us, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + seconds
        await asyncio.sleep(seconds)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))


def append_topics() -> tuple[str, ...]:
    """The names under which appended records are counted."""
    return (*(spec.name for spec in TOPICS), CHANGELOGS)


def counting_appends(metrics: Metrics, names: TopicNames) -> Callable[[str, int, float, bool], None]:
    """What an appender tells of its batches, counted by the topic's name in the product."""
    known = {names.of(spec.name): spec.name for spec in TOPICS}
    known |= {names.changelog(table): CHANGELOGS for table in TABLES}

    def appended(topic: str, records: int, seconds: float, failed: bool) -> None:
        metrics.appended(known.get(topic, topic), records, seconds, failed=failed)

    return appended


def process_readings(now_ms: Callable[[], int]) -> Callable[[], Iterable[Reading]]:
    """The gauges of a process that is no worker."""
    return lambda: of_process(RELEASE, now_ms())
