"""A worker process and the pipe of its supervisor."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

from streams.worker.processes.child_process import STOP
from streams.worker.processes.parent_link import ParentLink
from tests.deadlines import within

LOADED = """
import sys
import streams.cli.worker_processes, streams.telemetry.endpoints
import streams.worker.processes.endpoints, streams.worker.processes.how_many, streams.worker.processes.process_group
print([name for name in ("faust", "aiokafka", "confluent_kafka", "rocksdict") if name in sys.modules])
"""


async def test_a_byte_asks_to_stop_however_often_it_comes() -> None:
    """Before anybody listens, too; it is not the end."""
    mine, its = os.pipe()
    ended = threading.Event()
    link = ParentLink(mine, ended.set)
    early, late = asyncio.Event(), asyncio.Event()
    link.bind(early)
    os.write(its, STOP + STOP)
    await asyncio.wait_for(early.wait(), within(10))
    link.bind(late)
    assert late.is_set()
    assert not ended.is_set()
    os.close(its)
    assert await asyncio.to_thread(ended.wait, within(10))
    os.close(mine)


def test_a_supervisor_loads_no_client_of_kafka() -> None:
    """What may fail in a worker is not in the process that watches it."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
