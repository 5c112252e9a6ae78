"""Delivers one message to one recipient: by e-mail, or to a webhook as `{"text": ...}`, which Slack and many others take.

A webhook that was set in the console is only posted to at a public address, unless the configuration allows others: whoever may set
one must not reach by it what is beside the gateway.

Each attempt ends within `ATTEMPT_SECONDS`, whatever the other side does, and at once when it is cancelled. What the other side
answers is kept short and without credentials (`quoting.py`).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
import orjson
from pydantic import SecretStr

from connectors.errors import ConnectorError, NotSent
from connectors.http.public_addresses import is_public
from connectors.http.request import Request
from connectors.http.transport import AiohttpTransport
from streams.core.moments import utc
from streams.operations.notifications.quoting import Quoting
from streams.settings import Settings
from streams.settings.notifications import Recipient, Smtp

ATTEMPT_SECONDS = 30.0


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

    def __init__(
        self,
        settings: Settings,
        *,
        pasted: Callable[[str], SecretStr | None] = lambda _: None,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        """`pasted` opens the webhook of a recipient of the console, by its name. Raises `Undelivered` where it cannot."""
        self._settings = settings
        self._pasted = pasted
        self._smtp = settings.notifications.smtp
        self._secrets = settings.notification_secrets
        self._quoting = Quoting(settings)
        self._attempt_seconds = attempt_seconds

    async def deliver(self, recipient: Recipient, letter: Letter) -> str:
        """Deliver once. Returns a note such as a refused address, mostly empty. Raises `Undelivered`."""
        try:
            async with asyncio.timeout(self._attempt_seconds):
                if recipient.webhook:
                    return await self._post(recipient, letter)
                return await self._mail(recipient, letter)
        except Undelivered:
            raise
        except TimeoutError:
            raise Undelivered(f"no answer within {self._attempt_seconds:g} s") from None
        except Exception as error:  # whatever it is concerns this recipient alone; the chain may quote a secret
            raise Undelivered(self._says(error)) from None

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
        try:
            await client.connect()
            able = await _able(client, recipient.emails)
            if not able:
                raise Undelivered(f"the mail server takes no such address: {', '.join(recipient.emails)}")
            refused, _ = await client.send_message(_email(smtp, able, letter))
            if isinstance(client.transport, asyncio.WriteTransport):
                client.transport.write(b"QUIT\r\n")
        finally:
            client.close()  # its good-bye is not waited for: one that hangs here has the message, or would hold up our end
        return _refused({**dict.fromkeys(set(recipient.emails) - set(able)), **refused})

    async def _post(self, recipient: Recipient, letter: Letter) -> str:
        url, quoting, may_connect = self._secrets.webhooks.get(recipient.name), self._quoting, None
        if url is None and (url := self._pasted(recipient.name)) is not None:
            quoting = Quoting(self._settings, [url])
            may_connect = None if self._settings.notifications.private_webhooks else is_public
        if url is None:
            raise Undelivered("the address of its webhook is not set")
        body = orjson.dumps({"text": f"*{letter.subject}*\n{letter.text}"})
        headers = {"Content-Type": "application/json", "X-Notification-Id": letter.id}
        try:
            async with AiohttpTransport(total_seconds=self._attempt_seconds, may_connect=may_connect) as transport:
                answer = await transport(Request("POST", url.get_secret_value(), headers, body))
        except NotSent:
            but = "" if may_connect is None else ", or is in a private network"
            raise Undelivered(f"the webhook's server cannot be reached{but}") from None
        except ConnectorError:
            raise Undelivered("the webhook's server did not answer") from None
        if not 200 <= answer.status < 300:
            says = quoting.text(answer.body.decode("utf-8", "replace"))
            raise Undelivered(f"the webhook answered {answer.status}{f': {says}' if says else ''}")
        return ""

    def _says(self, error: Exception) -> str:
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            return f"the mail server refused {_refused({one.recipient: one for one in error.recipients})}"
        is_from_server = isinstance(error, aiosmtplib.SMTPException | OSError)
        says = self._quoting.text(str(error)) if is_from_server else ""
        return f"the mail server: {says or type(error).__name__}"


async def _able(client: aiosmtplib.SMTP, emails: Sequence[str]) -> list[str]:
    """The addresses that the server can take: those with other letters than ASCII's only if it says so."""
    if all(one.isascii() for one in emails):
        return list(emails)
    with suppress(aiosmtplib.SMTPHeloError):
        await client.ehlo()
    return [one for one in emails if one.isascii() or client.supports_extension("smtputf8")]


def _refused(refused: Mapping[str, object]) -> str:
    if not refused:
        return ""
    code = next((one.code for one in refused.values() if hasattr(one, "code")), None)
    return f"{', '.join(sorted(refused))}{f' ({code})' if code else ''}"


def _email(smtp: Smtp, emails: Sequence[str], letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = f"lofty-ghl <{smtp.sender}>"
    message["To"] = ", ".join(emails)
    message["Date"] = format_datetime(utc(letter.at_ms))
    message["Message-ID"] = f"<{letter.id}@{smtp.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text + "\n")
    return message
