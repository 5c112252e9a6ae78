"""A command that starts processes of its own, and which of them are left: they are known by a variable that they inherit."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

MARK = "LOFTY_GHL_TEST_MARK"
START_SECONDS, END_SECONDS = 120.0, 90.0

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="needs /proc to see whose processes are left"
)


class Marked:
    """One that runs."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self.process, self.mark = process, mark
        self.said = ""

    def processes(self) -> dict[int, str]:
        """Every process of it that lives, with its command."""
        found = {}
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        return found

    async def until_said(self, words: str, seconds: float) -> None:
        """Read on until these words were said."""
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            while words not in self.said:
                chunk = await self.process.stdout.read(4096)
                assert chunk, self.said
                self.said += chunk.decode()

    async def until_children(self, number: int) -> None:
        """Wait until so many processes of it run."""
        async with asyncio.timeout(START_SECONDS):
            while len(self.processes()) < number:
                assert self.process.returncode is None, self.said
                await asyncio.sleep(0.05)

    async def end(self, how: signal.Signals) -> int:
        """Send a signal, read what is still said; returns the exit code."""
        self.process.send_signal(how)
        async with asyncio.timeout(END_SECONDS):
            assert self.process.stdout is not None
            self.said += (await self.process.stdout.read()).decode()
            return await self.process.wait()


@asynccontextmanager
async def marked(tmp_path: Path, *arguments: str) -> AsyncIterator[Marked]:
    """Start `python -m …`; in the end nothing of it is left, whatever the test did."""
    mark = uuid.uuid4().hex
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, MARK: mark, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1", "COLUMNS": "160"},
        start_new_session=True,
    )
    on = Marked(process, mark)
    try:
        yield on
    finally:
        for pid in on.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()
