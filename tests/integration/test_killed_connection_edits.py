"""A gateway is killed at each step of adding, changing and removing a connection: no half connection is left."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from streams.console.services import connection_edits
from tests.deadlines import within
from tests.integration.command import config_of
from tests.integration.console import CONSOLE_ENVIRON, Caller, caller
from tests.integration.dying_gateway import STEPS
from tests.integration.edited_connections import (
    API_KEY,
    KEYS,
    TOKEN,
    credentials,
    names,
    new_connection,
    new_lead,
    other_team,
    settings_of,
    two_accounts,
    until_served,
)
from tests.integration.stage import ENVIRON, Stage
from tests.kafka.broker import Broker
from tests.zygote import DEVNULL, run_module

pytestmark = pytest.mark.thorough


async def ask(who: Caller, action: str, on: Stage, version: int = 1) -> tuple[int, Any]:
    """Add, change or remove the connection."""
    match action:
        case "add":
            return await who.ask("POST", "/connections", new_connection(on))
        case "change":
            settings = settings_of(on, policies={"lead_deleted": "ignore"})
            body = {"settings": settings, "expected_version": version}
            return await who.ask("PUT", "/connections/beta/settings", body)
        case _:
            return await who.ask("POST", "/connections/beta/remove", {"expected_version": version})


async def killed_there(on: Stage, tmp_path: Path, step: str) -> None:
    """Another gateway takes the stage's place, is asked, and dies at that step."""
    await on.gateway.__aexit__(None, None, None)
    at = tmp_path / "address"
    dying = await run_module(
        *("tests.integration.dying_gateway", str(config_of(on, tmp_path)), step, str(at)),
        env={**os.environ, **ENVIRON, **CONSOLE_ENVIRON, "LOFTY_GHL_TOKEN_KEYS": KEYS},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    await on.until(at.exists)
    with suppress(aiohttp.ClientError):
        await ask(caller(on, url=at.read_text()), STEPS[step].action, on)
    assert await asyncio.wait_for(dying.wait(), within(60)) == -signal.SIGKILL
    await on.gateway.__aenter__()


async def make_whole(on: Stage, who: Caller, step: str) -> None:
    """What a person does who looks at the connection afterwards, and finds what is written there."""
    status, found = await who.ask("GET", "/connections/beta/settings")
    match STEPS[step].action:
        case "add":
            if status == 404:
                assert (await ask(who, "add", on))[0] == 200
            for secret, value in (("lofty_api_key", API_KEY), ("ghl_token", TOKEN)):
                if status == 200 and secret in found["needs"]:
                    await who.ask("PUT", f"/connections/beta/credentials/{secret}", {"value": value})
        case "change":
            if found["version"] == 1:
                assert (await ask(who, "change", on))[0] == 200
            found = (await who.ask("GET", "/connections/beta/settings"))[1]
            assert (found["version"], found["settings"]["policies"]) == (2, {"lead_deleted": "ignore"})
        case _:
            if status == 200 and not found["is_removing"]:
                assert (await ask(who, "remove", on))[0] == 200


@pytest.mark.parametrize("step", STEPS)
async def test_a_gateway_that_is_killed_leaves_no_half_connection(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The next one goes on: a connection works wholly, or is not there, and of a removed one nothing is left."""
    monkeypatch.setattr(connection_edits, "ADDING_MS", 1_000)
    action = STEPS[step].action
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        if action != "add":
            assert (await ask(who, "add", on))[0] == 200
            await until_served(on, supervisor, "acme", "beta")
            await on.until(lambda: len(other_team(on).subscriptions) == 5)
        await killed_there(on, tmp_path, step)
        who = caller(on)
        await make_whole(on, who, step)
        if action != "remove":
            await until_served(on, supervisor, "acme", "beta")
            await on.until(lambda: len(other_team(on).subscriptions) == 5)
            new_lead(on, "Ada")
            await on.until(lambda: "Ada" in names(on))
            assert len(await credentials(on)) == 3
            return

        async def is_gone() -> bool:
            return (await who.ask("GET", "/connections/beta/settings"))[0] == 404

        await on.until(is_gone)
        await until_served(on, supervisor, "acme")
        assert (await credentials(on), len(other_team(on).subscriptions)) == (set(), 0)
