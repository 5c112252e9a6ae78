"""`python -m streams.operations.mapping_preview.trial_process`: a job a line on standard input, what came of it a line on standard output.

The process has limits that the gateway could not bear for itself: some seconds of processor time a job, and little memory.
When it passes them the system ends it; who asked takes that for the answer. It ends with its standard input.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from streams.operations.mapping_preview.trial import TrialJob, TrialResult, do

MOST_CPU_SECONDS = 10
MOST_BYTES = 256 * 1024 * 1024
"""Data of its own, of which 25 MiB are there at the start: with it the gateway stays below docker-compose.yml's limit."""
FIRST_TO_GO = 1000
"""Where memory runs out all the same, the system ends this process, and not the gateway."""
NICE = 10


def main() -> int:
    """Do jobs until there are no more."""
    with suppress(OSError):
        os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))
    _limit(resource.RLIMIT_DATA, MOST_BYTES)
    sys.stdout.buffer.write(b"ready\n")  # what it took to start is not the first job's
    sys.stdout.buffer.flush()
    for line in sys.stdin.buffer:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + MOST_CPU_SECONDS)
        found: TrialResult = do(TrialJob.model_validate_json(line))
        sys.stdout.buffer.write(found.model_dump_json().encode() + b"\n")
        sys.stdout.buffer.flush()
    return 0


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
