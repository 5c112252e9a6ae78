"""The process of one replay or dry run: `python -m streams.operations.replay`, started by the gateway.

SIGTERM stops a replay in order. When the gateway goes, the process ends at once: the replay is then interrupted, and a gateway
resumes it later.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from streams.mapping_versions.store import settings_now
from streams.operations.process_job import do_job
from streams.operations.replay.dry_run import dry_run
from streams.operations.replay.errors import CannotReplay
from streams.operations.replay.job import ReplayJob
from streams.operations.replay.runner import run_replay
from streams.operations.replay.runs import Runs
from streams.operations.worker_queries.errors import CannotFinish

MOST_EXAMPLES = 20


async def _work(job: ReplayJob) -> dict[str, Any]:
    settings = await settings_now(job.settings(), with_incomplete=True)
    if job.do == "dry-run":
        assert job.selection is not None  # the gateway gives it
        return (await dry_run(settings, job.selection, most=MOST_EXAMPLES)).as_dict()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Runs(settings) as runs:
        replay = await run_replay(settings, runs, runs.get(job.run), rate=job.rate, stop=stop)
    return {"state": replay.state}


if __name__ == "__main__":
    sys.exit(do_job(ReplayJob, _work, CannotReplay, CannotFinish))
