"""What the whole-path benchmarks run on: both sandboxes, a worker and a gateway, each a process of its own, on a real Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Container, Coroutine, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.sandbox.lofty.people import make_leads, make_team
from streams.demo.processes import Child, free_port
from streams.kafka.admin import create_missing
from streams.kafka.clients import new_producer
from streams.kafka.connection_options import client_options
from streams.kafka.topic_reader import read_topic
from streams.messages import FENCE_KEY, Receipt
from streams.messages.topics import RECEIPTS, TopicNames
from streams.settings import Settings, parse_settings

PAIRS = 8
SECRET = "a-secret-of-the-bench-1234"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a town is built. Each of its `pairs` is a connection with a GHL location and a Lofty team of its own.

    A vendor answers after its latency and has a limit for each window, 0 for none; the worker is configured alike.
    `watched`: `fully` logs every line as JSON, `not at all` neither logs nor counts; `as always` counts, and logs warnings.
    `shares_lofty` gives all connections the one team, its one key and its one budget.
    `worker_options` are further options of the worker.
    `later` accounts more are at both vendors, and no connection names them yet. `more` is appended to the configuration, and `environ`
    to the secrets.
    """

    pairs: int = PAIRS
    leads: int = 0
    ghl_latency_seconds: float = 0.02
    ghl_limit: int = 0
    ghl_window_seconds: float = 10.0
    lofty_latency_seconds: float = 0.02
    lofty_limit: int = 0
    in_flight_per_location: int = 8
    in_flight_per_lofty_budget: int = 8
    settle: str = "off"
    """`worker.settle`. What measures how long a change takes must not measure how long it is held back on purpose."""
    session_timeout_seconds: float = 10.0
    shares_lofty: bool = False
    later: int = 0
    more: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    watched: Literal["as always", "fully", "not at all"] = "as always"
    worker_options: tuple[str, ...] = ()

    def team(self, number: int) -> str:
        """The Lofty team of a pair."""
        return str(90_000 + (0 if self.shares_lofty else number))

    def key(self, number: int) -> str:
        """The API key of a pair's team."""
        return f"key-{0 if self.shares_lofty else number}"


@dataclass(slots=True)
class Town:
    """Everything that runs, and how to ask it."""

    http: aiohttp.ClientSession
    settings: Settings
    names: TopicNames
    lofty: str
    ghl: str
    gateway: str
    worker: str
    leads: list[tuple[str, str]]
    """(connection, lead id) of every lead that was seeded."""
    plan: Plan
    start_worker: Callable[[str], Child]
    """Starts another worker with the same configuration, when the one before has ended; the name is its log's."""
    start_gateway: Callable[[str], Child]
    config: Path
    environ: dict[str, str]
    """The configuration's file and the credentials, for commands."""
    children: dict[str, Child] = field(default_factory=dict)
    ready_seconds: dict[str, float] = field(default_factory=dict)
    """How long each took from its start to ready, and until the last read after that (`still`)."""

    async def get(self, url: str, **params: str) -> Any:
        """JSON of a control API."""
        async with self.http.get(url, params=params) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def post(self, url: str, body: Any, **params: str) -> Any:
        """Order something of a control API."""
        async with self.http.post(url, json=body, params=params) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def until_still(self, seconds: float = 1.0, most: float = 60.0, *, but: Container[str] = ()) -> None:
        """Wait until the vendors are not asked anything for a while, of GHL's locations all `but` these."""
        asked, since, deadline = -1, time.monotonic(), time.monotonic() + most
        while time.monotonic() - since < seconds:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the vendors are still asked after {most} s")
            asked_of = (await self.get(f"{self.ghl}/_sandbox/stats"))["budgets"]
            now = sum(number for budget, number in asked_of.items() if budget not in but)
            now += (await self.get(f"{self.lofty}/_sandbox/stats"))["requests"]
            if now != asked:
                asked, since = now, time.monotonic()
            await asyncio.sleep(0.05)

    async def ledger(self, vendor: str, after: int = 0) -> list[dict[str, Any]]:
        """Everything that a vendor was asked later than `after`."""
        found: list[dict[str, Any]] = []
        while rows := (await self.get(f"{vendor}/_sandbox/ledger", after=str(after), limit="5000"))["entries"]:
            found += rows
            after = rows[-1]["seq"]
        return found

    async def applied(self, since_ms: float) -> list[Receipt]:
        """The receipts of all that was applied and settled since then, as far as they stand now."""
        found = []
        for message in await read_topic(self.settings, self.names.of(RECEIPTS)):
            if message.key == FENCE_KEY or message.value is None:
                continue
            receipt = Receipt.from_bytes(message.value)
            if receipt.at_ms >= since_ms and receipt.outcome == "applied" and receipt.settled:
                found.append(receipt)
        return found

    async def settled(self, wanted: int, most: float = 120.0) -> tuple[list[Receipt], float]:
        """Read receipts until `wanted` of them are applied and settled; returns them and the time of the last."""
        topic = self.names.of(RECEIPTS)
        places = [TopicPartition(topic, number) for number in range(self.settings.kafka.partitions)]
        consumer = AIOKafkaConsumer(
            **client_options(self.settings), fetch_max_wait_ms=100, auto_offset_reset="earliest"
        )
        await consumer.start()
        found: list[Receipt] = []
        try:
            consumer.assign(places)
            async with asyncio.timeout(most):
                while len(found) < wanted:
                    # One look in half a second: reading costs the worker's cores, too.
                    await asyncio.sleep(0.5)
                    for messages in (await consumer.getmany(timeout_ms=50)).values():
                        receipts = (Receipt.from_bytes(one.value) for one in messages if one.key != FENCE_KEY)
                        found += [one for one in receipts if one.outcome == "applied" and one.settled]
        finally:
            await consumer.stop()
        return found, max(one.at_ms for one in found) / 1000


