"""The console beside several workers: one deployment, whoever owns what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.sandbox.shared.faults import parse_fault
from streams.console.server import ConsoleServer
from streams.gateway.server import GatewayServer
from streams.worker.worker import Worker
from tests.integration.console import Caller, caller, console_on_stage, until_indexed
from tests.integration.stage import Stage
from tests.kafka.broker import Broker


async def until_shown(on: Stage, who: Caller, names: set[str]) -> dict[str, Any]:
    """The overview, once these workers live, each owns something, and all of them everything."""
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        nonlocal found
        found = (await who.get("/overview"))["deployment"]
        alive = {one["status"]["instance"] for one in found["workers"] if one["is_alive"]}
        (acme,) = found["connections"]
        owns = all(one["status"]["fenced"] for one in found["workers"] if one["is_alive"])
        return alive == names and owns and found["unowned"] == [] and bool(acme["reading"] and acme["writing"])

    await on.until(is_so)
    return found


def fenced(found: dict[str, Any]) -> list[int]:
    """The partitions of all living workers; one that two of them claim is there twice."""
    return sorted(p for one in found["workers"] if one["is_alive"] for p in one["status"]["fenced"])


async def test_two_workers_and_two_gateways_are_one_deployment(real_kafka: Broker, tmp_path: Path) -> None:
    """Each partition, budget and parked record once; a retry reaches whoever owns it, and one worker takes over the rest."""
    async with console_on_stage(real_kafka, tmp_path / "one", given={"instance": "one"}) as on:
        worker = on.settings.worker.model_copy(update={"data_dir": str(tmp_path / "two")})
        given = on.given(instance="two")
        console = on.settings.console.model_copy(update={"data_dir": str(tmp_path / "other")})
        async with (
            Worker(on.settings.model_copy(update={"worker": worker}), given) as second,
            GatewayServer(on.settings.model_copy(update={"console": console}), console=ConsoleServer) as other,
        ):
            here, there = caller(on), caller(on, url=other.url)
            shown = [await until_shown(on, who, {"one", "two"}) for who in (here, there)]
            on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
            refused = on.new_lead()
            await on.until(on.parked)
            leads = [on.new_lead() for _ in range(20)]
            await on.until(lambda: len(on.contacts()) == 20)
            for who in (here, there):
                await until_indexed(on, who)
            parked = [(await who.get("/parked"))["total"] for who in (here, there)]
            status, done = await there.ask("POST", "/parked/retry", {"entity": refused})
            await on.until(lambda: refused in on.contacts())
            first, on.worker = on.worker, second
            await first.__aexit__(None, None, None)
            left = await until_shown(on, here, {"two"})
            late = on.new_lead()
            await on.until(lambda: late in on.contacts())
            await until_indexed(on, here)
            told = await here.get(f"/contacts/acme/{late}")

        assert [fenced(one) for one in shown] == [[0, 1, 2, 3]] * 2
        for one in shown:
            assert sorted((b["dispatcher"], b["budget"]) for b in one["budgets"]) == [
                ("read", "acme"),
                ("write", "loc-acme"),
            ]
        assert all(one["status"]["fenced"] for one in shown[0]["workers"])
        assert parked == [1, 1]
        assert (status, done["count"]) == (200, 1)
        assert fenced(left) == [0, 1, 2, 3]
        assert told["ghl_id"] == on.contacts()[late]["id"]
        assert sorted(on.contacts()) == sorted([refused, *leads, late])
