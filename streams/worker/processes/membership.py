"""What a worker process is given as one of several: its number, its socket, and the pipe of its supervisor. Alone it has none."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from dataclasses import dataclass

import structlog
from aiohttp import web

from streams.telemetry.endpoints import listen, listen_on_socket
from streams.worker.processes.parent_link import ParentLink


@dataclass(frozen=True, slots=True)
class Membership:
    """One of `count` processes. `number` is None for a worker that runs alone."""

    number: int | None = None
    count: int = 1
    socket: str = ""
    link: ParentLink | None = None

    @property
    def labels(self) -> dict[str, str]:
        """What is in every line of its metrics."""
        return {} if self.number is None else {"process": str(self.number)}

    def stops(self, stop: asyncio.Event) -> None:
        """Set this when the supervisor asks to stop."""
        if self.link is not None:
            self.link.bind(stop)

    async def listen(self, app: web.Application, port: int) -> web.AppRunner:
        """Serve health and metrics: to the supervisor, or at the worker's port."""
        if self.socket:
            return await listen_on_socket(app, self.socket)
        runner, _ = await listen(app, "0.0.0.0", port)
        return runner


def membership_of(process: str, socket: str) -> Membership:
    """Of `NUMBER/COUNT`; an empty text is that of a worker which runs alone. Its standard input is the supervisor's pipe."""
    if not process:
        return Membership()
    _end_with_supervisor()
    number, _, count = process.partition("/")
    structlog.contextvars.bind_contextvars(process=int(number))
    return Membership(int(number), int(count), socket, ParentLink(0))


def _end_with_supervisor() -> None:
    """On Linux the kernel kills this process with its supervisor, too: one that SIGSTOP has stopped reads no pipe.

    Whether the supervisor ended before this call is seen by the pipe.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG = 1
