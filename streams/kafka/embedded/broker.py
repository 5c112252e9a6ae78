"""An embedded Kafka for the demo and for quick tests: librdkafka's mock cluster, in a process of its own.

It speaks Kafka's protocol to any client: aiokafka's idempotent producer, `send_batch`, consumer groups, commits, and Faust
with its tables and their recovery work on it unchanged (`topic_allow_declare=False`, `topic_disable_leader=True`).
What it lacks, and why it is never for real data:

- it keeps 5 MB a partition in memory and drops the oldest beyond that, silently;
- no compaction, no retention, nothing on disk: it is empty after a restart;
- no admin API: a topic appears with `PARTITIONS` partitions when a client first asks for it, or with as many as wanted by
  `create_topic`. A client that asks for all topics gets only those that exist already;
- it gives a group's first member its partitions at once, but whoever joins or comes back later waits for the group's session
  timeout less one second: give a test that restarts a member a short one;
- no metrics of groups (`ListGroups`, `DescribeGroups`), no access control, no transport security.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Self

PARTITIONS = 4
"""Of a topic that was not created: fixed in librdkafka."""

STOP_SECONDS = 5.0


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker: broker.bootstrap` — it dies with its parent, however that ends."""

    def __init__(self) -> None:
        self.bootstrap = ""
        self._process: subprocess.Popen[str] | None = None

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic. Raises RuntimeError when it exists already."""
        wrong = self._ask(json.dumps({"topic": name, "partitions": partitions}))
        if wrong:
            raise RuntimeError(f"the embedded broker did not create {name}: {wrong}")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streams.kafka.embedded.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self.bootstrap = self._ask()
        except BaseException:
            self.__exit__(None, None, None)
            raise
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
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _ask(self, line: str | None = None) -> str:
        """Send a line, if any, and return the answer."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the embedded broker is not running: enter it first")
        if line is not None:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("the embedded broker ended; its reason is on standard error")
        return answer.strip()
