"""What one gateway runs, every gateway shows: also after a restart, and when the gateway that ran it was killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from streams.console.server import ConsoleServer
from streams.console.services.run_records import CUT_OFF
from streams.core import run_history
from streams.gateway.server import GatewayServer
from streams.messages.run import Run
from streams.messages.topics import RUNS
from streams.operations.runs import run_log
from streams.operations.runs.run_log import read_runs
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.console import CONSOLE_ENVIRON, Caller, caller, console_on_stage
from tests.integration.edited_connections import new_connection, two_accounts, until_served
from tests.integration.stage import ENVIRON, Stage
from tests.kafka.broker import Broker
from tests.zygote import DEVNULL, run_module


async def ended(on: Stage, who: Caller, path: str) -> Any:
    """A run once it is over."""
    found: Any = None

    async def is_over() -> bool:
        nonlocal found
        found = await who.get(path)
        return bool(found["ended_ms"])

    await on.until(is_over, 120)
    return found


async def test_a_run_is_the_same_at_every_gateway_and_after_a_restart(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A comparison with its findings, and an act on many connections with the outcome of each."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        lead = on.new_lead(firstName="Ada", source="Zillow")
        await on.until(lambda: lead in on.contacts())
        on.ghl.location("loc-acme").contacts[on.contacts()[lead]["id"]].fields["source"] = "by hand"
        async with GatewayServer(on.settings, console=ConsoleServer) as other:
            ran, shows = caller(on), caller(on, url=other.url)
            _, acts = await ran.ask("POST", "/connection-acts", {"act": "compare", "connections": ["acme"]})
            made = await ended(on, ran, f"/connection-acts/{acts['id']}")
            verification = f"/verifications/{made['rows'][0]['verification']}"
            assert made["rows"][0]["outcome"] == "differs"
            here = await ended(on, ran, verification)

            async def is_shown() -> bool:
                both = [await shows.ask("GET", path) for path in (f"/connection-acts/{acts['id']}", verification)]
                return both == [(200, made), (200, here)]

            await on.until(is_shown)
            assert here["result"]["findings"][0]["differences"][0]["found"] == "by hand"
            assert (await shows.get("/verifications", connection="acme"))[0] == here
            assert await shows.get("/verifications", connection="nobody") == []
            await on.gateway.__aexit__(None, None, None)
            await on.gateway.__aenter__()
            again = caller(on)
            assert await again.get(verification) == here
            assert (await again.get(f"/connection-acts/{acts['id']}"))["rows"] == made["rows"]


async def test_a_run_whose_gateway_is_killed_was_cut_off(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other gateway shows it under way before, and never for ever. One that stops in order says so at once."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        await on.worker.__aexit__(None, None, None)  # without it a comparison is not over soon
        at, shows = tmp_path / "address", caller(on)
        dying = await run_module(
            *("tests.integration.dying_gateway", str(config_of(on, tmp_path)), "", str(at)),
            env={**os.environ, **ENVIRON, **CONSOLE_ENVIRON},
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        await on.until(at.exists)
        status, made = await caller(on, url=at.read_text()).ask("POST", "/verifications", {"connection": "acme"})
        assert status == 200, made
        path = f"/verifications/{made['id']}"

        async def is_shown() -> bool:
            return (await shows.ask("GET", path))[0] == 200

        await on.until(is_shown)
        dying.send_signal(signal.SIGKILL)
        await asyncio.wait_for(dying.wait(), within(60))
        found = await shows.get(path)
        assert (found["ended_ms"], found["is_cut_off"]) == (0, False)
        monkeypatch.setattr(run_history, "SILENT_MS", 1)
        found = await shows.get(path)
        assert (found["is_cut_off"], found["problem"], found["result"]) == (True, CUT_OFF, None)
        assert found["ended_ms"] >= found["began_ms"]
        monkeypatch.undo()

        _, made = await shows.ask("POST", "/verifications", {"connection": "acme"})
        await on.gateway.__aexit__(None, None, None)
        written = [one for raw in await on.records(RUNS) if (one := Run.from_bytes(raw)).id == made["id"]]
        assert (written[-1].was_cut_off, bool(written[-1].ended_ms)) == (True, True)
        await on.gateway.__aenter__()


async def test_an_import_is_in_the_history_with_who_asked_and_what_was_read(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker writes its end; page, API and command say the same."""
    for name, value in CONSOLE_ENVIRON.items():
        monkeypatch.setenv(name, value)
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        leads = {on.new_lead(firstName=name) for name in ("Ada", "Ben")}
        await on.until(lambda: leads <= on.contacts().keys())
        who = caller(on)
        found: dict[str, Any] = {}
        assert (await who.ask("POST", "/backfills/acme"))[0] == 200

        async def is_done() -> bool:
            nonlocal found
            runs = (await who.get("/runs", connection="acme", kind="import"))["runs"]
            found = runs[0] if runs else {}
            return found.get("state") == "done"

        await on.until(is_done, 120)
        assert (found["by"], found["read"], found["connections"]) == ("robot", 2, ["acme"])
        assert found["ended_ms"] > found["began_ms"]
        assert (await who.get("/runs", kind="comparison"))["runs"] == []
        assert (await who.ask("GET", "/runs", query={"kind": "nonsense"}))[0] == 422
        config = config_of(on, tmp_path)
        code, shown, complaint = await command("runs", config, "--connection", "acme")
        assert (code, complaint) == (0, "")
        assert "import of acme: by robot; done after" in shown
        assert "2 read; 2 changes found" in shown
        code, shown, _ = await command("runs", config, "--json")
        assert [one["id"] for one in json.loads(shown)] == [found["id"]]
        assert (await command("runs", config, "--connection", "nobody"))[0] == 2


async def test_the_history_of_a_removed_connection_goes_with_it(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found is about an agency's people; that of others stays."""
    monkeypatch.setattr(run_log, "TIDY_SECONDS", 1.0)
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        for connection in ("acme", "beta"):
            _, made = await who.ask("POST", "/verifications", {"connection": connection})
            await ended(on, who, f"/verifications/{made['id']}")
        assert [one["kind"] for one in (await who.get("/runs", connection="beta"))["runs"]] == ["comparison"]
        assert (await who.ask("POST", "/connections/beta/remove", {"expected_version": 1}))[0] == 200

        async def is_gone() -> bool:
            known = await read_runs(on.settings)
            return [run.connections for run in known.newest_first()] == [("acme",)]

        await on.until(is_gone, 60)
