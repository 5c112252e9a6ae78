"""Connections that come, change, pause and go while everything runs: edited as the console and the commands edit them.

`pair4` stays until the end, so every property judges it like those of the file. `pair5` is removed: nothing of it may be left, and
nobody may ask for it afterwards, although its agents go on. Who removes is interrupted on the way, and begins again.
"""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions
from streams.messages.connection_edit import CREDENTIAL_KEY
from streams.messages.topics import CONNECTIONS
from streams.operations.connection_edits.editor import ConnectionEditor
from streams.operations.connection_edits.follow_up import finish_removal
from streams.settings import Connection
from tests.chaos.desk import Desk
from tests.chaos.history import PAUSED, REMOVED, Deed, Silence
from tests.chaos.stage import LISTS, PAIRS, Stage, table_of
from tests.deadlines import within

STAYS, GOES = PAIRS, PAIRS + 1
MAPPINGS = ("default", "changed")
TAKEN_OVER_SECONDS = within(8)
"""How long after an edit a worker may still go by what was before: longer than a session, and than a start."""
PAUSE_SECONDS = (3.0, 6.0)
CUTS_SECONDS = (0.02, 0.3)
"""When whoever removes a connection is interrupted."""

Disturb = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Guests:
    """`load` are the agents. `silences` are the spans in which nobody may ask for a connection."""

    stage: Stage
    load: Desk
    random: Random
    silences: list[Silence] = field(default_factory=list)
    _is_gone: bool = False
    _mapping: dict[int, int] = field(default_factory=dict)

    async def add(self, number: int, disturb: Disturb) -> Deed | None:
        """A connection comes, with its keys, and its webhooks. None: it is there, or was there."""
        if number in self._mapping:
            return None
        began = time.time()
        if number == GOES:
            self.load.unjudged.add(9000 + number)
        self._mapping[number] = 0
        self._configure(number)
        async with MappingVersions(self.stage.settings) as versions:
            keys = {"lofty_api_key": f"key-{number}", "ghl_token": f"pit-{number}"}
            table = tomllib.loads(self.stage.guests[_name(number)])["connections"][_name(number)]
            await ConnectionEditor(versions).add(_name(number), table, by="chaos", credentials=keys)
            added = versions.settings().connections[_name(number)]
        # Its agents are at work before a worker knows the connection.
        subscribed = await self._subscribe(added)
        self.load.teams.append(9000 + number)
        await disturb()
        return Deed(f"connection {_name(number)} is added", began, time.time(), {"subscriptions": subscribed})

    async def change(self, number: int) -> Deed:
        """Another mapping, of the file's."""
        began = time.time()
        self._mapping[number] += 1
        self._configure(number)
        async with MappingVersions(self.stage.settings) as versions:
            table = tomllib.loads(self.stage.guests[_name(number)])["connections"][_name(number)]
            editor = ConnectionEditor(versions)
            version = editor.current(_name(number)).number
            changed = await editor.change(_name(number), table, expected_version=version, by="chaos")
        return Deed(
            f"connection {_name(number)} is changed", began, time.time(), {"versions": changed.number - version}
        )

    async def pause(self, number: int, disturb: Disturb) -> Deed:
        """Nothing is asked for it meanwhile, whoever is killed; then it goes on."""
        name, began, edits = _name(number), time.time(), self.load.edits
        async with MappingVersions(self.stage.settings) as versions:
            editor = ConnectionEditor(versions)
            await editor.pause(name, True, expected_version=editor.current(name).number, by="chaos")
        paused = time.time() + TAKEN_OVER_SECONDS
        await disturb()
        await asyncio.sleep(max(0.0, paused - time.time()) + self.random.uniform(*PAUSE_SECONDS))
        self.silences.append(Silence(name, f"loc{number}", str(9000 + number), PAUSED, paused, time.time()))
        async with MappingVersions(self.stage.settings) as versions:
            editor = ConnectionEditor(versions)
            await editor.pause(name, False, expected_version=editor.current(name).number, by="chaos")
        return Deed(f"connection {name} is paused", began, time.time(), {"agents went on": self.load.edits - edits})

    async def remove(self, disturb: Disturb) -> Deed | None:
        """It works no more. Who takes away what it has is interrupted, and begins again."""
        if self._is_gone or GOES not in self._mapping:
            return None
        name, began, cuts = _name(GOES), time.time(), 0
        team = self.stage.lofty.teams[9000 + GOES]
        before = len(team.subscriptions) + len(await self._credentials(name))
        async with MappingVersions(self.stage.settings) as versions:
            editor = ConnectionEditor(versions)
            await editor.remove(name, expected_version=editor.current(name).number, by="chaos")
        self._is_gone = True
        del self.stage.guests[name]
        self.stage.configs.append(self.stage.in_force())
        await disturb()
        while True:
            async with MappingVersions(self.stage.settings) as versions:
                removing = next(iter(versions.connection_log.removing()), None)
                if removing is None:
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.random.uniform(*CUTS_SECONDS) if cuts < 3 else within(60)):
                        await finish_removal(versions, removing)
                cuts += 1
        ended = time.time() + TAKEN_OVER_SECONDS
        left = [f"subscription {one}" for one in team.subscriptions]
        left += [key.decode() for key in await self._credentials(name)]
        self.silences.append(Silence(name, f"loc{GOES}", str(9000 + GOES), REMOVED, ended, None, tuple(left)))
        return Deed(f"connection {name} is removed", began, time.time(), {"had things": before, "was cut": cuts})

    async def _credentials(self, name: str) -> list[bytes]:
        found = await newest_values(self.stage.settings, self.stage.names.of(CONNECTIONS))
        return [key for key in found if key.startswith(f"{CREDENTIAL_KEY}{name}:".encode())]

    async def _subscribe(self, added: Connection) -> int:
        """As the gateway of a console does once a worker serves it, but at once."""
        secret = added.secrets.webhook_secret
        assert secret is not None
        async with AiohttpTransport() as transport:
            client = LoftyClient(transport, StaticAuth("token", f"key-{added.name[4:]}"), base_url=self.stage.lofty_url)
            for number in LISTS:
                url = f"{self.stage.gateway_url}/lofty/{secret.get_secret_value()}"
                await client.create_subscription(number, url)
        return len(self.stage.lofty.teams[int(added.lofty.team_id)].subscriptions)

    def _configure(self, number: int) -> None:
        line = f'mapping = "{MAPPINGS[self._mapping[number] % 2]}"'
        ghl_url = next(iter(self.stage.settings.connections.values())).ghl.base_url
        self.stage.guests[_name(number)] = table_of(number, self.stage.lofty_url, ghl_url, line)
        self.stage.configs.append(self.stage.in_force())


def _name(number: int) -> str:
    return f"pair{number}"
