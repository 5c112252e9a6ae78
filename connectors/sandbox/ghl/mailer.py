"""Delivers webhooks: each event gets its envelope and signature, and goes to the app's one address."""

from __future__ import annotations

import base64
import uuid
from hashlib import blake2b
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.ghl.oauth import app_id_of
from connectors.ghl.signature import HEADER
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.ghl.settings import GhlSandboxSettings, HookSettings
from connectors.sandbox.ghl.state import iso
from connectors.sandbox.shared.mailer import Mailer

_ENVELOPE = ("type", "timestamp", "webhookId", "appId", "versionId", "locationId")


def signing_key(settings: GhlSandboxSettings) -> Ed25519PrivateKey:
    """The private key of a sandbox: its own, and the same for the same seed."""
    seed = blake2b(f"lofty-ghl sandbox {settings.seed}".encode(), digest_size=32).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(settings: GhlSandboxSettings) -> str:
    """The public key of a sandbox, in PEM: what the gateway must know."""
    key = signing_key(settings).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class WebhookMailer(Mailer):
    """Delivers a sandbox's webhooks, signed with its key, while it runs."""

    def __init__(self, sandbox: GhlSandbox) -> None:
        self._sandbox = sandbox
        super().__init__()

    def reset(self) -> None:
        """Forget the deliveries on their way, and the counts."""
        super().reset()
        self.key = signing_key(self._sandbox.settings)

    @property
    def _settings(self) -> HookSettings:
        return self._sandbox.settings.hooks

    @property
    def _seed(self) -> int:
        return self._sandbox.settings.seed

    @property
    def _unsent(self) -> int:
        return len(self._sandbox.outbox)

    def _is_delivered(self, status: int | None) -> bool:
        return status is not None and 200 <= status < 300

    def _is_retried(self, status: int | None) -> bool:
        # The oldest policy that GHL has published: nothing but 429 is tried again.
        return status == 429 or self._settings.retries_all

    def flush(self) -> None:
        """Send what has happened since the last flush."""
        payloads, self._sandbox.outbox = self._sandbox.outbox, []
        for payload in payloads:
            self.send(payload)

    def send(self, payload: dict[str, Any]) -> None:
        """Send any payload at once, signed: `INSTALL`, say, or one that no change causes."""
        url = self._settings.url
        if url is None:
            self.counts["unheard"] += 1
            return
        clients = self._sandbox.settings.clients
        app = app_id_of(clients[0].id) if clients else "sandbox-app"
        enveloped = {
            **payload,
            "timestamp": payload.get("timestamp") or iso(self._sandbox.now()),
            "webhookId": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "appId": payload.get("appId") or app,
            "versionId": app,
        }
        if self._settings.nested:
            envelope = {name: enveloped.pop(name) for name in _ENVELOPE if name in enveloped}
            enveloped = {**envelope, "data": enveloped}
        body = orjson.dumps(enveloped)
        self._send_by_chance(url, body, {HEADER: base64.b64encode(self.key.sign(body)).decode()})
