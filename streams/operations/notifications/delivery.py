"""Delivers one message to one recipient: by e-mail, or to a webhook as `{"text": ...}`, which Slack and many others take.

Each attempt ends within `ATTEMPT_SECONDS`, whatever the other side does. What it answers is kept short and without addresses of
webhooks, which are credentials.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
import orjson

from connectors.errors import ConnectorError, NotSent
from connectors.http.error_texts import error_texts
from connectors.http.request import Request
from connectors.http.transport import AiohttpTransport
from streams.core.moments import utc
from streams.settings import Settings
from streams.settings.notifications import Recipient, Smtp
from streams.settings.secrets import secret_values
from streams.telemetry.logs import Redaction

ATTEMPT_SECONDS = 30.0
QUIT_SECONDS = 2.0
"""How long a server may take to say good-bye once it has accepted the message."""


class Undelivered(Exception):
    """The other side did not take a message; the text says why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is delivered. `id` is the same each time that it is tried."""

    id: str
    at_ms: int
    subject: str
    text: str


Deliver = Callable[[Recipient, Letter], Awaitable[str]]
"""Delivers a message; returns a note about what was not as usual. Raises `Undelivered`."""


class Delivery:
    """Delivers with the settings and secrets of a deployment."""

    def __init__(self, settings: Settings, *, attempt_seconds: float = ATTEMPT_SECONDS) -> None:
        self._smtp = settings.notifications.smtp
        self._secrets = settings.notification_secrets
        self._redact = Redaction(secret_values(settings))
        self._attempt_seconds = attempt_seconds

    async def deliver(self, recipient: Recipient, letter: Letter) -> str:
        """Deliver once. Returns a note such as a refused address, mostly empty. Raises `Undelivered`."""
        try:
            async with asyncio.timeout(self._attempt_seconds):
                if recipient.webhook:
                    return await self._post(recipient, letter)
                return await self._mail(recipient, letter)
        except TimeoutError:
            raise Undelivered(f"no answer within {self._attempt_seconds:g} s") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Undelivered(self._says(error)) from error

    async def _mail(self, recipient: Recipient, letter: Letter) -> str:
        smtp, password = self._smtp, self._secrets.smtp_password
        if smtp is None:
            raise Undelivered("the configuration has no table [notifications.smtp]")
        client = aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.username,
            password=password.get_secret_value() if smtp.username and password else None,
            use_tls=smtp.security == "tls",
            start_tls=smtp.security == "starttls",
            timeout=self._attempt_seconds,
            local_hostname=socket.gethostname(),  # the default asks a name server, and blocks meanwhile
        )
        await client.connect()
        try:
            refused, _ = await client.send_message(_email(smtp, recipient, letter))
        finally:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(QUIT_SECONDS):
                    await client.quit()
            client.close()
        return self._refused(refused)

    async def _post(self, recipient: Recipient, letter: Letter) -> str:
        url = self._secrets.webhooks.get(recipient.name)
        if url is None:
            raise Undelivered("the address of its webhook is not set")
        body = orjson.dumps({"text": f"*{letter.subject}*\n{letter.text}"})
        headers = {"Content-Type": "application/json", "X-Notification-Id": letter.id}
        try:
            async with AiohttpTransport(total_seconds=self._attempt_seconds) as transport:
                answer = await transport(Request("POST", url.get_secret_value(), headers, body))
        except NotSent:
            raise Undelivered("the webhook's server cannot be reached") from None
        except ConnectorError:
            raise Undelivered("the webhook's server did not answer") from None
        if not 200 <= answer.status < 300:
            [says] = error_texts([answer.body[:200].decode("utf-8", "replace")])
            raise Undelivered(f"the webhook answered {answer.status}: {self._redact.text(says)}"[:200])
        return ""

    def _says(self, error: Exception) -> str:
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            return f"the mail server refused {self._refused({one.recipient: one for one in error.recipients})}"
        [says] = error_texts([str(error)])
        return f"the mail server: {self._redact.text(says)}" if says else f"the mail server: {type(error).__name__}"

    def _refused(self, refused: Mapping[str, object]) -> str:
        if not refused:
            return ""
        code = next((getattr(one, "code", None) for one in refused.values()), None)
        return f"{', '.join(sorted(refused))}{f' ({code})' if code else ''}"


def _email(smtp: Smtp, recipient: Recipient, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = f"lofty-ghl <{smtp.sender}>"
    message["To"] = ", ".join(recipient.emails)
    message["Date"] = format_datetime(utc(letter.at_ms))
    message["Message-ID"] = f"<{letter.id}@{smtp.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text + "\n")
    return message
