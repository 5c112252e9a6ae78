"""A move to more partitions is seen by whoever looks: status, console, metrics; and by commands that are at work meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer

from streams.cli import in_force
from streams.cli import status as status_command
from streams.kafka import growth as growth_topics
from streams.kafka.growth import write_growth
from streams.messages.growth import Growth, GrowthState, Move, grown_prefix
from streams.settings import Settings
from tests.integration.command import command, config_of
from tests.integration.stage import PARTITIONS, Stage
from tests.integration.test_growing import NEW, growing_stage
from tests.kafka.broker import Broker

MINUTES = 20


def move_of(on: Stage, state: GrowthState) -> Growth:
    """A move of this stage, in this state for twenty minutes."""
    prefix, at_ms = on.settings.kafka.topic_prefix, time.time_ns() // 1_000_000 - MINUTES * 60_000
    facts = {"from_prefix": prefix, "from_partitions": PARTITIONS, "to_prefix": grown_prefix(prefix, NEW)}
    facts |= {"to_partitions": NEW, "state": state, "holder": "h", "by": "ada"}
    return Growth.model_validate({**facts, "began_ms": at_ms, "at_ms": at_ms, "since_ms": at_ms})


async def test_it_is_seen_by_status_the_console_and_metrics(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are paused for too long: status says so with the command that goes on, and reads the state once."""
    reads: list[int] = []
    """In which thread: gateway and worker read it, too."""
    read, thread = growth_topics._read_known_move, [0]

    async def counted(settings: Settings) -> Move | None:
        reads.append(threading.get_ident())
        return await read(settings)

    def show_status(config: Path) -> None:
        thread[0] = threading.get_ident()
        status_command.status(config, False, False, False)

    async with growing_stage(embedded_kafka, tmp_path) as on:
        documents: list[dict[str, Any]] = []

        async def has_told() -> bool:
            """The gateway looks by itself, too, and has perhaps begun before the move; it publishes its status from time to time."""
            await on.gateway._status_report.move_watch.look()
            documents.append(orjson.loads((await command("status", config_of(on, tmp_path), "--json"))[1]))
            return any(gateway["move"] for gateway in documents[-1]["gateways"])

        await write_growth(on.settings, move_of(on, "closing"))
        await on.until(has_told)
        async with on.http.get(f"{on.gateway.url}/metrics") as answer:
            metrics = await answer.text()
        code, said, _ = await command("status", config_of(on, tmp_path))
        monkeypatch.setattr(growth_topics, "_read_known_move", counted)
        with pytest.raises(typer.Exit):
            await asyncio.to_thread(show_status, config_of(on, tmp_path))

    [gateway] = documents[-1]["gateways"]
    assert code == 1
    assert "more partitions: no worker may run, so nothing is synced" in said
    assert f"lofty-ghl partitions grow --to {NEW}" in said
    assert reads.count(thread[0]) == 1
    assert any(f"for {MINUTES + later} min" in documents[-1]["move"] for later in range(5))
    assert gateway["move"]["growth"]["state"] == "closing"
    [paused] = [line for line in metrics.splitlines() if line.startswith('lofty_ghl_move_seconds{state="closing"}')]
    assert float(paused.rpartition(" ")[2]) > MINUTES * 60 - 1
    assert 'lofty_ghl_move_seconds{state="copying"} 0' in metrics


async def test_a_command_that_is_at_work_ends_once_the_deployment_has_moved(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody reads what it would write, and no worker would answer it; its own work is cancelled in order."""
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.05)
    async with growing_stage(embedded_kafka, tmp_path) as on:
        began, ended = asyncio.Event(), asyncio.Event()

        async def waits_for_ever() -> None:
            try:
                began.set()
                await asyncio.Event().wait()
            finally:
                ended.set()

        await write_growth(on.settings, move_of(on, "switching"))
        working = asyncio.create_task(in_force.while_in_force(on.settings, waits_for_ever()))
        await began.wait()
        await write_growth(on.settings, move_of(on, "done"))
        with pytest.raises(typer.Exit) as refused:
            await working

    assert refused.value.exit_code == 2
    assert ended.is_set()
    assert "the deployment has moved meanwhile" in capsys.readouterr().err
