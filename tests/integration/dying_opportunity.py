"""A worker as a process that dies by SIGKILL between "GHL has made an opportunity" and "Kafka has its receipt"."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from connectors.ghl.client import GhlClient
from streams.settings import load_settings
from streams.worker.dependencies import Dependencies
from streams.worker.worker import Worker

create = GhlClient.create_opportunity


async def _create_and_die(self: GhlClient, fields: Any) -> None:
    await create(self, fields)
    os.kill(os.getpid(), signal.SIGKILL)


async def run(config: Path) -> None:
    """Work until the first opportunity is made."""
    GhlClient.create_opportunity = _create_and_die  # type: ignore[method-assign,assignment]  # the very moment that is wanted
    settings, given = load_settings(config, os.environ), Dependencies(search_lag_ms=600, marks_locations=False)
    async with Worker(settings, given) as worker:
        await worker.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
