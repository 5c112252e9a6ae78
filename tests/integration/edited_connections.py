"""The stage for connections that are edited while everything runs: a second team and location, and a worker that takes edits over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.ghl.seeds import shown
from connectors.sandbox.lofty import TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions
from streams.messages.topics import CONNECTIONS
from streams.settings import Settings, parse_settings
from streams.worker.supervisor import Supervisor
from tests.deadlines import within
from tests.integration.console import Caller, caller, console_on_stage
from tests.integration.stage import LOCATION, TEAM, Stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import PASSWORDS

OTHER_TEAM, OTHER_LOCATION = 7_000_007, "loc-beta"
KEYS = "202601:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NEXT = "202602:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="
API_KEY, TOKEN = "beta-key-that-is-pasted", "pit-beta-that-is-pasted"


@asynccontextmanager
async def two_accounts(
    broker: Broker, tmp_path: Path, config: str = "", follows: type[MappingVersions] = MappingVersions
) -> AsyncIterator[tuple[Stage, Supervisor, Caller]]:
    """The stage, with a second team and location that no connection names, and a worker that takes edits over.

    `follows` is how the worker comes to know of them.
    """
    teams = (TeamSettings(TEAM, ("stage-key",)), TeamSettings(OTHER_TEAM, (API_KEY,)))
    locations = (LocationSettings(LOCATION, ("pit-stage",)), LocationSettings(OTHER_LOCATION, (TOKEN,)))
    environ = {"LOFTY_GHL_TOKEN_KEYS": KEYS}
    more = {
        "lofty": {"teams": teams},
        "ghl": {"locations": locations},
        "environ": environ,
        "restarts": True,
        "session": 10.0,  # a busy machine must not take its partitions away
        "more": config,
    }
    async with console_on_stage(broker, tmp_path, **more) as on, follows(on.settings) as versions:
        desk_work.seed(on.lofty, other_team(on), make_team())
        async with supervised(on, versions) as supervisor:
            yield on, supervisor, caller(on)


@asynccontextmanager
async def supervised(
    on: Stage, versions: MappingVersions, connections: tuple[str, ...] = ("acme",)
) -> AsyncIterator[Supervisor]:
    """A worker that takes edits over, in place of the stage's own. It begins with these connections."""
    await on.worker.__aexit__(None, None, None)
    stop = asyncio.Event()
    supervisor = Supervisor(versions, on.given())
    task = asyncio.create_task(supervisor.run(stop))
    try:
        await until_served(on, supervisor, *connections)
        yield supervisor
    finally:
        stop.set()
        await asyncio.wait_for(task, within(60))


async def until_served(on: Stage, supervisor: Supervisor, *connections: str) -> None:
    """Wait until a worker that is ready has exactly these connections; it becomes the stage's."""
    async with asyncio.timeout(within(90)):
        while not (
            supervisor.is_ready
            and supervisor.current
            and set(supervisor.current.settings.connections) == {*connections}
        ):
            await asyncio.sleep(0.05)
    assert supervisor.current is not None
    on.worker = supervisor.current


def on_duty(supervisor: Supervisor) -> Settings:
    """The settings by which the worker works now."""
    return supervisor.current.settings if supervisor.current else parse_settings("")


def other_team(on: Stage) -> Any:
    """The second team."""
    return desk_work.team_of(on.lofty, OTHER_TEAM)


def new_lead(on: Stage, name: str) -> str:
    """A lead of the second team."""
    fields = {"firstName": name, "lastName": "Example", "emails": [f"{name.lower()}@example.com"]}
    return str(desk_work.edit(on.lofty, other_team(on), {"edit": "create", "kind": "lead", "fields": fields}).id)


def names(on: Stage) -> set[str]:
    """The first names of the second location's contacts."""
    return {str(shown(one)["firstName"]) for one in on.ghl.location(OTHER_LOCATION).contacts.values()}


def settings_of(on: Stage, **more: Any) -> dict[str, Any]:
    """The settings of a connection between the second accounts."""
    return {
        "lofty": {"team_id": str(OTHER_TEAM), "base_url": on.lofty_url, "requests_per_minute": 100_000},
        "ghl": {"location_id": OTHER_LOCATION, "base_url": on.ghl_url, "requests_per_window": 100_000},
        "sweep": {"new_minutes": 0.05},
        **more,
    }


def new_connection(on: Stage, **more: Any) -> dict[str, Any]:
    """The request that adds it."""
    return {
        "name": "beta",
        "settings": settings_of(on),
        "lofty_api_key": API_KEY,
        "ghl_token": TOKEN,
        **more,
    }


async def credentials(on: Stage) -> set[bytes]:
    """The keys of the credentials that are kept."""
    found = await newest_values(on.settings, on.names.of(CONNECTIONS))
    return {key for key in found if key.startswith(b"credential:")}


class Visitor:
    """A person with a browser that runs no scripts."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._csrf = ""

    async def read(self, path: str) -> tuple[int, str]:
        """A page, with the token of its forms."""
        async with self._http.get(f"{self._url}/console{path}") as answer:
            text = await answer.text()
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        self._csrf = found[1] if found else self._csrf
        return answer.status, text

    async def send(self, path: str, **form: str) -> tuple[int, str, str]:
        """Send a form: status, text, and where it leads."""
        headers = {"Origin": self._url, "Sec-Fetch-Site": "same-origin"}
        data = {"csrf": self._csrf, **form}
        url = f"{self._url}/console{path}"
        async with self._http.post(url, data=data, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location", "")

    async def sign_in(self) -> None:
        """As an operator."""
        await self.read("/sign-in")
        await self.send("/sign-in", name="ann", password=PASSWORDS["ann"], go_on="")
        await self.read("/")
