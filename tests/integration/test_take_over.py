"""A running worker takes new settings over, one connection at a time: the others go on, nothing is lost or written twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.lofty import TeamSettings
from streams.settings import Settings
from streams.settings.overlay import Overlay
from streams.worker.supervisor import Supervisor
from tests.deadlines import within
from tests.integration.command import config_of
from tests.integration.dying_take_over import POINTS
from tests.integration.stage import ENVIRON, LISTS, SECRET, TEAM, Stage, stage
from tests.kafka.broker import Broker
from tests.zygote import DEVNULL, run_module

TEAMS = {"acme": TEAM, "best": 200001, "core": 200002, "dale": 200003, "echo": 200004}
UPPER = '[mappings.upper]\n[mappings.upper.fields]\nfirstName = { from = "firstName", transform = ["upper"] }\n'

TABLES = "".join(
    f"""
[connections.{name}]
[connections.{name}.lofty]
team_id = "{team}"
base_url = "{{lofty}}"
requests_per_minute = 100000
[connections.{name}.ghl]
location_id = "loc-{name}"
base_url = "{{ghl}}"
requests_per_window = 100000
"""
    for name, team in TEAMS.items()
    if name != "acme"
)
OTHERS = {
    f"LOFTY_GHL_{name.upper()}_{key}": value
    for name in TEAMS
    if name != "acme"
    for key, value in (
        ("LOFTY_API_KEY", f"key-of-{name}"),
        ("GHL_TOKEN", f"pit-{name}"),
        ("WEBHOOK_SECRET", SECRET + name),
    )
}


class Handed:
    """Settings as a test hands them in, in place of those that people edit."""

    def __init__(self, settings: Settings) -> None:
        self.revision = 0
        self._settings = settings
        self._news = asyncio.Condition()

    def settings(self) -> Settings:
        """Those in force."""
        return self._settings

    async def changed_since(self, revision: int) -> int:
        """Wait for others."""
        async with self._news:
            await self._news.wait_for(lambda: self.revision != revision)
            return self.revision

    async def read_to_now(self) -> Settings:
        """There are no others."""
        return self._settings

    async def hand_in(self, settings: Settings) -> None:
        """These are in force from now on."""
        async with self._news:
            self.revision += 1
            self._settings = settings.model_copy(update={"mapping_version": self.revision})
            self._news.notify_all()

    async def change(self, connection: str, **facts: Any) -> None:
        """One connection is another from now on."""
        now = self._settings
        changed = now.connections[connection].model_copy(update=facts)
        await self.hand_in(now.model_copy(update={"connections": {**now.connections, connection: changed}}))

    async def remove(self, connection: str) -> None:
        """One connection is gone."""
        left = {name: one for name, one in self._settings.connections.items() if name != connection}
        await self.hand_in(self._settings.model_copy(update={"connections": left}))

    async def add(self, file: Settings, connection: str) -> None:
        """One more connection, as it is in the file."""
        more = {**self._settings.connections, connection: file.connections[connection]}
        await self.hand_in(self._settings.model_copy(update={"connections": more}))


@asynccontextmanager
async def five(broker: Broker, tmp_path: Path, store: str = "memory") -> AsyncIterator[Stage]:
    """A stage with five connections, each with its webhooks."""
    async with stage(
        broker,
        tmp_path,
        store=store,
        restarts=True,
        session=10.0,
        more=TABLES,
        environ={**ENVIRON, **OTHERS},
        lofty={"teams": tuple(TeamSettings(team, (_key(name),)) for name, team in TEAMS.items())},
        ghl={
            "locations": tuple(LocationSettings(f"loc-{name}", (_token(name),)) for name in TEAMS),
            "latency_seconds": 0.1,
        },
    ) as on:
        async with AiohttpTransport() as transport:
            for name in TEAMS:
                if name != "acme":
                    client = LoftyClient(transport, StaticAuth("token", _key(name)), base_url=on.lofty_url)
                    for number in LISTS:
                        await client.create_subscription(number, f"{on.gateway.url}/lofty/{SECRET}{name}")
        yield on


def _key(name: str) -> str:
    return "stage-key" if name == "acme" else f"key-of-{name}"


def _token(name: str) -> str:
    return "pit-stage" if name == "acme" else f"pit-{name}"


@asynccontextmanager
async def supervised(on: Stage, handed: Handed, *, is_first: bool = False) -> AsyncIterator[Supervisor]:
    """The stage's worker gives place to one that takes over what is handed in; `is_first`: it has gone already."""
    if not is_first:
        await on.worker.__aexit__(None, None, None)
    stop = asyncio.Event()
    supervisor = Supervisor(handed, on.given())  # type: ignore[arg-type]  # it asks for settings, whatever their source
    task = asyncio.create_task(supervisor.run(stop))
    async with asyncio.timeout(within(60)):
        while not supervisor.is_ready:
            if task.done():
                task.result()
            await asyncio.sleep(0.02)
    assert supervisor.current is not None
    on.worker = supervisor.current
    try:
        yield supervisor
    finally:
        stop.set()
        await asyncio.wait_for(task, within(60))


