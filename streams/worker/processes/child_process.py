"""One worker process, as its supervisor sees it: it is started, asked how it is over its own socket, asked to stop, killed."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress

import aiohttp

STOP = b"s"
"""What a supervisor writes into the pipe of a process to ask for an orderly stop (`parent_link.py`)."""

ANSWER_SECONDS = 5.0
"""How long an answer may take: that of a busy event loop is late, too."""


class ChildProcess:
    """A process that runs `arguments` and serves its health and metrics on the Unix socket `socket`."""

    def __init__(self, process: Process, socket: str) -> None:
        self._process = process
        # The address is that of the socket. Without a pool, no connection of a process that ended is used for the next.
        self._http = aiohttp.ClientSession(
            "http://process", connector=aiohttp.UnixConnector(path=socket, force_close=True)
        )

    @classmethod
    async def start(cls, arguments: Sequence[str], environ: Mapping[str, str], socket: str) -> ChildProcess:
        """Start it, in a session of its own: Ctrl-C is for the supervisor, which asks all to stop."""
        process = await asyncio.create_subprocess_exec(*arguments, env=environ, stdin=PIPE, start_new_session=True)
        return cls(process, socket)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def wait(self) -> int:
        """Its exit code once it has ended; of a signal, the signal's number below 0."""
        return await self._process.wait()

    async def get(self, path: str, accept: str = "", seconds: float = ANSWER_SECONDS) -> tuple[int, str, str]:
        """The status, content type and text of its answer; (0, "", "") where none comes in time."""
        try:
            async with asyncio.timeout(seconds), self._http.get(path, headers={"Accept": accept}) as answer:
                return answer.status, answer.headers.get("Content-Type", ""), await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0, "", ""

    def ask_to_stop(self) -> None:
        """As SIGTERM, but as often as one likes."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(STOP)

    def kill(self) -> None:
        """SIGKILL. One that is stopped by SIGSTOP ends, too."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End it if it runs, and let go of what belonged to it."""
        assert self._process.stdin is not None
        self.kill()
        await self._process.wait()
        self._process.stdin.close()
        await self._http.close()
