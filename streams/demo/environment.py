"""Starts the demo's environment: broker, sandboxes, configuration, gateway and worker, each in its own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import aiohttp

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox.lofty.people import make_team
from streams.demo.dataset import AGENCIES
from streams.demo.processes import Child, free_port
from streams.kafka.embedded import EmbeddedBroker
from streams.messages.topics import TopicNames
from streams.settings import Settings, load_settings

PARTITIONS = 4
GHL_LIMIT, GHL_WINDOW_SECONDS = 100, 2.0
"""GHL's hundred requests, in scaled time: two seconds instead of ten."""
LOFTY_PER_MINUTE = 6000
LATENCY_SECONDS = 0.02
LISTS = (2, 9, 10, 11, 12)
PINGS = {"duplicates": 0.1, "reorders": 0.1, "delay_seconds": 0.3, "attempts": 50}


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """What runs: addresses, the configuration, and a session for the sandboxes' control APIs."""

    http: aiohttp.ClientSession
    folder: Path
    config: Path
    settings: Settings
    lofty: str
    ghl: str
    gateway: str
    worker: str

    async def get(self, url: str, **params: Any) -> Any:
        """JSON of a control API."""
        async with self.http.get(url, params=params) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def post(self, url: str, body: Any, **params: Any) -> Any:
        """Order something of a control API."""
        async with self.http.post(url, json=body, params=params) as answer:
            answer.raise_for_status()
            return await answer.json()


USER, PASSWORD = "demo", "demo-demo"
"""Who may sign in at the demo's console, here and in deploy/demo."""
PASSWORD_HASH = "$argon2id$v=19$m=32768,t=3,p=1$ZGVtby1zYWx0LW9mLTE2Yg$96d7PpErMiG+dYvtTrEPPlyYrGdRIxSOTn+y81NiGX0"


@asynccontextmanager
async def start_environment(folder: Path, *, with_console: bool = False) -> AsyncIterator[DemoEnvironment]:
    """Start everything, with a console in the gateway if asked for, subscribe the webhooks, and stop it at the end.

    Raises `DidNotStart` with the end of the log.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        broker = stack.enter_context(EmbeddedBroker())
        processes = stack.enter_context(ExitStack())  # after the broker: a worker that stops commits first
        ghl = Child("sandbox-ghl", _ghl_arguments(), {}, folder, processes)
        lofty = Child("sandbox-lofty", _lofty_arguments(), {}, folder, processes)
        ghl_url, lofty_url = await ghl.first_line(), await lofty.first_line()
        gateway_port, worker_port = free_port(), free_port()
        config = folder / "lofty-ghl.toml"
        text = _config(broker.bootstrap, gateway_port, worker_port, folder, lofty_url, ghl_url)
        config.write_text(text + (_console() if with_console else ""))
        environ = _secrets()
        settings = load_settings(config, environ)
        for name in TopicNames(settings.kafka.topic_prefix).specs():
            broker.create_topic(name, PARTITIONS)
        arguments = ["--config", str(config)]
        gateway = Child("gateway", ["gateway", *arguments], environ, folder, processes)
        worker = Child("worker", ["worker", *arguments, "--embedded-broker"], environ, folder, processes)
        environment = DemoEnvironment(
            http,
            folder,
            config,
            settings,
            lofty_url,
            ghl_url,
            f"http://127.0.0.1:{gateway_port}",
            f"http://127.0.0.1:{worker_port}",
        )
        await gateway.until_ready(http, f"{environment.gateway}/readyz")
        await worker.until_ready(http, f"{environment.worker}/readyz")
        await environment.post(f"{lofty_url}/_sandbox/reset", {"settings": {"pings": PINGS}})
        for agency in AGENCIES:
            await environment.post(f"{lofty_url}/_sandbox/seed", make_team(), team=str(agency.team))
        await _subscribe(environment)
        yield environment


async def _subscribe(environment: DemoEnvironment) -> None:
    async with AiohttpTransport() as transport:
        for agency in AGENCIES:
            client = LoftyClient(transport, StaticAuth("token", agency.lofty_key), base_url=environment.lofty)
            for number in LISTS:
                await client.create_subscription(number, f"{environment.gateway}/lofty/{agency.webhook_secret}")


def _ghl_arguments() -> list[str]:
    locations = [word for one in AGENCIES for word in ("--location", f"{one.location}={one.ghl_token}")]
    limits = ["--limit", str(GHL_LIMIT), "--window", str(GHL_WINDOW_SECONDS), "--latency", str(LATENCY_SECONDS)]
    return ["sandbox", "ghl", "--port", "0", *locations, *limits]


def _lofty_arguments() -> list[str]:
    teams = [word for one in AGENCIES for word in ("--team", f"{one.team}={one.lofty_key}")]
    limits = ["--limit", str(LOFTY_PER_MINUTE), "--latency", str(LATENCY_SECONDS)]
    return ["sandbox", "lofty", "--port", "0", *teams, *limits]


def _secrets() -> dict[str, str]:
    secrets = {}
    for one in AGENCIES:
        prefix = f"LOFTY_GHL_{one.name.upper()}"
        secrets[f"{prefix}_LOFTY_API_KEY"] = one.lofty_key
        secrets[f"{prefix}_GHL_TOKEN"] = one.ghl_token
        secrets[f"{prefix}_WEBHOOK_SECRET"] = one.webhook_secret
    secrets["LOFTY_GHL_CONSOLE_KEY"] = token_urlsafe(32)
    return secrets


def _console() -> str:
    return f"""
[console]
enabled = true

[[console.users]]
name = "{USER}"
role = "operator"
password_hash = "{PASSWORD_HASH}"
"""


def _config(bootstrap: str, gateway_port: int, worker_port: int, folder: Path, lofty: str, ghl: str) -> str:
    head = f"""# Written by `lofty-ghl demo`.
[kafka]
bootstrap_servers = "{bootstrap}"
partitions = {PARTITIONS}

[gateway]
host = "127.0.0.1"
port = {gateway_port}

[worker]
store = "memory"
data_dir = "{folder}"
port = {worker_port}
"""
    connections = [
        f"""
[connections.{one.name}]
region = "US"

[connections.{one.name}.lofty]
team_id = "{one.team}"
base_url = "{lofty}"
requests_per_minute = {LOFTY_PER_MINUTE}

[connections.{one.name}.ghl]
location_id = "{one.location}"
base_url = "{ghl}"
requests_per_window = {GHL_LIMIT}
window_seconds = {GHL_WINDOW_SECONDS}
"""
        for one in AGENCIES
    ]
    return head + "".join(connections)
