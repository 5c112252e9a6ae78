"""The process of one verification: `python -m streams.operations.verify`, started by the gateway.

It prints `{"progress": …}` while it reads, at most twice a second, and last its report.
"""

from __future__ import annotations

import sys
from typing import Any

from streams.operations.process_job import ProgressLines, do_job
from streams.operations.verify.job import VerifyJob
from streams.operations.verify.run import verify
from streams.operations.worker_queries.errors import CannotFinish


async def _work(job: VerifyJob) -> dict[str, Any]:
    lines = ProgressLines()
    report = await verify(
        job.settings(),
        connection=job.connection,
        lead=job.lead,
        repair=job.repair,
        within_seconds=job.within_seconds,
        progress=lambda _, doing, done, of: lines(doing, done, of),
        without_credentials=True,
    )
    return report.as_dict()


if __name__ == "__main__":
    sys.exit(do_job(VerifyJob, _work, CannotFinish))
