"""A worker as a process that dies by SIGKILL in the middle of taking a connection's new mapping over, with work in flight."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from streams.settings import load_settings
from streams.settings.overlay import Overlay
from streams.worker.dependencies import Dependencies
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.wiring.connection_work import ConnectionWork
from streams.worker.worker import Worker

POINTS: dict[str, tuple[type[Any], str]] = {
    "while requests end": (DispatchLoop, "stop_connection"),
    "before the new mapping counts": (ConnectionWork, "_forget"),
    "while rows are offered again": (ConnectionWork, "_offer_rows"),
}
"""Where it dies: at the first call of this method."""


async def run(config: Path, point: str, mapping: str) -> None:
    """Work until requests of `best` are in flight, then take its mapping over, and die there."""
    settings = load_settings(config, os.environ)
    wanted = settings.with_overlay(Overlay(1, {"upper": mapping}, {"best": "upper"}))
    owner, method = POINTS[point]
    real = getattr(owner, method)

    def die(*given: Any, **more: Any) -> Any:
        # A turn of the loop later: what the method starts is under way by then.
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGKILL)
        return real(*given, **more)

    setattr(owner, method, die)
    async with Worker(settings, Dependencies(search_lag_ms=600)) as worker:
        while not (worker.writing.core.owns("loc-best") and worker.writing.core.view_of("loc-best", 0.0).in_flight):
            await asyncio.sleep(0.001)
        worker.take_over(wanted)
        await worker.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
