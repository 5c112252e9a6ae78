"""A worker as a process that dies by SIGKILL between "the vendor gave new tokens" and "Kafka has them"."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from streams.settings import load_settings
from streams.worker.dependencies import Dependencies
from streams.worker.dispatch.oauth_tokens import OAuthTokens
from streams.worker.worker import Worker


async def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def run(config: Path) -> None:
    """Work until the first renewal of a token."""
    OAuthTokens._persist = _die  # type: ignore[method-assign]  # the very moment that is wanted
    async with Worker(load_settings(config, os.environ), Dependencies(search_lag_ms=600)) as worker:
        await worker.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
