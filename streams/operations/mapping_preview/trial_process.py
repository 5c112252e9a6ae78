"""`python -m streams.operations.mapping_preview.trial_process`: reads jobs from standard input and writes results to standard output.

Each is one line. The process limits itself to some seconds of processor time for a job, and to little memory.
The operating system ends it when it passes a limit; the caller then reports the mapping as too costly.
It also ends when its standard input ends.
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
"""The process's limit of memory. It starts with 25 MiB; with all of it the gateway stays below docker-compose.yml's limit."""
FIRST_TO_GO = 1000
"""The process's OOM score: if memory runs out all the same, the system ends this process and not the gateway."""
NICE = 10


def main() -> int:
    """Do jobs until there are no more."""
    with suppress(OSError):
        os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))
    _limit(resource.RLIMIT_DATA, MOST_BYTES)
    sys.stdout.buffer.write(b"ready\n")  # the time to start does not count for the first job
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
