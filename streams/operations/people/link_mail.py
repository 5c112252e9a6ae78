"""Sends the link to set a password by to the person whom it is for, by the mail server of the notifications."""

from __future__ import annotations

from pydantic import ValidationError

from streams.operations.notifications.delivery import Delivery, Letter, Undelivered
from streams.operations.people.editor import LINK_HOURS
from streams.settings import Settings
from streams.settings.notifications import Recipient

ATTEMPT_SECONDS = 10.0
"""Somebody waits for the page that says whether it was sent."""


class LinkMail:
    """Possible where the configuration has a mail server, and the address at which the person reaches the gateway."""

    def __init__(self, settings: Settings, *, attempt_seconds: float = ATTEMPT_SECONDS) -> None:
        self._public_url = settings.gateway.public_url or ""
        self._has_server = settings.notifications.smtp is not None
        self._delivery = Delivery(settings, attempt_seconds=attempt_seconds)

    @property
    def is_possible(self) -> bool:
        """Whether a link can be sent at all."""
        return self._has_server and bool(self._public_url)

    async def send(self, mail_id: str, name: str, path: str, by: str, now_ms: int) -> None:
        """Send one, once. Raises `Undelivered`: the text says why."""
        if not self.is_possible:
            raise Undelivered("the configuration needs [notifications.smtp] and gateway.public_url for that")
        try:
            to = Recipient(name="invited", emails=[name])
        except ValidationError:
            raise Undelivered("the name is not an e-mail address") from None
        note = await self._delivery.deliver(to, letter(mail_id, self._public_url + path, by, now_ms))
        if note:
            raise Undelivered(f"the mail server refused {note}")


def letter(mail_id: str, link: str, by: str, now_ms: int) -> Letter:
    """The message."""
    text = (
        f"{by} gives you access to the console that keeps Lofty and GoHighLevel in step.\n\n"
        f"Set your password by this link. It works once, and for {LINK_HOURS // 24} days:\n{link}\n\n"
        "If you did not expect this, leave it: without the link nothing happens."
    )
    return Letter(mail_id, now_ms, "Your access to lofty-ghl", text)
