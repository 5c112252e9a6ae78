"""Receivers of notifications: a real SMTP server, and a webhook's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from streams.telemetry.endpoints import listen

RECIPIENTS = """
[notifications.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "sync@example.com"
[[notifications.recipients]]
name = "ops"
emails = ["ann@example.com", "bob@example.com"]
[[notifications.recipients]]
name = "chat"
webhook = true
"""
"""Two recipients, one of each sort. Needs `LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL`. What is added belongs to `chat`."""


@dataclass(slots=True)
class Mailbox:
    """What a mail server accepted. `is_frozen`: it takes connections and says nothing; `refuses`: what it answers instead of 250.

    `unknown` are addresses that it refuses; `knows_utf8`: addresses may have any letters.
    """

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    is_frozen: bool = False
    refuses: str = ""
    unknown: set[str] = field(default_factory=set)
    knows_utf8: bool = True
    attempts: int = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """An address of the message."""
        if address in self.unknown:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """A message, whole."""
        self.attempts += 1
        while self.is_frozen:  # the client has given up long before
            await asyncio.sleep(0.1)
        if self.refuses:
            return self.refuses
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.SMTPUTF8)
        self.letters.append(letter)
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        """The subjects, in the order in which they came."""
        return [str(one["Subject"]) for one in self.letters]


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server on a free port."""
    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="mail.test", loop=loop, enable_SMTPUTF8=box.knows_utf8), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        box.is_frozen = False
        server.close()
        await server.wait_closed()


@dataclass(slots=True)
class Hook:
    """What was posted to a webhook."""

    url: str = ""
    texts: list[str] = field(default_factory=list)
    status: int = 200
    refuses: str = "no_service"


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """A webhook's receiver, such as Slack's."""
    made = Hook()

    async def take(request: web.Request) -> web.Response:
        body: Any = await request.json()
        assert list(body) == ["text"]
        if made.status == 200:
            made.texts.append(body["text"])
        return web.Response(status=made.status, text="ok" if made.status == 200 else made.refuses)

    app = web.Application()
    app.router.add_post("/services/T0/B0/secret", take)
    runner, url = await listen(app, "127.0.0.1", 0)
    made.url = f"{url}/services/T0/B0/secret"
    try:
        yield made
    finally:
        await runner.cleanup()
