"""An exception in an agent: plain Faust skips the event and commits past it; ours ends, and the event is processed."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.telemetry.process import EXIT_CODE
from tests.faust.stage import a_stage
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough


async def test_plain_faust_commits_past_the_event_at_which_its_agent_raised(real_kafka: Broker, tmp_path: Path) -> None:
    """The group goes on behind it, so no worker ever sees it again: it is lost."""
    async with a_stage(real_kafka, tmp_path) as on:
        on.produce("0", "1", "2", "3", "4")
        worker = await on.start("plain", raise_on="2")
        await worker.until_told("done 4")
        await on.until_committed(5)
        await worker.kill()
        assert worker.values("done") == ["0", "1", "3", "4"]
        assert on.rows() == {"0", "1", "3", "4"}


async def test_a_guarded_agent_ends_without_committing_and_goes_on_with_the_event(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """Its supervisor starts it again, and nothing was skipped."""
    async with a_stage(real_kafka, tmp_path) as on:
        on.produce("0", "1", "2", "3", "4")
        first = await on.start("guarded", raise_on="2")
        assert await first.ended() == EXIT_CODE
        assert on.committed() <= 2
        second = await on.start("guarded")
        await second.until_told("done 4")
        assert second.values("done")[-3:] == ["2", "3", "4"]
        assert {"0", "1", "2", "3", "4"} <= on.rows()
