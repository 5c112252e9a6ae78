"""What every process reports about itself: its event loop, what it produces, its release and its clock."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version

from streams.kafka.clients import reach
from streams.kafka.producer import KafkaProducer
from streams.messages.topics import TABLES, TOPICS, TopicNames
from streams.settings import Settings
from streams.telemetry.metrics import Metrics
from streams.telemetry.metrics.gauges import of_process
from streams.telemetry.metrics.spec import Reading

RELEASE = version("lofty-ghl")
LOOP_SECONDS = 0.5
HEAL_LOOK_SECONDS = 30.0
HEAL_SECONDS = 300.0
"""For longer appends do not fail while Kafka answers: then a new process is tried."""

SWITCH_SECONDS = 0.0005

EXIT_CODE = 70
"""`EX_SOFTWARE`: the process failed; start it again."""

log = logging.getLogger("lofty_ghl.process")

CHANGELOGS = "changelogs"
"""Under this name the changelogs of all tables are counted."""


async def watch_loop(metrics: Metrics, seconds: float = LOOP_SECONDS) -> None:
    """See how late the event loop wakes us, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + seconds
        await asyncio.sleep(seconds)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))


def keep_what_started() -> None:
    """Take what is there now out of Python's collections: what a process has started with lives as long as it does.

    A whole collection walks through every object, and nothing else runs meanwhile: 80 to 110 ms in a worker that has just started,
    and again whenever many objects are added, such as connections. Afterwards it walks through what is new. What was kept before is
    looked through once more, as a worker that another has replaced ends in between.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def switch_threads_soon() -> None:
    """Have a thread that waits for the interpreter wait half a millisecond instead of Python's five.

    A worker reads Kafka in a thread of its own, which waits after each call of the system while the other runs Python. With five
    milliseconds a record is tens of them late as soon as the worker has much to do, on each of its ways through Kafka.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def end_process(reason: str) -> None:
    """End at once, without committing; the next process repeats the work that was in progress."""
    log.critical("%s This process ends (exit code %d); its supervisor must start it again.", reason, EXIT_CODE)
    faulthandler.dump_traceback(all_threads=True)
    os._exit(EXIT_CODE)


def append_topics() -> tuple[str, ...]:
    """The names under which appended records are counted."""
    return (*(spec.name for spec in TOPICS), CHANGELOGS)


def counting_appends(metrics: Metrics, names: TopicNames) -> Callable[[str, int, float, bool], None]:
    """What the producer reports about its batches, counted by the topic's name in the product."""
    known = {names.of(spec.name): spec.name for spec in TOPICS}
    known |= {names.changelog(table): CHANGELOGS for table in TABLES}

    def appended(topic: str, records: int, seconds: float, failed: bool) -> None:
        metrics.appended(known.get(topic, topic), records, seconds, failed=failed)

    return appended


def process_readings(now_ms: Callable[[], int]) -> Callable[[], Iterable[Reading]]:
    """The gauges of a worker that has stopped."""
    return lambda: of_process(RELEASE, now_ms(), 0.0)


def failing_seconds(producer: KafkaProducer) -> float:
    """For how long appends have failed; 0 while they do not."""
    trouble = producer.trouble
    return 0.0 if trouble is None else trouble.seconds


async def watch_appends(
    settings: Settings,
    producer: KafkaProducer,
    end: Callable[[str], None],
    *,
    look_seconds: float = HEAL_LOOK_SECONDS,
    most_seconds: float = HEAL_SECONDS,
) -> None:
    """End a process whose appends fail for minutes although Kafka answers others; look until cancelled.

    While Kafka is away a new process would do no better, and could not even answer a vendor.
    """
    while True:
        await asyncio.sleep(look_seconds)
        trouble = producer.trouble
        if trouble is None or trouble.seconds < most_seconds:
            continue
        try:
            await reach(settings)
        except Exception as error:  # whatever it is: Kafka is not reached by anybody
            log.warning("Kafka has taken nothing for %.0f s, and does not answer: %s", trouble.seconds, error)
            continue
        trouble = producer.trouble
        if trouble is not None and trouble.seconds >= most_seconds:
            end(f"Nothing could be appended for {trouble.seconds:.0f} s although Kafka answers: {trouble.error}.")
