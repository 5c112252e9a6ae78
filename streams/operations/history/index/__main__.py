"""The process that writes the index: `python -m streams.operations.history.index`. The gateway starts it and sends its plan on stdin.

It ends on SIGTERM, and with the gateway (when its standard input ends). Only one process at a time writes an index: a second one
with the same folder waits until the first has ended. So several gateways on one host share an index.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import sqlite3
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Literal

from streams.kafka.topic_reader import consumer_without_group
from streams.messages.topics import TopicNames
from streams.operations.history.index.config import LOCK, Plan
from streams.operations.history.index.follower import Follower, InconsistentLog, follow_for_ever
from streams.operations.history.index.schema import open_to_write, remove
from streams.operations.history.index.writer import IndexWriter
from streams.telemetry.logs import set_up_logs

log = logging.getLogger("lofty_ghl.history")

NICE = 10
"""The process's niceness: the intake of webhooks goes first, whatever else runs on the machine."""
CANNOT_WRITE = 4


def main() -> int:
    """Read the plan, wait for the lock, follow the topics."""
    plan = Plan.model_validate_json(sys.stdin.readline())
    form: Literal["text", "json"] = "json" if os.environ.get("LOFTY_GHL_LOG_FORMAT") == "json" else "text"
    set_up_logs("info", form, plan.secrets.values())
    with suppress(OSError):
        os.nice(NICE)
    try:
        return asyncio.run(_serve(plan))
    except (OSError, sqlite3.Error) as error:
        log.error(
            "the index at %s cannot be written: %s. Is the disk full, and may this user write there (console.data_dir)?",
            plan.folder,
            error,
        )
        return CANNOT_WRITE


async def _serve(plan: Plan) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    watching = asyncio.create_task(_until_parent_ends(reader, stop))
    with _lock_file(plan) as lock:
        while not stop.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1.0)
        while not stop.is_set():
            await _follow(plan, stop)
    watching.cancel()
    return 0


async def _follow(plan: Plan, stop: asyncio.Event) -> None:
    """Follow the topics until stopped, or until the index must be rebuilt."""
    connection = open_to_write(plan.path, plan.belongs_to)
    try:
        await follow_for_ever(lambda: _follower(plan, IndexWriter(connection)), stop)
    except InconsistentLog as error:
        log.warning("the index is rebuilt: %s", error)
        remove(plan.path)
    except sqlite3.OperationalError:
        raise  # the disk fails, not the file on it
    except sqlite3.DatabaseError as error:
        log.warning("the index file is broken (%s): it is rebuilt", error)
        remove(plan.path)
    finally:
        connection.close()


def _lock_file(plan: Plan) -> IO[str]:
    Path(plan.folder).mkdir(parents=True, exist_ok=True)
    return (Path(plan.folder) / LOCK).open("w")


def _follower(plan: Plan, writer: IndexWriter) -> Follower:
    names = TopicNames(plan.kafka.topic_prefix)
    return Follower(
        writer,
        names,
        plan.kafka.partitions,
        partial(consumer_without_group, plan.kafka, plan.kafka_secrets, fetch_max_wait_ms=100),
    )


async def _until_parent_ends(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    await reader.read()
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
