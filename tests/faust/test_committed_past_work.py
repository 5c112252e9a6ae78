"""A commit passes events in flight when an agent runs more than once at a time (faust-streaming issue 606); ours never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faust.stage import a_stage
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough


async def test_plain_faust_with_concurrency_commits_past_an_event_in_flight(real_kafka: Broker, tmp_path: Path) -> None:
    """One of two actors is stuck with the first event; the other's acks are committed; SIGKILL loses the first."""
    async with a_stage(real_kafka, tmp_path) as on:
        on.produce("0", "1", "2", "3", "4")
        worker = await on.start("plain", concurrency=2, stick_on="0")
        await worker.until_told("done 4")
        await on.until_committed(5)
        await worker.kill()
        assert worker.values("began").count("0") == 1
        assert "0" not in worker.values("done")
        assert "0" not in on.rows()


async def test_a_guarded_agent_commits_nothing_of_a_batch_in_flight(real_kafka: Broker, tmp_path: Path) -> None:
    """It is stuck in the middle of a batch while commits are tried; after SIGKILL the whole batch comes again."""
    async with a_stage(real_kafka, tmp_path) as on:
        on.produce("0")
        first = await on.start("guarded", stick_on="2")
        await first.until_told("done 0")
        await on.until_committed(1)
        on.produce("1", "2", "3", "4")
        await first.until_told("began 2")
        await first.until_told("looked")
        await first.kill()
        done = len(first.values("done"))
        assert on.committed() <= done < 3
        second = await on.start("guarded")
        await second.until_told("done 4")
        assert second.values("done")[-3:] == ["2", "3", "4"]
        assert on.rows() == {"0", "1", "2", "3", "4"}
