"""Replays ordered at the console: foretold, run beside the gateway, stopped, and carried on by another gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.console.server import ConsoleServer
from streams.console.services import replay as service
from streams.gateway.server import GatewayServer
from tests.integration.console import Caller, caller, console_on_stage, until_indexed
from tests.integration.stage import Stage
from tests.kafka.broker import Broker

SNAPSHOTS = {"topic": "lofty.snapshots", "connection": "acme"}
CHANGES = {"topic": "lofty.changes", "connection": "acme"}


async def some_leads(on: Stage, number: int) -> list[str]:
    """Leads that are in GHL."""
    leads = [on.new_lead() for _ in range(number)]
    await on.until(lambda: len(on.contacts()) == number, 60)
    await on.until_quiet()
    return leads


async def until_state(on: Stage, who: Caller, run: str, *states: str) -> dict[str, Any]:
    """Wait until a replay is in a state."""
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        nonlocal found
        found = next(one for one in await who.get("/replays") if one["run"] == run)
        return found["state"] in states

    await on.until(is_so, 120)
    return found


async def test_a_replay_is_foretold_and_run(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Unchanged snapshots cause no call; who ordered it is in the audit; nonsense is refused in words."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        await some_leads(on, 3)
        calls = len(on.requests("ghl"))
        status, foretold = await who.ask("POST", "/replays/dry-run", SNAPSHOTS)
        assert status == 200, foretold
        assert foretold["chosen"] == 3
        assert sum(one["requests"] for one in foretold["connections"]) == 0
        status, ordered = await who.ask("POST", "/replays", SNAPSHOTS)
        assert status == 200, ordered
        done = await until_state(on, who, ordered["run"], "done")
        assert (done["chosen"], done["handed"] + done["passed"], done["left"]) == (3, 3, 0)
        await on.until_quiet()
        assert len(on.requests("ghl")) == calls
        await until_indexed(on, who)
        (act,) = [one for one in (await who.get("/audit"))["acts"] if one["action"] == "replay"]
        assert (act["who"], act["about"]["topic"]) == ("robot", "lofty.snapshots")
        assert (await who.ask("POST", "/replays", {"topic": "tokens"}))[0] == 422
        assert (await who.ask("POST", "/replays/dry-run", {"topic": "lofty.snapshots", "connection": "x"}))[0] == 404
        assert (await who.ask("POST", "/replays/none/stop"))[0] == 404
        assert (await who.ask("POST", f"/replays/{ordered['run']}/resume", {}))[0] == 409


async def test_a_replay_is_carried_on_by_another_gateway(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own goes in the middle; nothing is skipped."""
    # While both are there, neither takes it from the other, however long the replay's process takes to start.
    monkeypatch.setattr(service, "STALE_MS", 3_600_000)
    monkeypatch.setattr(service, "CHECK_SECONDS", 0.5)
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        await some_leads(on, 12)
        more = on.settings.model_copy(
            update={"console": on.settings.console.model_copy(update={"data_dir": str(tmp_path / "other")})}
        )
        async with GatewayServer(more, console=ConsoleServer) as other:
            there = caller(on, url=other.url)
            status, ordered = await there.ask("POST", "/replays", {**CHANGES, "rate": 1.0})
            assert status == 200, ordered

            async def has_begun() -> bool:
                one = next(one for one in await there.get("/replays") if one["run"] == ordered["run"])
                return 0 < one["handed"] + one["passed"] < 12

            await on.until(has_begun, 60)
        monkeypatch.setattr(service, "STALE_MS", 0)
        done = await until_state(on, who, ordered["run"], "done")
        assert done["handed"] + done["passed"] >= 12
        assert done["left"] == 0


async def test_a_replay_is_stopped_and_resumed(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What was handed over stays; the rest follows."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        await some_leads(on, 12)
        _, ordered = await who.ask("POST", "/replays", {**CHANGES, "rate": 1.0})
        assert (await who.ask("POST", "/replays", {**CHANGES, "rate": 1.0}))[0] == 409

        async def has_begun() -> bool:
            one = next(one for one in await who.get("/replays") if one["run"] == ordered["run"])
            return 0 < one["handed"] + one["passed"] < 12

        await on.until(has_begun, 60)
        status, stopped = await who.ask("POST", f"/replays/{ordered['run']}/stop")
        assert (status, stopped["state"]) == (200, "stopped")
        assert stopped["handed"] + stopped["passed"] < 12
        assert (await who.ask("POST", f"/replays/{ordered['run']}/resume", {}))[0] == 200
        done = await until_state(on, who, ordered["run"], "done")
        assert done["handed"] + done["passed"] == 12


async def test_only_some_replays_run_beside_a_gateway(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One more must wait; when one has been stopped there is room again."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        await some_leads(on, 12)
        asked: list[dict[str, Any]] = [SNAPSHOTS, CHANGES, {"topic": "lofty.snapshots"}]
        answers = [await who.ask("POST", "/replays", {**one, "rate": 0.2}) for one in asked]
        assert [status for status, _ in answers] == [200, 200, 429], answers
        assert "2 runs are under way here" in answers[2][1]["detail"]
        run = answers[1][1]["run"]
        await until_state(on, who, run, "running")
        assert (await who.ask("POST", f"/replays/{run}/stop"))[0] == 200

        async def is_taken() -> bool:
            return (await who.ask("POST", "/replays", {**asked[2], "rate": 200.0}))[0] == 200

        await on.until(is_taken, 60)
