"""The stage of the fuzz: a gateway with a console and a worker as processes, a real Kafka, and vendors of which some lie.

| connection | its vendors | what is done to it |
| --- | --- | --- |
| `good` | both sandboxes | nothing: it is the neighbour of all others, and delivers all the time |
| `fuzzed` | both sandboxes behind liars (`liar.py`), with the Lofty sync | everything |
| `waiting` | would give access by OAuth | its consent is never completed, its callbacks are attacked |
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox import ghl as ghl_sandbox
from connectors.sandbox import lofty as lofty_sandbox
from connectors.sandbox.ghl.mailer import public_key, signing_key
from connectors.sandbox.ghl.seeds import shown
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from streams.demo.processes import Child, free_port
from streams.kafka.admin import create_missing
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import new_producer, start_producer
from streams.mapping import LEAD_ID_FIELD
from streams.messages.topics import TopicNames
from streams.settings import Settings, parse_settings
from tests.deadlines import within
from tests.fuzz.liar import Liar, Provider
from tests.kafka.node import KafkaNode
from tests.unit.streams.console.stage import CONFIG as CONSOLE
from tests.unit.streams.console.stage import KEY

PARTITIONS = 4
GOOD, FUZZED, WAITING = "good", "fuzzed", "waiting"
TEAMS = {GOOD: 7001, FUZZED: 7002}
LISTS = (2, 9, 10, 11, 12)
SECRETS = {name: f"a-secret-of-the-fuzz-{name}" for name in (GOOD, FUZZED, WAITING)}


@dataclass(slots=True)
class Process:
    """A process of the product that must not end. `memory_mib` is the limit that docker-compose.yml gives it."""

    name: str
    child: Child
    url: str
    memory_mib: int
    peak_mib: float = 0.0
    peak_of: dict[str, int] = field(default_factory=dict)
    """Which of its processes held how much at the peak."""

    @property
    def is_alive(self) -> bool:
        """It has not ended. (A zombie has: nobody has asked for its exit code yet.)"""
        state = Path(f"/proc/{self.child.pid}/stat")
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"

    def look(self) -> float:
        """What it and its children hold now, in MiB."""
        held = {pid: _proportional(pid) / 1024 for pid in _family(self.child.pid)}
        mib = sum(held.values())
        if mib > self.peak_mib:
            self.peak_mib = mib
            self.peak_of = {f"{_command(pid)} [{pid}]": round(of_process) for pid, of_process in held.items()}
        return mib


@dataclass(slots=True)
class Stage:
    """What stands."""

    folder: Path
    node: KafkaNode
    settings: Settings
    names: TopicNames
    lofty: lofty_sandbox.LoftySandbox
    ghl: ghl_sandbox.GhlSandbox
    liars: tuple[Liar, ...]
    provider: Provider
    http: aiohttp.ClientSession
    config: Path
    environ: dict[str, str]
    batching_producer: BatchingProducer
    stack: ExitStack
    ports: dict[str, int]
    processes: dict[str, Process] = field(default_factory=dict)
    starts: int = 0

    @property
    def gateway(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def worker(self) -> str:
        """The address at which the worker reports its health."""
        return f"http://127.0.0.1:{self.ports['worker']}"

    async def start(self, name: str) -> None:
        """Start `gateway` or `worker`, and wait until it is ready."""
        self.starts += 1
        port = str(self.ports[name])
        folder = str(self.folder / f"{name}-data")
        environ = {**self.environ, f"LOFTY_GHL_{name.upper()}_PORT": port, "LOFTY_GHL_DATA_DIR": folder}
        child = Child(name, [name, "--config", str(self.config)], environ, self.folder / str(self.starts), self.stack)
        url = f"http://127.0.0.1:{port}"
        memory = compose_memory_mib(name)
        process = Process(name, child, url, memory)
        if before := self.processes.get(name):
            process.peak_mib, process.peak_of = before.peak_mib, before.peak_of
        self.processes[name] = process
        await child.until_ready(self.http, f"{url}/readyz")

    async def restart(self) -> None:
        """Shut both down, and start them again on all that is on the topics."""
        for one in self.processes.values():
            await asyncio.to_thread(one.child.stop)
        for name in ("gateway", "worker"):
            await self.start(name)

    def sign(self, body: bytes) -> bytes:
        """GHL's signature of a body."""
        return base64.b64encode(signing_key(self.ghl.settings).sign(body))

    def new_lead(self, connection: str, **fields: Any) -> str:
        """A new lead of a connection; returns its id."""
        person = {"firstName": "Ada", "lastName": "Good", "emails": [f"{uuid.uuid4().hex[:10]}@example.com"], **fields}
        team = desk_work.team_of(self.lofty, TEAMS[connection])
        return str(desk_work.edit(self.lofty, team, {"edit": "create", "kind": "lead", "fields": person}).id)

    def edit(self, connection: str, edit: str, kind: str, **what: Any) -> Any:
        """An edit by an agent."""
        team = desk_work.team_of(self.lofty, TEAMS[connection])
        return desk_work.edit(self.lofty, team, {"edit": edit, "kind": kind, **what})

    def arrived(self, connection: str) -> dict[str, dict[str, Any]]:
        """The contacts of a connection's location, by their Lofty id."""
        place = self.ghl.location(location(connection))
        names = {one["id"]: one["name"] for one in place.custom_fields.values()}
        found = {}
        for contact in (shown(one) for one in place.contacts.values()):
            custom = {names.get(field_id): value for field_id, value in contact["customFields"].items()}
            found[str(custom.get(LEAD_ID_FIELD))] = contact
        return found

    async def produce(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Put bytes on a topic."""
        await self.batching_producer.produce(
            [Record(self.names.of(topic), partition, key or b"", value)], within=within(30)
        )


def location(connection: str) -> str:
    """A connection's location."""
    return f"loc-{connection}"


def compose_memory_mib(service: str) -> int:
    """The limit that docker-compose.yml gives a service."""
    import yaml

    compose = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
    text = str(compose["services"][service]["mem_limit"])
    return int(text.removesuffix("m")) if text.endswith("m") else int(text.removesuffix("g")) * 1024


@asynccontextmanager
async def set_stage(folder: Path, chance: int) -> AsyncIterator[Stage]:
    """Start everything, subscribe the webhooks; take everything down again."""
    async with AsyncExitStack() as stack:
        node = stack.enter_context(KafkaNode(session_ms=30_000))
        teams = tuple(lofty_sandbox.TeamSettings(number, (f"key-{name}",)) for name, number in TEAMS.items())
        lofty = lofty_sandbox.LoftySandbox(
            lofty_sandbox.LoftySandboxSettings(teams=teams, window_limit=0, allows_http=True, seed=chance)
        )
        places = tuple(ghl_sandbox.LocationSettings(location(name), (f"pit-{name}",)) for name in TEAMS)
        ghl = ghl_sandbox.GhlSandbox(
            ghl_sandbox.GhlSandboxSettings(locations=places, window_limit=0, search_lag_seconds=0.3, seed=chance)
        )
        lofty_url = (await stack.enter_async_context(await lofty_sandbox.serve(lofty, "127.0.0.1", 0))).url
        ghl_url = (await stack.enter_async_context(await ghl_sandbox.serve(ghl, "127.0.0.1", 0))).url
        for team in lofty.teams.values():
            desk_work.seed(lofty, team, make_team())
        liars = (Liar("lofty", lofty_url, chance), Liar("ghl", ghl_url, chance + 1))
        for one in liars:
            await stack.enter_async_context(one)
        provider = Provider(chance)
        await stack.enter_async_context(provider)
        ports = {"gateway": free_port(), "worker": free_port()}
        text = _config(node.bootstrap, lofty_url, ghl_url, liars, provider.url, public_key(ghl.settings))
        environ = _environ()
        settings = parse_settings(text, environ, read_file=lambda path: "", source="fuzz")
        await create_missing(settings)
        config = folder / "lofty-ghl.toml"
        config.write_text(text)
        for number in range(1, 9):
            (folder / str(number)).mkdir(exist_ok=True)
        producer = new_producer(settings)
        await start_producer(producer)
        stack.push_async_callback(producer.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        processes = stack.enter_context(ExitStack())
        made = Stage(
            folder,
            node,
            settings,
            TopicNames(settings.kafka.topic_prefix),
            lofty,
            ghl,
            liars,
            provider,
            http,
            config,
            environ,
            BatchingProducer(producer),
            processes,
            ports,
        )
        await made.start("gateway")
        await made.start("worker")
        async with AiohttpTransport() as transport:
            for name in TEAMS:
                client = LoftyClient(transport, StaticAuth("token", f"key-{name}"), base_url=lofty_url)
                for number in LISTS:
                    await client.create_subscription(number, f"{made.gateway}/lofty/{SECRETS[name]}")
        yield made


def _environ() -> dict[str, str]:
    found = {
        "LOFTY_GHL_CONSOLE_KEY": KEY,
        "LOFTY_GHL_CONSOLE_OIDC_CLIENT_SECRET": "a-secret-of-the-provider",
        "LOFTY_GHL_TOKEN_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET": "ghl-client-secret",
        "LOFTY_GHL_OAUTH_LOFTY_CLIENT_SECRET": "lofty-client-secret",
    }
    for name, secret in SECRETS.items():
        found[f"LOFTY_GHL_{name.upper()}_WEBHOOK_SECRET"] = secret
        if name in TEAMS:
            found[f"LOFTY_GHL_{name.upper()}_LOFTY_API_KEY"] = f"key-{name}"
            found[f"LOFTY_GHL_{name.upper()}_GHL_TOKEN"] = f"pit-{name}"
    return found


def _config(bootstrap: str, lofty: str, ghl: str, liars: tuple[Liar, ...], provider: str, ghl_key: str) -> str:
    head = f"""
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "fuzz-{uuid.uuid4().hex[:6]}."
partitions = {PARTITIONS}
[gateway]
host = "127.0.0.1"
public_url = "https://hooks.example.com"
[gateway.ghl]
public_keys = ['''{ghl_key}''']
[worker]
store = "rocksdb"
[mappings.edited]
extends = "default"
[oauth.ghl]
client_id = "app1-fuzz"
authorize_url = "{liars[1].url}/v2/oauth/chooselocation"
[oauth.lofty]
client_id = "lofty-app"
authorize_url = "{liars[0].url}/page/vendor-auth.html"
server_url = "{liars[0].url}"
"""
    console = (
        CONSOLE.replace("index = false\n", "")
        + f"""
[console.oidc]
issuer = "{provider}"
client_id = "fuzz"
name = "Example"
operators = ["crm-operators"]
viewers = ["crm-viewers"]
"""
    )
    urls = {GOOD: (lofty, ghl), FUZZED: (liars[0].url, liars[1].url), WAITING: (liars[0].url, liars[1].url)}
    connections = ""
    for name, (lofty_url, ghl_url) in urls.items():
        auth = "" if name in TEAMS else 'auth = "oauth"'
        connections += f"""
[connections.{name}]
region = "US"
[connections.{name}.lofty]
team_id = "{TEAMS.get(name, 7009)}"
base_url = "{lofty_url}"
requests_per_minute = 6000
{auth}
[connections.{name}.ghl]
location_id = "{location(name)}"
base_url = "{ghl_url}"
requests_per_window = 100
window_seconds = 2.0
{auth}
[connections.{name}.sweep]
new_minutes = {1 if name == FUZZED else 0}
full_hours = 0
"""
    back = f"""
[connections.{FUZZED}.back]
notes = true
tasks = true
appointments = true
finish_tasks = true
[connections.{FUZZED}.back.fields]
phone = "newest"
"""
    return head + console + connections + back


def _family(pid: int) -> list[int]:
    """A process and all that it has started."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in children.read_text().split()]
            except OSError:
                continue
    return found


def _proportional(pid: int) -> int:
    """In KiB; 0 for a process that is gone. A page that processes share counts once for all of them, as in a container's limit."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _command(pid: int) -> str:
    """The end of a process's command line, short enough for a verdict."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    return " ".join(words).strip()[-60:]


def now() -> float:
    """Seconds since the epoch: what the probe's process says, too."""
    return time.time()