@asynccontextmanager
async def town(bootstrap: str, plan: Plan) -> AsyncIterator[Town]:
    """Set everything up, in silence, with as many leads as planned that GHL does not have yet."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-")))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        processes = stack.enter_context(ExitStack())
        ghl = Child("sandbox-ghl", _ghl_sandbox(plan), {}, folder, processes)
        lofty = Child("sandbox-lofty", _lofty_sandbox(plan), {}, folder, processes)
        ghl_url, lofty_url = await ghl.first_line(), await lofty.first_line()
        gateway_port, worker_port = free_port(), free_port()
        config = folder / "lofty-ghl.toml"
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        config.write_text(_config(plan, bootstrap, prefix, folder, gateway_port, worker_port, lofty_url, ghl_url))
        environ = _secrets(plan)
        settings = parse_settings(config.read_text(), environ, read_file=lambda path: "", source="bench")
        await create_missing(settings)
        known = await _seed(http, lofty_url, plan)
        arguments = ["--config", str(config), "--log-level", "warning"]
        ready_seconds: dict[str, float] = {}

        def start_worker(name: str) -> Child:
            module = "tests.bench.blind_worker" if plan.watched == "not at all" else "streams.cli"
            talk = ["--log-level", "info", "--log-format", "json"] if plan.watched == "fully" else []
            return Child(name, ["worker", *arguments, *talk, *plan.worker_options], environ, folder, processes, module)

        def start_gateway(name: str) -> Child:
            return Child(name, ["gateway", *arguments], environ, folder, processes)

        urls = (f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{worker_port}")
        began = time.monotonic()
        gateway = start_gateway("gateway")
        await gateway.until_ready(http, f"{urls[0]}/readyz")
        ready_seconds["gateway"] = time.monotonic() - began
        began = time.monotonic()
        worker = start_worker("worker")
        await worker.until_ready(http, f"{urls[1]}/readyz")
        ready_seconds["worker"] = time.monotonic() - began
        children = {one.name: one for one in (ghl, lofty, gateway, worker)}
        made = Town(
            http,
            settings,
            TopicNames(prefix),
            lofty_url,
            ghl_url,
            *urls,
            known,
            plan,
            start_worker,
            start_gateway,
            config,
            environ,
            children,
            ready_seconds,
        )
        await made.until_still()
        ready_seconds["still"] = time.monotonic() - began
        yield made
        if os.environ.get("BENCH_LOGS"):
            print((folder / "worker.log").read_text()[-4000:])


def run(bench: Coroutine[Any, Any, dict[str, Any]]) -> None:
    """Run one measurement as this process, and print what it found. A SIGTERM ends it in order, with its children."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(json.dumps(asyncio.run(bench)))


