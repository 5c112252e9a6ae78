"""The process of one replay or dry run: `python -m streams.operations.replay`, started by the gateway.

SIGTERM stops a replay in order. When its standard input ends, the gateway is gone, and the process ends at once: the replay is
then interrupted, and a gateway resumes it later. The last line it prints is its result or its problem.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

import orjson
from aiokafka.errors import KafkaError

from streams.mapping_versions.store import settings_now
from streams.operations.replay.dry_run import dry_run
from streams.operations.replay.errors import CannotReplay
from streams.operations.replay.job import ReplayJob
from streams.operations.replay.runner import run_replay
from streams.operations.replay.runs import Runs
from streams.operations.worker_queries.errors import CannotFinish
from streams.telemetry.logs import set_up_logs

NICE = 10
MOST_EXAMPLES = 20


def main() -> int:
    """Do the job."""
    job = ReplayJob.model_validate_json(sys.stdin.readline())
    set_up_logs("warning", "text", [job.password] if job.password else [])
    threading.Thread(target=_end_with_gateway, daemon=True).start()
    with suppress(OSError):
        os.nice(NICE)
    try:
        found = asyncio.run(_work(job))
    except (CannotReplay, CannotFinish) as error:
        found = {"problem": str(error), "kind": type(error).__name__}
    except KafkaError as error:
        found = {"problem": f"Kafka cannot be used: {error or type(error).__name__}", "kind": "Kafka"}
    print(orjson.dumps(found, default=str).decode(), flush=True)
    return 0


async def _work(job: ReplayJob) -> dict[str, Any]:
    settings = await settings_now(job.settings(), with_incomplete=True)
    if job.do == "dry-run":
        assert job.selection is not None  # the gateway gives it
        return {"result": (await dry_run(settings, job.selection, most=MOST_EXAMPLES)).as_dict()}
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Runs(settings) as runs:
        replay = await run_replay(settings, runs, runs.get(job.run), rate=job.rate, stop=stop)
    return {"result": {"state": replay.state}}


def _end_with_gateway() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
