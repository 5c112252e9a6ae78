"""What has ended is forgotten: a process that starts worker after worker, as a test's does, does not grow with each."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.integration.stage import stage
from tests.kafka.broker import Broker


@pytest.fixture
def no_log() -> Iterator[None]:
    """pytest keeps each record of a test's log to its end, with the errors in it, whose frames hold the worker that raised."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("no_log")
async def test_a_worker_that_ended_is_let_go(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Faust's signals belong to the class of all apps: what they hold they would hold for ever."""
    async with stage(embedded_kafka, tmp_path) as on:
        worker, app, ended = weakref.ref(on.worker), weakref.ref(on.worker.app), on.ended
    del on
    with suppress(TimeoutError):
        async with asyncio.timeout(within(60)):
            while worker() or app():
                gc.collect()
                await asyncio.sleep(0.1)  # what is called back once more holds it for that long
    still = [repr(task) for task in asyncio.all_tasks()] + [thread.name for thread in threading.enumerate()]
    assert (worker(), app()) == (None, None), (ended, still)
