"""Commands as an operator runs them, against a stage of the harness."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

from tests.deadlines import within


async def run_command(words: tuple[str, ...], environ: Mapping[str, str], seconds: float) -> tuple[int, str]:
    """Run `lofty-ghl WORDS` with more environment: its exit code, and all that it said in one line. It is killed at its deadline."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", *words),
        env={**os.environ, **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(child.communicate(), within(seconds))
    except TimeoutError:
        child.kill()
        out, _ = await child.communicate()
    return child.returncode or 0, " ".join(out.decode(errors="replace").split())
