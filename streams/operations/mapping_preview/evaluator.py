"""Compiles, shows and tries an edited mapping in a separate process.

The gateway's event loop also takes webhooks, so it evaluates an edited mapping only after it has passed here.
There is one process, and it does one job at a time. The first job starts it; after it was ended for passing a limit, the next does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress

from pydantic import ValidationError

from streams.mapping_versions.errors import EvaluatorBusy, TooCostly
from streams.operations.mapping_preview.trial import TrialJob, TrialResult

log = logging.getLogger("lofty_ghl.mappings")

WALL_SECONDS = 20.0
"""How long a job may take, waiting included. The process limits its processor time itself."""
START_SECONDS = 60.0
MOST_WAITING = 8
LONGEST_ANSWER = 32 * 1024 * 1024
KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "TZ", "HOME", "VIRTUAL_ENV")
"""The environment variables that the process gets: no credential is among them."""


class Evaluator:
    """Call `ask` with a job, and `aclose` at the end."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall_seconds = wall_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def ask(self, job: TrialJob) -> TrialResult:
        """Do a job in the process, and return its result.

        Raises `TooCostly` when the job passes a limit, `EvaluatorBusy` when too many jobs wait.
        """
        if self._waiting >= MOST_WAITING:
            raise EvaluatorBusy
        self._waiting += 1
        try:
            async with self._turn:
                return await self._ask(job)
        finally:
            self._waiting -= 1

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.operations.mapping_preview.trial_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_ANSWER,
            env={name: os.environ[name] for name in KEPT if name in os.environ},
        )
        assert process.stdout is not None  # a pipe was asked for
        is_ready = False
        try:
            async with asyncio.timeout(START_SECONDS):
                is_ready = bool(await process.stdout.readline())
        except TimeoutError:
            pass
        finally:
            if not is_ready:
                await self.aclose()
        if not is_ready:
            raise EvaluatorBusy
        return process

    async def _ask(self, job: TrialJob) -> TrialResult:
        process = self._process
        if process is None or process.returncode is not None:
            process = await self._start()
        assert process.stdin is not None  # pipes were asked for
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._wall_seconds):
                process.stdin.write(job.model_dump_json().encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            return TrialResult.model_validate_json(line)
        except (TimeoutError, ConnectionError, ValueError, ValidationError) as error:
            await self.aclose()
            log.warning(
                "the trial of a mapping was stopped (%s; its process ended with %s)",
                type(error).__name__,
                process.returncode,
            )
            raise TooCostly(job.name) from None
        except BaseException:  # the caller has gone: the next caller must not get this answer
            await self.aclose()
            raise
