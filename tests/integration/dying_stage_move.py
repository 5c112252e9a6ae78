"""A worker as a process that dies by SIGKILL where it writes a stage to Lofty: before the request, or as soon as Lofty has it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from connectors.lofty.client import LoftyClient
from streams.settings import load_settings
from streams.worker.dependencies import Dependencies
from streams.worker.worker import Worker

update = LoftyClient.update_lead


async def _die(self: LoftyClient, *given: Any, **more: Any) -> Any:
    if sys.argv[2] == "after":
        await update(self, *given, **more)
    os.kill(os.getpid(), signal.SIGKILL)


async def run(config: Path) -> None:
    """Work until the first lead is written."""
    LoftyClient.update_lead = _die  # type: ignore[method-assign,assignment]  # the very moment that is wanted
    settings, given = load_settings(config, os.environ), Dependencies(search_lag_ms=600, marks_locations=False)
    async with Worker(settings, given) as worker:
        await worker.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
