"""Keeps the process that writes the index alive, beside the gateway."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress

from streams.operations.history.index.config import Plan
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.history")

FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 60.0
STOP_SECONDS = 10.0


class IndexProcess:
    """Call `start` and `stop`. If the process ends in between, it is started again, after longer and longer pauses."""

    def __init__(self, settings: Settings) -> None:
        self._plan = Plan.of(settings)
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the process. The index keeps what was read."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def pid(self) -> int | None:
        """The id of the process, while one runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def _run(self) -> None:
        wait = FIRST_RETRY_SECONDS
        while True:
            began = asyncio.get_running_loop().time()
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams.operations.history.index", stdin=asyncio.subprocess.PIPE
            )
            assert process.stdin is not None  # a pipe was asked for
            process.stdin.write(self._plan.model_dump_json().encode() + b"\n")
            with suppress(ConnectionError):
                await process.stdin.drain()
            code = await process.wait()
            if asyncio.get_running_loop().time() - began > MOST_RETRY_SECONDS:
                wait = FIRST_RETRY_SECONDS
            log.error("the index process ended with code %d; it is started again in %.0f s", code, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, MOST_RETRY_SECONDS)