def processor_seconds(on: Town, child: str = "worker") -> float:
    """User and system time of the worker's process until now, or of another one's."""
    fields = Path(f"/proc/{on.children[child].pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def producer_of(settings: Settings) -> Any:
    """A started producer."""
    producer = new_producer(settings)
    await producer.start()
    return producer


async def _seed(http: aiohttp.ClientSession, lofty: str, plan: Plan) -> list[tuple[str, str]]:
    known = []
    people = make_leads(plan.leads)
    each = plan.leads // plan.pairs
    for number in range(plan.pairs):
        bare = [
            {k: v for k, v in one.items() if k not in ("notes", "tasks", "appointments", "tags")}
            for one in people[number * each : (number + 1) * each]
        ]
        body = {**make_team(), "leads": bare}
        async with http.post(f"{lofty}/_sandbox/seed", json=body, params={"team": plan.team(number)}) as answer:
            answer.raise_for_status()
            known += [(f"pair{number}", str(one["leadId"])) for one in (await answer.json())["leads"]]
    return known


def _ghl_sandbox(plan: Plan) -> list[str]:
    places = [f"--location=loc{n}=pit-{n}" for n in range(plan.pairs + plan.later)]
    window = [f"--limit={plan.ghl_limit}", f"--window={plan.ghl_window_seconds}"]
    return ["sandbox", "ghl", "--port=0", f"--latency={plan.ghl_latency_seconds}", *window, *places]


def _lofty_sandbox(plan: Plan) -> list[str]:
    teams = dict.fromkeys(f"--team={plan.team(n)}={plan.key(n)}" for n in range(plan.pairs + plan.later))
    return [
        "sandbox",
        "lofty",
        "--port=0",
        f"--latency={plan.lofty_latency_seconds}",
        f"--limit={plan.lofty_limit}",
        *teams,
    ]


def _secrets(plan: Plan) -> dict[str, str]:
    secrets = dict(plan.environ)
    for n in range(plan.pairs):
        secrets[f"LOFTY_GHL_PAIR{n}_LOFTY_API_KEY"] = plan.key(n)
        secrets[f"LOFTY_GHL_PAIR{n}_GHL_TOKEN"] = f"pit-{n}"
        secrets[f"LOFTY_GHL_PAIR{n}_WEBHOOK_SECRET"] = f"{SECRET}-{n}"
    return secrets


def _config(
    plan: Plan, bootstrap: str, prefix: str, folder: Path, gateway_port: int, worker_port: int, lofty: str, ghl: str
) -> str:
    head = f"""
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = 8
session_timeout_seconds = {plan.session_timeout_seconds}
[gateway]
host = "127.0.0.1"
port = {gateway_port}
public_url = "http://127.0.0.1:{gateway_port}"
[worker]
store = "rocksdb"
data_dir = {json.dumps(str(folder / "state"))}
port = {worker_port}
in_flight_per_location = {plan.in_flight_per_location}
in_flight_per_lofty_budget = {plan.in_flight_per_lofty_budget}
settle = "{plan.settle}"
"""
    return f"{head}{plan.more}" + "".join(
        f"""
[connections.pair{n}]
region = "US"
[connections.pair{n}.lofty]
team_id = "{plan.team(n)}"
base_url = "{lofty}"
requests_per_minute = {plan.lofty_limit or 1_000_000}
{'budget = "shared"' if plan.shares_lofty else ""}
[connections.pair{n}.ghl]
location_id = "loc{n}"
base_url = "{ghl}"
requests_per_window = {plan.ghl_limit or 1_000_000}
window_seconds = {plan.ghl_window_seconds}
"""
        for n in range(plan.pairs)
    )
