"""Commands as an operator runs them, against a stage of the harness."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.deadlines import within


async def run_command(
    words: tuple[str, ...], environ: Mapping[str, str], seconds: float, out: Path | None = None
) -> tuple[int, str]:
    """Run `lofty-ghl WORDS` with more environment: its exit code, and all that it said in one line. It is killed at its deadline.

    What it prints goes to the file `out`, if one is given; then only its errors are returned.
    """
    with ExitStack() as stack:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", *words),
            env={**os.environ, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if out is None else stack.enter_context(out.open("wb")),
            stderr=asyncio.subprocess.STDOUT if out is None else asyncio.subprocess.PIPE,
        )
        try:
            told, errors = await asyncio.wait_for(child.communicate(), within(seconds))
        except TimeoutError:
            with suppress(ProcessLookupError):  # it ends by itself at this moment
                child.kill()
            told, errors = await child.communicate()
    return child.returncode or 0, " ".join(((told or b"") + (errors or b"")).decode(errors="replace").split())
