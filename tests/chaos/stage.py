"""The stage of the chaos suite: both sandboxes in this process, the gateway and the workers as processes, a real Kafka.

Everything runs in scaled time: GHL's hundred requests in two seconds instead of ten, a session of three seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox import ghl as ghl_sandbox
from connectors.sandbox import lofty as lofty_sandbox
from connectors.sandbox.ghl.mailer import public_key
from connectors.sandbox.lofty import PingSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from streams.demo.processes import Child, free_port
from streams.kafka.admin import create_missing
from streams.messages.topics import TopicNames
from streams.operations.mapping_preview.editor import MappingEditor
from streams.settings import Connection, Settings, parse_settings
from tests.chaos.disk import Disk, small_disk
from tests.chaos.pipelines import SEVERAL, add_pipelines, stage_tables
from tests.chaos.several import Member, members
from tests.deadlines import within
from tests.kafka.cluster import KafkaCluster
from tests.kafka.node import KafkaNode

PAIRS = 4
"""The connections of the configuration file."""
GUESTS = 2
"""Teams and locations of connections that are added while everything runs (`guests.py`)."""
PARTITIONS = 8
GHL_LIMIT, GHL_WINDOW_SECONDS = 100, 2.0
LOFTY_PER_MINUTE = 6000
SESSION_SECONDS = 3.0
IN_FLIGHT = 8
LISTS = (2, 9, 10, 11, 12)
PINGS = PingSettings(duplicates=0.1, reorders=0.1, delay_seconds=0.5, attempts=4000, retry_seconds=0.5)
MAPPING_LINE = 'mapping = "default"'
CALENDAR = """
[connections.{}.appointments]
calendar = "calendar"
"""
WITH_CALENDAR, LATE_CALENDAR = "pair1", "pair2"
"""The connections whose appointments are in a calendar from the beginning, and those that get one when the configuration changes."""
EDITED = """
[mappings.edited]
extends = "changed"
[mappings.edited.fields]
website = {{ value = "https://example.com/edited/{}" }}
"""
EDITED_LINE = 'mapping = "edited"'
EDITED_CONNECTIONS = ("pair1", "pair3")
STATE_LINE = 'data_dir = "state"'
READY = b" is ours since "
SECRET = "a-secret-of-chaos-{:04}"
TOKEN_KEYS = "202601:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
DISK_SLOT = 1
"""The worker of this slot has its state on a disk of its own, where this machine lets us mount one."""


@dataclass(slots=True)
class Happened:
    """Something that the adversary did: what, to whom, from when until when (seconds since the epoch).

    `what` is a kind of `tests.chaos.history.Event` where the judge excuses something by it; `detail` is for people.
    """

    what: str
    whom: str
    at: float
    until: float | None = None
    detail: str = ""


@dataclass(slots=True)
class WorkerProcess:
    """One worker process and its log."""

    instance: str
    slot: int
    process: subprocess.Popen[bytes]
    log: Path
    began: float
    is_several: bool = False
    """Whether it is a supervisor with workers below it (`several.py`)."""
    _is_ready: bool = False

    @property
    def members(self) -> list[Member]:
        """The workers below it, of all that were started."""
        return members(self.log.read_bytes()) if self.is_several else []

    @property
    def pids(self) -> list[int]:
        """The workers that run: itself, or those below it."""
        return [one.pid for one in self.members if one.code is None] if self.is_several else [self.process.pid]

    @property
    def is_alive(self) -> bool:
        """It has not ended."""
        return self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """It has owned partitions, by its log."""
        self._is_ready = self._is_ready or READY in self.log.read_bytes()
        return self._is_ready

    def says(self, words: bytes) -> bool:
        """Its log has these words."""
        return words in self.log.read_bytes()


@dataclass(slots=True)
class Stage:
    """What stands."""

    folder: Path
    nodes: list[KafkaNode]
    """Kafka: one, or three that replicate."""
    settings: Settings
    environ: dict[str, str]
    names: TopicNames
    lofty: lofty_sandbox.LoftySandbox
    ghl: ghl_sandbox.GhlSandbox
    gateway: Child
    gateway_url: str
    lofty_url: str
    http: aiohttp.ClientSession
    processes: ExitStack
    """What ends with the run."""
    configuration: str
    """The text of the file with which processes start."""
    configs: list[str]
    """What was in force, one after another: the files, with what was edited over them."""
    eras: list[tuple[TopicNames, int]]
    """The names of all topics and their number of partitions, under each prefix that there was; `names` are the last."""
    disk: Disk | None = None
    """On which the state of slot `DISK_SLOT` is."""
    edited: str = ""
    """The mapping that was edited over the file, as it is now."""
    guests: dict[str, str] = field(default_factory=dict)
    """The connections that were added over the file, each as its table in it."""
    workers: list[WorkerProcess] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    worker_processes: int = 1
    """How many processes each worker is."""
    before: dict[str, list[str]] = field(default_factory=dict)
    """Connection → the contacts that GHL had before us."""
    _started: int = 0
    _gateways: int = 1

    def in_force(self) -> str:
        """The configuration as it is now: the file, and what was edited over it."""
        text = self.configuration
        for name in EDITED_CONNECTIONS if self.edited else ():
            head, _, tail = text.partition(f"[connections.{name}]\n")
            text = f"{head}[connections.{name}]\n{re.sub('mapping = .*', EDITED_LINE, tail, count=1)}"
        return text + self.edited + "".join(self.guests.values())

    def connections(self) -> dict[str, Connection]:
        """The connections as they are now."""
        return parse_settings(self.in_force(), {}).connections

    def note(self, what: str, whom: str = "", detail: str = "", at: float | None = None) -> Happened:
        """Write down what the adversary does, now unless it was `at` another time."""
        one = Happened(what, whom, time.time() if at is None else at, detail=detail)
        self.happened.append(one)
        return one

    def start_worker(self, slot: int, *trap: str) -> WorkerProcess:
        """Start a worker in a slot: its folder of state is that of the slot's former worker."""
        self._started += 1
        instance = f"w{self._started}"
        log = self.folder / f"{instance}.log"
        config = self.folder / f"slot{slot}.toml"
        state = self.folder / f"state{slot}"
        config.write_text(self.configuration.replace(STATE_LINE, f'data_dir = "{state}"'))
        is_several = self.worker_processes > 1
        module = ["tests.chaos.several", "--processes", str(self.worker_processes)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", *(module if is_several else ["tests.chaos.worker"])),
                    *("--config", str(config), "--instance", instance, *trap),
                ],
                env={**os.environ, **self.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        worker = WorkerProcess(instance, slot, process, log, time.monotonic(), is_several)
        self.workers.append(worker)
        return worker

    def configure(self, text: str, environ: Mapping[str, str]) -> None:
        """Another file: processes that start from now on use it."""
        self.configuration, self.environ = text, dict(environ)
        self.settings = parse_settings(text, environ, read_file=lambda path: "", source="chaos")
        self.names = TopicNames(self.settings.kafka.topic_prefix)
        if self.names != self.eras[-1][0]:
            self.eras.append((self.names, self.settings.kafka.partitions))
        self.configs.append(self.in_force())

    def label(self, number: int) -> str:
        """What a connection is called now; its id stays."""
        return list(self.settings.connections.values())[number].label

    async def restart_gateway(self) -> None:
        """With the configuration as it is now."""
        await asyncio.to_thread(self.gateway.stop)
        self._gateways += 1
        name = f"gateway{self._gateways}"
        config = self.folder / f"{name}.toml"
        config.write_text(self.configuration)
        self.gateway = Child(name, ["gateway", "--config", str(config)], self.environ, self.folder, self.processes)
        await self.gateway.until_ready(self.http, f"{self.gateway_url}/readyz")

    def stores(self, slot: int) -> list[Path]:
        """The folders in which a slot's workers keep their partitions."""
        group, state = self.names.group, self.folder / f"state{slot}"
        return sorted([*state.glob(f"{group}/partition-????"), *state.glob(f"process-?/{group}/partition-????")])

    def alive(self) -> list[WorkerProcess]:
        """The workers that run."""
        return [one for one in self.workers if one.is_alive]

    async def until(self, claim: Any, seconds: float, what: str) -> None:
        """Wait until a claim holds."""
        deadline = time.monotonic() + within(seconds)
        while not claim():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {within(seconds):.0f} s: {what}")
            await asyncio.sleep(0.1)

    async def pings_pending(self) -> int:
        """How many pings Lofty still has to deliver."""
        async with self.http.get(f"{self.lofty_url}/_sandbox/stats") as answer:
            return int((await answer.json())["pending"])

    def asked(self) -> int:
        """How many requests both vendors have seen."""
        return int(self.ghl.ledger.stats()["requests"] + self.lofty.ledger.stats()["requests"])


@asynccontextmanager
async def set_stage(
    folder: Path, seed: int, brokers: int = 1, ghl_rules: Mapping[str, Any] | None = None
) -> AsyncIterator[Stage]:
    """Start Kafka, the sandboxes and the gateway, subscribe the webhooks; take everything down again.

    `ghl_rules` are further settings of GHL's sandbox.
    """
    async with AsyncExitStack() as stack:
        kafka = stack.enter_context(KafkaNode() if brokers == 1 else KafkaCluster())
        nodes = [kafka] if isinstance(kafka, KafkaNode) else kafka.nodes
        lofty_settings = lofty_sandbox.LoftySandboxSettings(
            teams=tuple(lofty_sandbox.TeamSettings(9000 + n, (f"key-{n}",)) for n in range(PAIRS + GUESTS)),
            latency_seconds=0.02,
            window_limit=LOFTY_PER_MINUTE,
            visibility_lag_seconds=0.2,
            allows_http=True,
            pings=PINGS,
            ledger_size=5_000_000,
            seed=seed,
        )
        ghl_settings = ghl_sandbox.GhlSandboxSettings(
            locations=tuple(
                ghl_sandbox.LocationSettings(f"loc{n}", (f"pit-{n}",), allow_several_opportunities=n == SEVERAL)
                for n in range(PAIRS + GUESTS)
            ),
            latency_seconds=0.02,
            window_limit=GHL_LIMIT,
            window_seconds=GHL_WINDOW_SECONDS,
            search_lag_seconds=0.6,
            ledger_size=5_000_000,
            seed=seed,
            **(ghl_rules or {}),
        )
        lofty, ghl = lofty_sandbox.LoftySandbox(lofty_settings), ghl_sandbox.GhlSandbox(ghl_settings)
        lofty_url = (await stack.enter_async_context(await lofty_sandbox.serve(lofty, "127.0.0.1", 0))).url
        ghl_url = (await stack.enter_async_context(await ghl_sandbox.serve(ghl, "127.0.0.1", 0))).url
        add_pipelines(ghl)
        for team in lofty.teams.values():
            desk_work.seed(lofty, team, make_team())
        gateway_port = free_port()
        prefix = f"chaos-{uuid.uuid4().hex[:6]}."
        text = _config(
            kafka.bootstrap, brokers, prefix, gateway_port, lofty_url, ghl_url, public_key(ghl_settings), _settle(seed)
        )
        environ = _secrets()
        settings = parse_settings(text, environ, read_file=lambda path: "", source="chaos")
        await create_missing(settings)
        processes = stack.enter_context(ExitStack())
        gateway_config = folder / "gateway.toml"
        gateway_config.write_text(text)
        gateway = Child("gateway", ["gateway", "--config", str(gateway_config)], environ, folder, processes)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"http://127.0.0.1:{gateway_port}"
        await gateway.until_ready(http, f"{url}/readyz")
        async with AiohttpTransport() as transport:
            for n in range(PAIRS):
                client = LoftyClient(transport, StaticAuth("token", f"key-{n}"), base_url=lofty_url)
                for number in LISTS:
                    await client.create_subscription(number, f"{url}/lofty/{SECRET.format(n)}")
        names = TopicNames(prefix)
        disk = stack.enter_context(small_disk(folder / f"state{DISK_SLOT}"))
        stage = Stage(
            folder,
            nodes,
            settings,
            environ,
            names,
            lofty,
            ghl,
            gateway,
            url,
            lofty_url,
            http,
            processes,
            text,
            [text],
            [(names, PARTITIONS)],
            disk,
        )
        try:
            yield stage
        finally:
            for worker in stage.alive():
                for pid in worker.pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                worker.process.kill()
                worker.process.wait()


def change_mapping(stage: Stage) -> None:
    """Configure the other mapping and one more calendar: workers that start from now on use them."""
    text = stage.configuration.replace(MAPPING_LINE, 'mapping = "changed"') + CALENDAR.format(LATE_CALENDAR)
    stage.configuration = text
    stage.settings = parse_settings(text, stage.environ, read_file=lambda path: "", source="chaos")
    stage.configs.append(stage.in_force())


async def edit_mapping(stage: Stage) -> None:
    """Save a mapping that two connections use, as `lofty-ghl mapping` does: workers that run take it over."""
    is_first = not stage.edited
    stage.edited = EDITED.format(len(stage.configs))
    async with MappingEditor(stage.settings) as desk:
        await desk.save("edited", stage.edited, expected_version=desk.version, by="chaos")
        for name in EDITED_CONNECTIONS if is_first else ():
            await desk.use(name, "edited", expected_version=desk.version, by="chaos")
        here, there = parse_settings(stage.in_force(), {}).connections, desk.settings().connections
    for name, one in here.items():  # otherwise the judge would look for what nobody reported
        assert one.mapping_fingerprint == there[name].mapping_fingerprint, name
    stage.configs.append(stage.in_force())


def _secrets() -> dict[str, str]:
    found = {"LOFTY_GHL_TOKEN_KEYS": TOKEN_KEYS}
    for n in range(PAIRS):
        found[f"LOFTY_GHL_PAIR{n}_LOFTY_API_KEY"] = f"key-{n}"
        found[f"LOFTY_GHL_PAIR{n}_GHL_TOKEN"] = f"pit-{n}"
        found[f"LOFTY_GHL_PAIR{n}_WEBHOOK_SECRET"] = SECRET.format(n)
    return found


def _settle(seed: int) -> str:
    """Every other plan lets each burst of edits settle, however plentiful requests are."""
    return "always" if seed % 2 else "adaptive"


def _config(
    bootstrap: str, brokers: int, prefix: str, gateway_port: int, lofty: str, ghl: str, key: str, settle: str
) -> str:
    head = f"""
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = {PARTITIONS}
replication_factor = {brokers}
session_timeout_seconds = {SESSION_SECONDS}
[gateway]
host = "127.0.0.1"
port = {gateway_port}
public_url = "http://127.0.0.1:{gateway_port}"
[gateway.ghl]
public_keys = ['''{key}''']
[worker]
store = "rocksdb"
{STATE_LINE}
port = 0
in_flight_per_location = {IN_FLIGHT}
settle = "{settle}"
[mappings.changed]
extends = "default"
[mappings.changed.fields]
website = {{ value = "https://example.com/changed" }}
"""
    connections = "".join(
        table_of(n, lofty, ghl, MAPPING_LINE, 'budget = "shared"' if n < 2 else "") for n in range(PAIRS)
    )
    return head + connections + CALENDAR.format(WITH_CALENDAR) + stage_tables()


def table_of(number: int, lofty: str, ghl: str, line: str, lofty_line: str = "") -> str:
    """A connection in the configuration, with a line of its own, and one of its Lofty side."""
    return f"""
[connections.pair{number}]
region = "US"
{line}
[connections.pair{number}.lofty]
team_id = "{9000 + number}"
base_url = "{lofty}"
requests_per_minute = {LOFTY_PER_MINUTE}
{lofty_line}
[connections.pair{number}.ghl]
location_id = "loc{number}"
base_url = "{ghl}"
requests_per_window = {GHL_LIMIT}
window_seconds = {GHL_WINDOW_SECONDS}
"""
