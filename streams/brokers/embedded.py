"""An embedded Kafka for the demo and for quick tests: librdkafka's mock cluster, in a process of its own.

It speaks Kafka's protocol to any client. What it lacks, and why it is never for real data:

- it keeps 5 MB a partition in memory and drops the oldest beyond that, silently;
- no compaction, no retention, nothing on disk: it is empty after a restart;
- no admin API: topics appear when they are first asked for, always with `PARTITIONS` partitions.
"""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

PARTITIONS = 4
"""Of every topic: librdkafka's mock cluster has no setting for it."""

START_SECONDS = 15.0


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker: broker.bootstrap` — it dies with its parent, however that ends."""

    def __init__(self) -> None:
        self.bootstrap = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streams.brokers.embedded_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.bootstrap = self._process.stdout.readline().strip()
        if not self.bootstrap:
            code = self._process.wait(START_SECONDS)
            raise RuntimeError(f"the embedded broker did not start (exit code {code}): is confluent-kafka installed?")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
