"""A stage for outages: the gateway and a worker as processes of their own, both sandboxes here, and load while Kafka is away.

Four connections, seven new leads a second. What Lofty was answered is written down for each lead; a ping that was not answered
with 200 is not sent again, so that it counts for what was promised only.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox import ghl as ghl_sandbox
from connectors.sandbox import lofty as lofty_sandbox
from connectors.sandbox.ghl.seeds import shown
from connectors.sandbox.lofty import PingSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty import server as lofty_server
from connectors.sandbox.lofty.people import make_team
from connectors.sandbox.shared.mailer import Delivery, Mailer
from streams.demo.processes import Child, free_port
from streams.kafka.admin import create_missing
from streams.mapping import LEAD_ID_FIELD
from streams.messages.topics import TopicNames
from streams.settings import Settings, parse_settings
from tests.deadlines import within

CONNECTIONS = 4
LEADS_PER_SECOND = 7
LISTS = (2, 9, 10, 11, 12)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Process:
    """The gateway, or a worker that its supervisor starts again. `ends` counts how often it had to."""

    name: str
    url: str
    folder: Path
    config: Path
    environ: dict[str, str]
    out: ExitStack
    options: tuple[str, ...] = ()
    module: str = "streams.cli"
    ends: int = 0
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        name = f"{self.name}-{self.ends}"
        words = [self.name, "--config", str(self.config), *self.options]
        self.child = Child(name, words, self.environ, self.folder, self.out, self.module)

    async def supervise(self) -> None:
        """Start it again whenever it has ended, until cancelled."""
        while True:
            await asyncio.sleep(0.5)
            if self.child.has_ended:
                self.ends += 1
                self._start()

    def lines(self) -> list[str]:
        """What it has logged, of all its lives."""
        logs = sorted(self.folder.glob(f"{self.name}-*.log"))
        return [line for log in logs for line in log.read_text(errors="replace").splitlines()]

    def cpu_seconds(self) -> float:
        """The processor time that it has used since it was started."""
        numbers = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / TICKS


@dataclass(slots=True)
class Outage:
    """What was done. `answered` are the leads whose webhooks were answered with 200."""

    lofty: lofty_sandbox.LoftySandbox
    ghl: ghl_sandbox.GhlSandbox
    settings: Settings
    gateway: Process
    worker: Process
    http: aiohttp.ClientSession
    mailer: Mailer
    made: dict[str, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)

    # -- load ---------------------------------------------------------------------------------------------

    async def load(self, per_second: float = LEADS_PER_SECOND) -> None:
        """New leads, one after another, until cancelled; each third is changed a second later."""
        young: list[tuple[float, str, int]] = []
        for number in itertools.count():
            self.new_lead(number % CONNECTIONS)
            lead, place = next(reversed(self.made.items()))
            if number % 3 == 0:
                young.append((time.monotonic() + 1.0, lead, place))
            while young and young[0][0] < time.monotonic():
                _, older, at = young.pop(0)
                self._edit(at, {"edit": "update", "kind": "lead", "id": older, "fields": {"firstName": f"New {older}"}})
            await asyncio.sleep(1 / per_second)

    def new_lead(self, place: int) -> str:
        """One lead of a connection."""
        person = {"firstName": "Ada", "lastName": "Example", "emails": [f"ada.{uuid.uuid4().hex[:10]}@example.com"]}
        lead = str(self._edit(place, {"edit": "create", "kind": "lead", "fields": person}).id)
        self.made[lead] = place
        return lead

    def _edit(self, place: int, what: dict[str, Any]) -> Any:
        return desk_work.edit(self.lofty, desk_work.team_of(self.lofty, 9000 + place), what)

    def heard(self, delivery: Delivery, status: int | None) -> None:
        """The gateway's answer to a ping."""
        found = {str(one["leadId"]) for one in _items(orjson.loads(delivery.body)) if "leadId" in one}
        if status == 200:
            self.answered |= found
        else:
            self.unanswered |= found

    # -- what is seen -------------------------------------------------------------------------------------

    def missing(self, of: set[str] | None = None) -> set[str]:
        """Leads that were answered 200 (or those) and are not in GHL."""
        return (self.answered if of is None else of) - {lead for contacts in self._contacts() for lead in contacts}

    def twice(self) -> list[str]:
        """Leads that GHL has more than once."""
        return [lead for contacts in self._contacts() for lead, found in contacts.items() if len(found) > 1]

    def stale(self) -> list[str]:
        """Leads whose newest change was answered 200, and that have another name in GHL."""
        found: list[str] = []
        for place, contacts in enumerate(self._contacts()):
            records = desk_work.team_of(self.lofty, 9000 + place).records["lead"]
            settled = contacts.keys() & (self.answered - self.unanswered)
            found += [
                one for one in settled if contacts[one][0].get("firstName") != records[int(one)].fields["firstName"]
            ]
        return found

    def _contacts(self) -> Iterable[dict[str, list[dict[str, Any]]]]:
        for number in range(CONNECTIONS):
            place = self.ghl.location(f"loc{number}")
            names = {one["id"]: one["name"] for one in place.custom_fields.values()}
            found: dict[str, list[dict[str, Any]]] = {}
            for contact in (shown(one) for one in place.contacts.values()):
                fields = {names[name]: value for name, value in contact["customFields"].items()}
                found.setdefault(str(fields.get(LEAD_ID_FIELD)), []).append(contact)
            yield found

    @property
    def group(self) -> str:
        """Of the workers."""
        return TopicNames(self.settings.kafka.topic_prefix).group

    def lines(self) -> dict[str, int]:
        """How many lines each process has logged."""
        return {one.name: len(one.lines()) for one in (self.gateway, self.worker)}

    def cpu_seconds(self) -> dict[str, float]:
        """The processor time of each."""
        return {one.name: one.cpu_seconds() for one in (self.gateway, self.worker)}

    async def readiness(self) -> dict[str, int]:
        """What `/readyz` of each answers; 0 for no answer."""
        return {one.name: await self._status(f"{one.url}/readyz") for one in (self.gateway, self.worker)}

    async def _status(self, url: str) -> int:
        try:
            async with self.http.get(url) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def until_readiness(self, wanted: int, seconds: float) -> None:
        """Wait until both answer so; 503 is no answer, too, of a worker that is being started again."""

        async def is_so() -> bool:
            found = await self.readiness()
            return all(status == wanted or (wanted == 503 and not status) for status in found.values())

        await self._until(is_so, seconds, f"/readyz is {wanted}")

    async def until_answered(self, leads: int) -> None:
        """Wait until so many leads were answered 200."""

        async def is_so() -> bool:
            return len(self.answered) >= leads

        await self._until(is_so, 60.0, f"{leads} leads are answered 200")

    async def until_there(self, leads: set[str], seconds: float) -> None:
        """Wait until GHL has these leads, while others may come."""

        async def is_so() -> bool:
            return not self.missing(leads)

        await self._until(is_so, seconds, f"{len(leads)} leads are in GHL")

    async def until_all_are_there(self, seconds: float) -> float:
        """Wait until nothing that was answered is missing or old, after the load; how long it took."""
        began = time.monotonic()

        async def is_so() -> bool:
            return not self.mailer.pending and not self.missing() and not self.stale()

        await self._until(is_so, seconds, "everything that was answered 200 is in GHL")
        return time.monotonic() - began

    async def _until(self, claim: Any, seconds: float, what: str) -> None:
        deadline = time.monotonic() + within(seconds)
        while not await claim():
            if time.monotonic() > deadline:
                found = f"{await self.readiness()}, {len(self.missing())} missing, {len(self.stale())} old"
                raise AssertionError(f"not within {within(seconds):.0f} s: {what}; {found}")
            await asyncio.sleep(0.2)


