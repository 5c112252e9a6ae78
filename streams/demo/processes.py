"""Child processes of the demo: each writes its own log, reports when it is ready, and ends with the demo."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import aiohttp

READY_SECONDS = 120.0
"""How long a process may take to start on a busy machine; one that ends is reported at once."""


class DidNotStart(RuntimeError):
    """A process ended, or was not ready in time. The text holds the end of its log."""


class Child:
    """One `lofty-ghl …` process. `module` is what is run; benches have a variant of their own."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environ: Mapping[str, str],
        folder: Path,
        out: ExitStack,
        module: str = "streams.cli",
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._file = out.enter_context(self.log.open("wb"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, **environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which ends them one after another
        )
        out.callback(self.stop)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and make it end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    async def first_line(self) -> str:
        """The first line that it prints: a sandbox's address."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                self._require_running()
                line, newline, _ = self.log.read_text(errors="replace").partition("\n")
                if newline:
                    return line.strip()
                await asyncio.sleep(0.05)

    async def until_ready(self, http: aiohttp.ClientSession, url: str) -> None:
        """Wait until a URL of it answers 200."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    self._require_running()
                    try:
                        async with http.get(url) as answer:
                            if answer.status == 200:
                                return
                    except aiohttp.ClientError:
                        pass
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DidNotStart(f"{self.name} was not ready in {READY_SECONDS:.0f} s:\n{self._tail()}") from None

    def _require_running(self) -> None:
        if (code := self._process.poll()) is not None:
            raise DidNotStart(f"{self.name} ended with exit code {code}:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
