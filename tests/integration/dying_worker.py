"""A worker as a process that dies by SIGKILL between "the vendor gave new tokens" and "Kafka has them"."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from streams.app import Worker
from streams.collaborators import Collaborators
from streams.dispatch.tokens import Tokens
from streams.settings import load_settings


async def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def run(config: Path) -> None:
    """Work until the first renewal of a token."""
    Tokens._persist = _die  # type: ignore[method-assign]  # the very moment that is wanted
    async with Worker(load_settings(config, os.environ), Collaborators(search_lag_ms=600)) as worker:
        await worker.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
