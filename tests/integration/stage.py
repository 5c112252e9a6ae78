"""A stage for the pipeline: both sandboxes, a gateway and a worker in this process, on a given broker.

A test edits leads as an agent would, waits until the pipeline has come to rest, and looks at what GHL's sandbox holds.
"""

from __future__ import annotations

import asyncio
import inspect
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox import ghl as ghl_sandbox
from connectors.sandbox import lofty as lofty_sandbox
from connectors.sandbox.ghl import server as ghl_server
from connectors.sandbox.ghl.mailer import public_key
from connectors.sandbox.ghl.seeds import shown
from connectors.sandbox.lofty import PingSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty import server as lofty_server
from connectors.sandbox.lofty.people import make_team
from streams.console.server import ConsoleServer
from streams.gateway.server import GatewayServer
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import new_producer
from streams.kafka.topic_reader import read_topic
from streams.mapping import LEAD_ID_FIELD
from streams.messages import FENCE_KEY, Parked, Receipt
from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from streams.messages.topics import CHANGES, FETCHES, PARKED, RECEIPTS, SNAPSHOTS, TopicNames
from streams.settings import Settings, parse_settings
from streams.telemetry.tracing import Headers
from streams.worker.dependencies import Dependencies
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.quiet import Quiet
from tests.kafka.broker import Broker

TEAM = 123456
LOCATION = "loc-acme"
PARTITIONS = 4
SECRET = "a-secret-of-the-stage-1234"
LISTS = (2, 9, 10, 11, 12)

CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = 4
session_timeout_seconds = {session}
{kafka}
[gateway]
host = "127.0.0.1"
port = {port}
public_url = "{public_url}"
[gateway.ghl]
public_keys = ['''{ghl_key}''']
[worker]
store = "{store}"
data_dir = "{data_dir}"
settle = "{settle}"
connection_metrics = "{connection_metrics}"
{connections}
{more}
"""

CONNECTION = """
[connections.acme]
region = "US"
[connections.acme.lofty]
team_id = "123456"
base_url = "{lofty}"
auth = "{lofty_auth}"
requests_per_minute = {lofty_limit}
[connections.acme.ghl]
location_id = "loc-acme"
base_url = "{ghl}"
auth = "{ghl_auth}"
requests_per_window = {ghl_limit}
window_seconds = {ghl_window}
"""

ENVIRON = {
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "stage-key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "pit-stage",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": SECRET,
}


@dataclass(slots=True)
class Stage:
    """The parts of the stage."""

    broker: Broker
    settings: Settings
    names: TopicNames
    lofty: lofty_sandbox.LoftySandbox
    ghl: ghl_sandbox.GhlSandbox
    gateway: GatewayServer
    worker: Worker
    http: aiohttp.ClientSession
    lofty_url: str
    ghl_url: str
    config: str
    """The configuration's text."""
    quiet: Quiet
    ended: list[str]
    """Why a worker of this stage could not go on; in production its process would have ended."""

    def given(self, **more: Any) -> Dependencies:
        """What a further worker of this stage is given."""
        return collaborators(self.ended, **more)

    # -- what a person does -------------------------------------------------------------------------------

    def edit(self, edit: str, kind: str, *, team_id: int = TEAM, **what: Any) -> Any:
        """One edit by an agent of a team; returns the record."""
        team = desk_work.team_of(self.lofty, team_id)
        return desk_work.edit(self.lofty, team, {"edit": edit, "kind": kind, **what})

    def edit_silently(self, edit: str, kind: str, **what: Any) -> Any:
        """One edit without a webhook."""
        team = desk_work.team_of(self.lofty, TEAM)
        return desk_work.edit(self.lofty, team, {"edit": edit, "kind": kind, **what}, reports=False)

    def reload_directories(self) -> None:
        """Let the worker look again at what the location calls its fields."""
        self.worker.reload_directories()

    @property
    def topics_read_by_agents(self) -> tuple[str, ...]:
        """Every topic that an agent reads."""
        return (CHANGES, FETCHES, SNAPSHOTS, RECEIPTS)

    def new_lead(self, *, team_id: int = TEAM, **fields: Any) -> str:
        """A new lead with an e-mail; returns its id."""
        number = uuid.uuid4().hex[:8]
        person = {"firstName": "Ada", "lastName": "Example", "emails": [f"ada.{number}@example.com"], **fields}
        return str(self.edit("create", "lead", team_id=team_id, fields=person).id)

    # -- what is seen -------------------------------------------------------------------------------------

    def contacts(self, location: str = LOCATION) -> dict[str, dict[str, Any]]:
        """A location's contacts by their Lofty id, each with notes, tasks and custom fields by name."""
        place = self.ghl.location(location)
        found = {}
        for contact in (shown(one) for one in place.contacts.values()):
            names = {one["id"]: one["name"] for one in place.custom_fields.values()}
            custom = {names[field_id]: value for field_id, value in contact["customFields"].items()}
            contact["custom"] = custom
            found[str(custom.get(LEAD_ID_FIELD))] = contact
        return found

    def requests(self, vendor: str, *methods: str) -> list[Any]:
        """What a vendor was asked, by method (all by default)."""
        sandbox = self.ghl if vendor == "ghl" else self.lofty
        return [one for one in sandbox.ledger.after() if not methods or one.method in methods]

    async def records(self, topic: str) -> list[bytes]:
        """Everything on a topic, until now."""
        return [one.value for one in await read_topic(self.settings, self.names.of(topic)) if one.key != FENCE_KEY]

    async def receipts(self) -> list[Receipt]:
        """The history of all writes."""
        return [Receipt.from_bytes(raw) for raw in await self.records(RECEIPTS)]

    async def parked(self) -> list[Parked]:
        """What was parked."""
        return [Parked.from_bytes(raw) for raw in await self.records(PARKED)]

    # -- waiting ------------------------------------------------------------------------------------------

    async def until(self, claim: Callable[[], Any], seconds: float = 60.0) -> None:
        """Wait until a claim holds; fail with the state of the dispatchers when it does not in time."""
        try:
            async with asyncio.timeout(within(seconds)):
                began = time.monotonic()
                while not await _answer(claim):
                    assert not self.ended, self.ended
                    # What is costly to ask is asked more seldom: what is waited for needs the processor, too.
                    await asyncio.sleep(max(0.02, min(2 * (time.monotonic() - began), 0.5)))
                    began = time.monotonic()
        except TimeoutError:
            views = [*self.worker.reading.core.view(time.monotonic()), *self.worker.writing.core.view(time.monotonic())]
            raise AssertionError(f"not in {within(seconds):g} s; the dispatchers: {views}") from None

    async def until_quiet(self, seconds: float = 60.0) -> None:
        """Wait until every ping is delivered, and nothing waits or moves (`quiet.py` says how that is known)."""
        moving = ""

        async def is_quiet() -> bool:
            nonlocal moving
            moving = await self.quiet.look(self)
            return not moving

        try:
            await self.until(is_quiet, seconds)
        except AssertionError as error:
            raise AssertionError(f"{moving}; {error}") from None

    async def produce_change(self, change: Any) -> None:
        """Put a change on the first topic."""
        await self.produce(CHANGES, change.entity.lane.encode(), change.to_bytes())

    async def produce(
        self, topic: str, key: bytes, value: bytes, *, by: str = "", at: int = 0, headers: Headers = ()
    ) -> None:
        """Put raw bytes on a topic; `by="ghl"` puts them where the location's budget is, `by="lofty"` where Lofty's is.

        Else they are put into the partition `at`.
        """
        budgets = {"ghl": ghl_budget(LOCATION), "lofty": lofty_budget("acme")}
        place = partition_of(budgets[by], PARTITIONS) if by else at
        producer = new_producer(self.settings)
        await producer.start()
        try:
            await BatchingProducer(producer).produce([Record(self.names.of(topic), place, key, value, headers)])
        finally:
            await producer.stop()


def collaborators(ended: list[str], **more: Any) -> Dependencies:
    """What a worker in a test's process is given. Where it would end its process, it says so in `ended`."""
    return Dependencies(
        **{"search_lag_ms": 600, "marks_locations": False, "jitter": lambda: 0.0, "end": ended.append, **more}
    )


async def _answer(claim: Callable[[], Any]) -> Any:
    found = claim()
    return await found if inspect.isawaitable(found) else found


def _lofty_sandbox(settings: Mapping[str, Any]) -> lofty_sandbox.LoftySandbox:
    teams = (lofty_sandbox.TeamSettings(TEAM, ("stage-key",)),)
    options = {"teams": teams, "window_limit": 0, "allows_http": True, **settings}
    return lofty_sandbox.LoftySandbox(lofty_sandbox.LoftySandboxSettings(**options))


def _ghl_sandbox(settings: Mapping[str, Any]) -> ghl_sandbox.GhlSandbox:
    locations = (ghl_sandbox.LocationSettings(LOCATION, ("pit-stage",)),)
    options = {"locations": locations, "window_limit": 0, "search_lag_seconds": 0.5, **settings}
    return ghl_sandbox.GhlSandbox(ghl_sandbox.GhlSandboxSettings(**options))


