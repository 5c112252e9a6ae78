"""How many signed webhooks a second a gateway takes, with Kafka's acknowledgement before each answer.

The gateway is a process of its own, and so is what sends: requests are made beforehand, and answers read from plain sockets.
`bare` is the same load on a handler that only appends each body (`intake_bare.py`): no signature, no parsing.
What counts are the records that are in the topic at the end.

    python -m tests.bench.intake_stage gateway|bare BOOTSTRAP REQUESTS
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from streams.demo.percentiles import percentile
from streams.kafka.admin import create_missing
from streams.messages.topics import CHANGES, GHL_CHANGES, TopicNames
from streams.settings import parse_settings

CONNECTIONS = 32
BURST_ITEMS = 5000
SECRET = "a-secret-of-the-bench-1234"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = 4
[gateway]
host = "127.0.0.1"
port = {port}
[gateway.ghl]
public_keys = ['''{key}''']
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "loc"
"""


async def intake(kind: str, bootstrap: str, requests: int) -> dict[str, Any]:
    """The most that goes in, the latency at half of that, and a burst in one body."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as folder:
        port, prefix = _free_port(), f"bench-{uuid.uuid4().hex[:8]}."
        pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        config = Path(folder) / "lofty-ghl.toml"
        config.write_text(CONFIG.format(bootstrap=bootstrap, prefix=prefix, port=port, key=pem))
        settings = parse_settings(config.read_text())
        await create_missing(settings)
        names = TopicNames(prefix)
        warm_up = requests // 10
        # Each body is sent once: the gateway answers a repeat with 200 and appends nothing.
        bodies = [_request(number) for number in range(warm_up + 2 * requests)]
        async with _server(kind, config, port, bootstrap, names.of(GHL_CHANGES)):
            await _all_at_once(port, bodies[:warm_up])
            began = time.perf_counter()
            await _all_at_once(port, bodies[warm_up:-requests])
            rate = requests / (time.perf_counter() - began)
            latencies = await _paced(port, bodies[-requests:][: int(rate / 2) * 8], rate / 2)
            found: dict[str, Any] = {"rate": rate}
            if kind == "gateway":
                began = time.perf_counter()
                await _all_at_once(port, [_burst()])
                found["burst_seconds"] = time.perf_counter() - began
        sent = warm_up + requests + len(latencies)
        in_topic = await _count(bootstrap, names.of(GHL_CHANGES))
        assert in_topic == sent, f"{sent} were answered with 200, {in_topic} are in the topic"
        if kind == "gateway":
            assert await _count(bootstrap, names.of(CHANGES)) == BURST_ITEMS
        p50, p99 = (percentile(latencies, percent) * 1000 for percent in (50, 99))
        return {**found, "half_p50_ms": p50, "half_p99_ms": p99, "in_topic": in_topic}


def _request(number: int) -> bytes:
    body = json.dumps(
        {
            "type": "NoteCreate",
            "locationId": "loc",
            "id": f"note-{number}",
            "contactId": f"contact-{number % 997}",
            "body": "said on the telephone, about the house with the garden " * 4,
            "timestamp": int(time.time() * 1000),
            "webhookId": f"hook-{number}",
        }
    ).encode()
    return _post("/ghl/webhooks", body, f"X-GHL-Signature: {base64.b64encode(KEY.sign(body)).decode()}\r\n")


def _burst() -> bytes:
    items = [{"leadId": 10**15 + number, "updateTime": 1736935860000} for number in range(BURST_ITEMS)]
    return _post(f"/lofty/{SECRET}", json.dumps({"teamId": 1, "listId": 2, "updatedLead": items}).encode(), "")


def _post(path: str, body: bytes, headers: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Line:
    """One kept connection."""

    async def open(self, port: int) -> _Line:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def ask(self, request: bytes) -> None:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readuntil(b"}")
        assert b" 200 " in head[:20], head


async def _all_at_once(port: int, requests: list[bytes]) -> None:
    """As fast as it goes, over `CONNECTIONS` lines."""
    todo = iter(requests)

    async def work() -> None:
        line = await _Line().open(port)
        for request in todo:
            await line.ask(request)

    await asyncio.gather(*(work() for _ in range(min(CONNECTIONS, len(requests)))))


async def _paced(port: int, requests: list[bytes], rate: float) -> list[float]:
    """At a fixed rate; the latency of each counts from when it was due, so that waiting counts, too."""
    idle = [await _Line().open(port) for _ in range(CONNECTIONS * 4)]
    latencies: list[float] = []
    began = time.perf_counter()

    async def send(line: _Line, request: bytes, due: float) -> None:
        await line.ask(request)
        idle.append(line)
        latencies.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / rate
            if (wait := due - time.perf_counter()) > 0.001:
                await asyncio.sleep(wait)
            while not idle:
                await asyncio.sleep(0.001)
            group.create_task(send(idle.pop(), request, due))
    return latencies


@asynccontextmanager
async def _server(kind: str, config: Path, port: int, bootstrap: str, topic: str) -> AsyncIterator[None]:
    command = {
        "gateway": ("-m", "streams.cli", "gateway", "--config", str(config), "--log-level", "error"),
        "bare": ("-m", "tests.bench.intake_bare", bootstrap, topic, str(port)),
    }[kind]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env={**os.environ, "LOFTY_GHL_ACME_WEBHOOK_SECRET": SECRET}
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        await process.wait()


async def _count(bootstrap: str, topic: str) -> int:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(list(consumer.assignment()))).values())
    finally:
        await consumer.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(intake(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
