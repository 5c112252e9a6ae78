"""Table changes that are on their way when a commit is due: plain Faust commits all the same; ours waits for Kafka's answer.

Before a commit Faust flushes its producer's buffer, but for 100 ms without progress only (`ProducerBuffer.flush_atmost`), and
then waits for the batches that aiokafka holds at that moment. What the buffer still holds, and what follows those batches,
is committed past. A burst of changes of more than two batches (16 KB each) and a broker that takes more than 100 ms for a
batch are enough; nothing needs to fail but the process.
A change that the broker refuses is worse: it is logged, and committed past without any crash.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.telemetry.process import EXIT_CODE
from tests.faust.stage import a_stage
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

VALUES = [f"{number:03d}" for number in range(300)]
SLOW = {"row_bytes": 1_000, "produce_seconds": 0.4}
"""Twenty batches of 16 KB, each of which a broker with slow replicas takes its time for."""


async def test_plain_faust_commits_before_table_changes_have_left(real_kafka: Broker, tmp_path: Path) -> None:
    """SIGKILL then loses rows for good: the group goes on behind their events, and the changelog has not got them."""
    async with a_stage(real_kafka, tmp_path) as on:
        on.produce(*VALUES)
        worker = await on.start("plain", **SLOW)
        await on.until_committed(len(VALUES) // 2)
        await worker.kill()
        rows = on.rows()
        assert rows, "what did leave is there"
        assert len(set(VALUES[: on.committed()]) - rows) > 50


async def test_our_table_is_acknowledged_before_its_events_are_committed(real_kafka: Broker, tmp_path: Path) -> None:
    """The same producer, as slow: whenever the worker is killed, what is committed is in the changelog."""
    async with a_stage(real_kafka, tmp_path) as on:
        on.produce(*VALUES)
        first = await on.start("guarded", **SLOW)
        await on.until_committed(1)
        await first.kill()
        lost = set(VALUES[: on.committed()]) - on.rows()
        second = await on.start("guarded")
        on.produce("end")
        await second.until_told("done end")
        assert lost == set()
        assert on.rows() == {*VALUES, "end"}


async def test_plain_faust_commits_past_a_table_change_that_was_refused(real_kafka: Broker, tmp_path: Path) -> None:
    """The row is larger than its changelog allows: a line in the log, and the event is gone."""
    async with a_stage(real_kafka, tmp_path, {"max.message.bytes": "2000"}) as on:
        on.produce("0")
        worker = await on.start("plain", row_bytes=5_000)
        await worker.until_told("done 0")
        await on.until_committed(1)
        assert on.rows() == set()


async def test_a_guarded_agent_ends_when_a_table_change_was_refused(real_kafka: Broker, tmp_path: Path) -> None:
    """The event stays uncommitted until the row can be written."""
    async with a_stage(real_kafka, tmp_path, {"max.message.bytes": "2000"}) as on:
        on.produce("0")
        worker = await on.start("guarded", row_bytes=5_000)
        assert await worker.ended() == EXIT_CODE
        assert on.committed() == 0
        assert on.rows() == set()
