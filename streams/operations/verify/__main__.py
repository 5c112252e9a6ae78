"""The process of one verification: `python -m streams.operations.verify`, started by the gateway.

It prints `{"progress": …}` while it reads, at most twice a second, and last its report.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from streams.operations.process_job import do_job, print_line
from streams.operations.verify.job import VerifyJob
from streams.operations.verify.run import verify
from streams.operations.worker_queries.errors import CannotFinish

PROGRESS_SECONDS = 0.5


async def _work(job: VerifyJob) -> dict[str, Any]:
    printed = 0.0

    def progress(connection: str, doing: str, done: int, of: int) -> None:
        nonlocal printed
        if time.monotonic() - printed >= PROGRESS_SECONDS:
            printed = time.monotonic()
            print_line({"progress": {"doing": doing, "done": done, "of": of}})

    report = await verify(
        job.settings(),
        connection=job.connection,
        lead=job.lead,
        repair=job.repair,
        within_seconds=job.within_seconds,
        progress=progress,
        without_credentials=True,
    )
    return report.as_dict()


if __name__ == "__main__":
    sys.exit(do_job(VerifyJob, _work, CannotFinish))