def _items(body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for value in body.values():
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


PARTITIONS = "partitions = 4\n"


@asynccontextmanager
async def outage_stage(
    bootstrap: str,
    folder: Path,
    *,
    replication: int = 1,
    session_seconds: float = 10.0,
    worker_options: tuple[str, ...] = (),
    worker_module: str = "streams.cli",
    partitions: int = 4,
    says_partitions: bool = True,
) -> AsyncIterator[Outage]:
    """Set the stage on a Kafka; take everything down again. The configuration need not say how many partitions there are."""
    async with AsyncExitStack() as stack:
        lofty = lofty_sandbox.LoftySandbox(
            lofty_sandbox.LoftySandboxSettings(
                teams=tuple(lofty_sandbox.TeamSettings(9000 + n, (f"key-{n}",)) for n in range(CONNECTIONS)),
                window_limit=0,
                allows_http=True,
                # Longer than the gateway waits for Kafka: its answer comes in any case. All who wait find a place.
                pings=PingSettings(attempts=1, timeout_seconds=30.0, in_flight=1000),
            )
        )
        places = tuple(ghl_sandbox.LocationSettings(f"loc{n}", (f"pit-{n}",)) for n in range(CONNECTIONS))
        ghl = ghl_sandbox.GhlSandbox(ghl_sandbox.GhlSandboxSettings(locations=places, window_limit=0))
        lofty_served = await stack.enter_async_context(await lofty_sandbox.serve(lofty, "127.0.0.1", 0))
        ghl_url = (await stack.enter_async_context(await ghl_sandbox.serve(ghl, "127.0.0.1", 0))).url
        for team in lofty.teams.values():
            desk_work.seed(lofty, team, make_team())
        ports = {"gateway": free_port(), "worker": free_port()}
        text = _config(bootstrap, folder, ports, lofty_served.url, ghl_url, replication, session_seconds)
        text = text.replace(PARTITIONS, f"partitions = {partitions}\n")
        environ = _secrets()
        settings = parse_settings(text, environ, read_file=lambda path: "", source="outages")
        await create_missing(settings)
        config = folder / "lofty-ghl.toml"
        config.write_text(text if says_partitions else text.replace(f"partitions = {partitions}\n", ""))
        processes = stack.enter_context(ExitStack())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        gateway, worker = (
            Process(name, f"http://127.0.0.1:{ports[name]}", folder, config, environ, processes, *how)
            for name, *how in (("gateway",), ("worker", worker_options, worker_module))
        )
        for one in (gateway, worker):
            await one.child.until_ready(http, f"{one.url}/readyz")
        async with AiohttpTransport() as transport:
            for n in range(CONNECTIONS):
                client = LoftyClient(transport, StaticAuth("token", f"key-{n}"), base_url=lofty_served.url)
                for number in LISTS:
                    await client.create_subscription(number, f"{gateway.url}/lofty/a-secret-of-outages-{n:04}")
        made = Outage(lofty, ghl, settings, gateway, worker, http, lofty_served.runner.app[lofty_server.MAILER])
        _listen(made)
        supervising = [asyncio.create_task(one.supervise()) for one in (gateway, worker)]
        try:
            yield made
        finally:
            for task in supervising:
                task.cancel()
            await asyncio.gather(*supervising, return_exceptions=True)
            for one in (gateway, worker):
                one.child.kill()  # an orderly end is not what these tests are about


def _listen(made: Outage) -> None:
    post = made.mailer._post

    async def posted(delivery: Delivery) -> int | None:
        status = await post(delivery)
        made.heard(delivery, status)
        return status

    made.mailer._post = posted  # type: ignore[method-assign]  # it counts answers, and does not say whose they were


def _secrets() -> dict[str, str]:
    found = {}
    for n in range(CONNECTIONS):
        found[f"LOFTY_GHL_PAIR{n}_LOFTY_API_KEY"] = f"key-{n}"
        found[f"LOFTY_GHL_PAIR{n}_GHL_TOKEN"] = f"pit-{n}"
        found[f"LOFTY_GHL_PAIR{n}_WEBHOOK_SECRET"] = f"a-secret-of-outages-{n:04}"
    return found


def _config(
    bootstrap: str,
    folder: Path,
    ports: dict[str, int],
    lofty: str,
    ghl: str,
    replication: int,
    session_seconds: float,
) -> str:
    head = f"""
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "outage-{uuid.uuid4().hex[:6]}."
{PARTITIONS}replication_factor = {replication}
session_timeout_seconds = {session_seconds}
[gateway]
host = "127.0.0.1"
port = {ports["gateway"]}
[worker]
store = "rocksdb"
data_dir = "{folder / "state"}"
port = {ports["worker"]}
"""
    return head + "".join(
        f"""
[connections.pair{n}]
region = "US"
[connections.pair{n}.lofty]
team_id = "{9000 + n}"
base_url = "{lofty}"
requests_per_minute = 100000
[connections.pair{n}.ghl]
location_id = "loc{n}"
base_url = "{ghl}"
requests_per_window = 100000
window_seconds = 10
"""
        for n in range(CONNECTIONS)
    )