@asynccontextmanager
async def stage(
    broker: Broker,
    tmp_path: Path,
    *,
    store: str = "memory",
    lofty: Mapping[str, Any] | None = None,
    ghl: Mapping[str, Any] | None = None,
    pings: Mapping[str, Any] | None = None,
    hooks: Mapping[str, Any] | None = None,
    more: str = "",
    lofty_auth: str = "api_key",
    ghl_auth: str = "token",
    environ: Mapping[str, str] | None = None,
    lofty_limit: int = 100_000,
    ghl_limit: int = 100_000,
    ghl_window: float = 10.0,
    given: Mapping[str, Any] | None = None,
    restarts: bool = False,
    session: float = 3.0,
    is_empty: bool = False,
    port: int = 0,
    public_url: str = "https://hooks.example.com",
    settle: str = "adaptive",
    connection_metrics: str = "all",
    kafka: str = "",
) -> AsyncIterator[Stage]:
    """Set the stage, subscribe the webhooks, and take everything down again. `is_empty`: no connection is configured.

    `restarts` says that another worker succeeds the stage's. It waits for the session timeout where the first one was killed,
    and for a second less on the embedded broker in any case, so that is short then: `session` seconds. A test whose own work may
    hold up the loop for as long asks for more.
    """
    ended: list[str] = []
    async with AsyncExitStack() as stack:
        lofty_box = _lofty_sandbox({"pings": PingSettings(**(pings or {})), **(lofty or {})})
        ghl_box = _ghl_sandbox(ghl or {})
        lofty_served = await stack.enter_async_context(await lofty_sandbox.serve(lofty_box, "127.0.0.1", 0))
        ghl_served = await stack.enter_async_context(await ghl_sandbox.serve(ghl_box, "127.0.0.1", 0))
        if not is_empty:
            desk_work.seed(lofty_box, desk_work.team_of(lofty_box, TEAM), make_team())

        prefix = f"stage-{uuid.uuid4().hex[:8]}."
        connection = CONNECTION.format(
            lofty=lofty_served.url,
            ghl=ghl_served.url,
            lofty_limit=lofty_limit,
            ghl_limit=ghl_limit,
            ghl_window=ghl_window,
            lofty_auth=lofty_auth,
            ghl_auth=ghl_auth,
        )
        text = CONFIG.format(
            bootstrap=broker.bootstrap,
            kafka=kafka,
            prefix=prefix,
            session=within(session) if restarts else 10.0,
            store=store,
            data_dir=tmp_path,
            settle=settle,
            connection_metrics=connection_metrics,
            port=port,
            public_url=public_url,
            ghl_key=public_key(ghl_box.settings),
            connections="" if is_empty else connection,
            more=more.replace("{ghl}", ghl_served.url).replace("{lofty}", lofty_served.url),
        )
        settings = parse_settings(text, {**ENVIRON, **(environ or {})}, read_file=lambda path: "", source="stage")
        names = TopicNames(prefix)
        broker.create_topics(names.specs(), PARTITIONS)
        stack.callback(broker.delete_topics, names.specs())
        tracing = (given or {}).get("tracing")
        gateway = await stack.enter_async_context(GatewayServer(settings, tracing=tracing, console=ConsoleServer))
        told = ghl_sandbox.HookSettings(url=f"{gateway.url}/ghl/webhooks", **(hooks or {}))
        ghl_box.settings = replace(ghl_box.settings, hooks=told)
        worker = await stack.enter_async_context(Worker(settings, collaborators(ended, **(given or {}))))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        quiet = Quiet(lofty_served.runner.app[lofty_server.MAILER], ghl_served.runner.app[ghl_server.MAILER])
        stack.push_async_callback(quiet.aclose)
        urls = (lofty_served.url, ghl_served.url)
        made = Stage(broker, settings, names, lofty_box, ghl_box, gateway, worker, http, *urls, text, quiet, ended)
        waits_for_access = "oauth" in (lofty_auth, ghl_auth)
        loops = () if waits_for_access else (worker.writing, worker.reading)
        await made.until(lambda: worker.is_ready and all(loop.core.is_idle for loop in loops))
        transport = await stack.enter_async_context(AiohttpTransport())
        client = LoftyClient(transport, StaticAuth("token", "stage-key"), base_url=lofty_served.url)
        for number in () if is_empty else LISTS:
            url = f"{gateway.url}/lofty/{SECRET}"
            await client.create_subscription(number, url)
        yield made
        assert not ended, ended