class Agents:
    """Agents who make leads with a note each, for every team, until they stop."""

    def __init__(self, on: Stage) -> None:
        self._on = on
        self.leads: dict[str, list[str]] = {name: [] for name in TEAMS}
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            for name, leads in self.leads.items():
                leads.append(self._on.new_lead(team_id=TEAMS[name]))
                self._on.edit("create", "note", team_id=TEAMS[name], leadId=leads[-1], fields={"content": "Once."})
            await asyncio.sleep(0.2)
            while len(self.leads["acme"]) - len(self._on.contacts()) > 6:  # a busy machine takes its time
                await asyncio.sleep(0.2)

    async def more_of(self, *names: str) -> None:
        """Wait until leads that are made from now on are in GHL."""
        after = {name: len(self.leads[name]) for name in names}
        for name in names:
            await self._on.until(
                lambda n=name: (
                    {*self.leads[n][after[n] : after[n] + 2]} <= {*self._on.contacts(f"loc-{n}")}
                    and len(self.leads[n]) >= after[n] + 2
                )
            )

    async def stop(self) -> None:
        """No more leads."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def requests(on: Stage, name: str) -> int:
    """How many requests both vendors have had of a connection."""
    of = [one for box in (on.lofty, on.ghl) for one in box.ledger.after() if one.agent]
    return sum(one.budget in (f"loc-{name}", str(TEAMS[name])) for one in of)


async def in_force(on: Stage, handed: Handed) -> None:
    """Wait until the worker goes by what was handed in last."""
    await on.until(lambda: on.worker.mapping_version == handed.revision)


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_connections_come_go_pause_and_change_while_all_others_go_on(
    real_kafka: Broker, tmp_path: Path, store: str
) -> None:
    """One worker all the while, in one generation of its group; every lead is in GHL once, and each settled as it was planned."""
    async with five(real_kafka, tmp_path, store) as on:
        file = on.settings
        handed = Handed(
            file.model_copy(update={"connections": {n: c for n, c in file.connections.items() if n != "echo"}})
        )
        async with supervised(on, handed) as supervisor:
            generation = on.worker.app.consumer_generation_id
            agents = Agents(on)
            await on.until(
                lambda: all(len(on.contacts(f"loc-{name}")) >= 3 for name in ("acme", "best", "core", "dale"))
            )
            await handed.add(file, "echo")
            await handed.remove("core")
            ghl = file.connections["dale"].ghl.model_copy(update={"requests_per_window": 77})
            await handed.change("dale", ghl=ghl)
            await in_force(on, handed)
            limit = on.worker.writing.core.view_of("loc-dale", 0.0).limit
            await handed.change("dale", paused=("to_ghl", "to_lofty"))
            await in_force(on, handed)
            before = {name: requests(on, name) for name in ("core", "dale")}
            await agents.more_of("acme", "best")
            paused = on.worker.status.status().connections
            still = {name: requests(on, name) for name in ("core", "dale")}
            await handed.change("dale", paused=())
            await handed.add(file, "core")
            await in_force(on, handed)
            await agents.more_of("core", "dale")
            await agents.stop()
            await on.until_quiet(180)

            assert (supervisor.count, on.worker.app.consumer_generation_id) == (1, generation)
            assert (still, limit) == (before, 77)
            assert {one.connection: one.paused for one in paused}["dale"] == ("to_ghl", "to_lofty")
            # What came for a connection while it was none of this worker is parked, and nothing else.
            parked = [one for one in await on.parked() if one.reason == "unknown connection"]
            assert {one.connection for one in parked} == {"core", "echo"}
            for name, leads in agents.leads.items():
                contacts = on.contacts(f"loc-{name}")
                unknown = {str(one.entity).split(":")[1] for one in parked if one.connection == name}
                assert sorted({*contacts, *unknown}) == sorted(leads), name
                assert len(on.ghl.location(f"loc-{name}").contacts) == len(contacts), name
                assert {len(one["notes"]) for lead, one in contacts.items() if lead not in unknown} == {1}, name


async def test_no_write_is_planned_by_one_mapping_and_settled_under_another(real_kafka: Broker, tmp_path: Path) -> None:
    """The mapping changes while requests are in flight: these end, and are noted, before it counts."""
    async with five(real_kafka, tmp_path) as on:
        handed = Handed(on.settings)
        upper = on.settings.with_overlay(Overlay(1, {"upper": UPPER}, {"best": "upper"})).connections["best"]
        async with supervised(on, handed) as supervisor:
            agents = Agents(on)
            await on.until(lambda: len(on.contacts("loc-best")) >= 3)
            await on.until(lambda: on.worker.writing.core.view_of("loc-best", 0.0).in_flight > 0)
            await handed.change("best", mapping=upper.mapping, mapping_fingerprint=upper.mapping_fingerprint)
            await in_force(on, handed)
            await agents.more_of("best")
            await agents.stop()
            await on.until_quiet(180)
            await expect_settled_as_planned(on, agents, upper.mapping_fingerprint)
            assert supervisor.count == 1


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_is_killed_while_it_takes_over(real_kafka: Broker, tmp_path: Path, point: str) -> None:
    """Its successor has the new mapping from its start: nothing is lost, made twice, or settled under another mapping."""
    async with five(real_kafka, tmp_path) as on:
        await on.worker.__aexit__(None, None, None)
        agents = Agents(on)
        dying = await run_module(
            *("tests.integration.dying_take_over", str(config_of(on, tmp_path)), point, UPPER),
            env={**os.environ, **ENVIRON, **OTHERS},
            stderr=DEVNULL,
        )
        assert await asyncio.wait_for(dying.wait(), within(60)) == -signal.SIGKILL
        wanted = on.settings.with_overlay(Overlay(1, {"upper": UPPER}, {"best": "upper"}))
        async with supervised(on, Handed(wanted), is_first=True):
            await agents.more_of("best")
            await agents.stop()
            await on.until_quiet(180)
            await expect_settled_as_planned(on, agents, wanted.connections["best"].mapping_fingerprint)


async def expect_settled_as_planned(on: Stage, agents: Agents, upper: str) -> None:
    """What is settled under a mapping is in GHL as that mapping has it, and everything was made once."""
    settled = {}
    for one in await on.receipts():
        if one.connection == "best" and one.kind == "contact" and one.settled:
            settled[one.lead] = "ADA" if one.settled.endswith(upper) else "Ada"
    assert {lead: one["firstName"] for lead, one in on.contacts("loc-best").items()} == settled
    assert sorted(settled) == sorted(agents.leads["best"])
    assert "ADA" in settled.values()
    assert {len(one["notes"]) for one in on.contacts("loc-best").values()} == {1}
    assert len(on.ghl.location("loc-best").contacts) == len(settled)
