"""A process beside the gateway that does a job: see `streams.operations.process_job`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from streams.console.errors import Unavailable, WrongInput
from streams.operations.process_job import ProcessJob

_PROGRESS = b'{"progress":'


async def result_of(
    job: ProcessJob, seconds: float, on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    """The result of a job. Raises `WrongInput` or `Unavailable` when there is none within some seconds."""
    process = await start_process(job)
    try:
        async with asyncio.timeout(seconds):
            found = await last_line(process, on_progress)
    except TimeoutError:
        raise Unavailable(f"It was not done within {seconds:.0f} s: choose less at a time.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "problem" in found:
        raise (WrongInput if found["kind"] == "InvalidReplay" else Unavailable)(str(found["problem"]))
    result: dict[str, Any] = found["result"]
    return result


async def start_process(job: ProcessJob) -> asyncio.subprocess.Process:
    """Start the process, and hand it the job on its standard input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", job.module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 * 1024 * 1024,
    )
    assert process.stdin is not None  # a pipe was asked for
    process.stdin.write(job.model_dump_json().encode() + b"\n")
    with suppress(ConnectionError):
        await process.stdin.drain()
    return process


async def last_line(
    process: asyncio.subprocess.Process, on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    """What the process printed last: its result or its problem. `on_progress` gets what it reported before."""
    assert process.stdout is not None  # as above
    last = b""
    async for line in process.stdout:
        last = line
        if line.startswith(_PROGRESS):
            on_progress(orjson.loads(line)["progress"])
    code = await process.wait()
    try:
        found = orjson.loads(last)
    except orjson.JSONDecodeError:
        found = {"problem": f"its process ended with code {code}", "kind": "Process"}
    return found if isinstance(found, dict) else {"problem": "its process said nothing", "kind": "Process"}
