"""The process of one rehearsal: `python -m streams.operations.rehearsal`, started by the gateway. It prints its progress, and last its report."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from streams.operations.process_job import ProgressLines, do_job
from streams.operations.rehearsal.job import RehearsalJob
from streams.operations.rehearsal.rehearse import rehearse
from streams.operations.worker_queries.errors import CannotFinish


async def _work(job: RehearsalJob) -> dict[str, Any]:
    report = await rehearse(
        job.settings(), job.connection, sample=job.sample, progress=ProgressLines(), without_credentials=True
    )
    return asdict(report)


if __name__ == "__main__":
    sys.exit(do_job(RehearsalJob, _work, CannotFinish))
