"""What has ended is forgotten: a process that starts worker after worker, as a test's does, does not grow with each."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import suppress
from pathlib import Path

from tests.deadlines import within
from tests.integration.stage import stage
from tests.kafka.broker import Broker


async def test_a_worker_that_ended_is_let_go(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Faust's signals belong to the class of all apps: what they hold they would hold for ever."""
    async with stage(embedded_kafka, tmp_path) as on:
        worker, app = weakref.ref(on.worker), weakref.ref(on.worker.app)
    del on
    with suppress(TimeoutError):
        async with asyncio.timeout(within(60)):
            while worker() or app():
                gc.collect()
                await asyncio.sleep(0.1)  # what is called back once more holds it for that long
    assert (worker(), app()) == (None, None)
