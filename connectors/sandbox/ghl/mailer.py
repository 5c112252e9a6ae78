"""The way of webhooks: each event gets its envelope and signature, and is delivered to the app's one address."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.ghl.signature import HEADER
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.ghl.settings import HookSettings, SandboxSettings
from connectors.sandbox.ghl.state import iso


@dataclass(frozen=True, slots=True)
class Delivery:
    """One signed body on its way, not before `wait_seconds` have passed."""

    body: bytes
    wait_seconds: float = 0.0


def signing_key(settings: SandboxSettings) -> Ed25519PrivateKey:
    """The key of a sandbox: its own, and the same for the same seed."""
    seed = blake2b(f"lofty-ghl sandbox {settings.seed}".encode(), digest_size=32).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(settings: SandboxSettings) -> str:
    """What the gateway must know of it, in PEM."""
    key = signing_key(settings).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class Mailer:
    """Delivers a sandbox's webhooks while it runs. `counts` tells of deliveries: delivered, given up and so on.

    The key is the sandbox's own, made from its seed; `public_key` is its PEM text.
    """

    def __init__(self, sandbox: GhlSandbox) -> None:
        self._sandbox = sandbox
        self._deliveries: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.Task[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget what is on its way and what was counted."""
        for one in self._deliveries:
            one.cancel()
        settings = self._sandbox.settings
        self._random = Random(settings.seed)
        self._slots = asyncio.Semaphore(settings.hooks.in_flight)
        self.key = signing_key(settings)
        self.counts: Counter[str] = Counter()

    @property
    def _settings(self) -> HookSettings:
        return self._sandbox.settings.hooks

    @property
    def public_key(self) -> str:
        """The key that the gateway must know, in PEM."""
        return public_key(self._sandbox.settings)

    @property
    def pending(self) -> int:
        """What is still to be told, and deliveries still on their way. 0: everything was heard, or given up."""
        return len(self._sandbox.outbox) + len(self._deliveries)

    async def start(self, _: web.Application | None = None) -> None:
        """Begin to deliver."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds))
        self._loop = asyncio.create_task(self._run())

    async def stop(self, _: web.Application | None = None) -> None:
        """Deliver no more; what is on its way is lost."""
        tasks = [*self._deliveries, *([self._loop] if self._loop else [])]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush_seconds)
            self.flush()

    def flush(self) -> None:
        """Send out what has happened since the last time."""
        happened, self._sandbox.outbox = self._sandbox.outbox, []
        for payload in happened:
            self._send_out(payload)

    def send(self, payload: dict[str, Any]) -> None:
        """Tell anything at once, signed: `INSTALL`, say, or what no change brings about."""
        self._send_out(payload)

    def _send_out(self, payload: dict[str, Any]) -> None:
        if self._settings.url is None:
            self.counts["unheard"] += 1
            return
        settings, random = self._settings, self._random
        if random.random() < settings.losses:
            self.counts["lost"] += 1
            return
        enveloped = {
            **payload,
            "timestamp": payload.get("timestamp") or iso(self._sandbox.now()),
            "webhookId": str(uuid.UUID(int=random.getrandbits(128), version=4)),
            "appId": "sandbox-app",
            "versionId": "sandbox-app",
        }
        if settings.nested:
            envelope = {
                n: enveloped.pop(n) for n in ("type", "timestamp", "webhookId", "appId", "versionId", "locationId")
            }
            enveloped = {**envelope, "data": enveloped}
        body = orjson.dumps(enveloped)
        copies = 2 if random.random() < settings.duplicates else 1
        for _ in range(copies):
            wait = random.random() * settings.delay_seconds
            if random.random() < settings.reorders:
                wait += random.random() * 5 * settings.flush_seconds
            self._deliver_later(Delivery(body, wait))

    def _deliver_later(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        if delivery.wait_seconds:
            await asyncio.sleep(delivery.wait_seconds)
        settings = self._settings
        for attempt in range(settings.attempts):
            if attempt:
                await asyncio.sleep(settings.retry_seconds)
            async with self._slots:
                status = await self._post(delivery)
            self.counts["requests"] += 1
            self.counts[f"answered {status}"] += 1
            if status is not None and 200 <= status < 300:
                self.counts["delivered"] += 1
                return
            if status != 429 and not settings.retries_all:
                break  # the oldest policy that GHL has published: nothing but 429 is tried again
        self.counts["given up"] += 1

    async def _post(self, delivery: Delivery) -> int | None:
        """The status of the answer, None when there was none."""
        if self._session is None or self._settings.url is None:
            return None
        signature = base64.b64encode(self.key.sign(delivery.body)).decode()
        headers = {"Content-Type": "application/json", HEADER: signature}
        try:
            async with self._session.post(self._settings.url, data=delivery.body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None
