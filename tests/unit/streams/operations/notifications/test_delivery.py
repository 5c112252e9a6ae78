"""Delivery to a real mail server and a real webhook's receiver, and what is said where they do not take a message."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from streams.operations.notifications.delivery import Delivery, Letter, Undelivered
from streams.settings import parse_settings
from streams.settings.notifications import Recipient
from tests.integration.mailbox import hook, mailbox
from tests.unit.streams.console.stage import CONFIG, KEY

LETTER = Letter("id-1", 1_800_000_000_000, "acme: Lofty refuses our access", "Since 14:05.")


def delivery(port: int, environ: Mapping[str, str] | None = None) -> tuple[Delivery, Recipient, Recipient]:
    """Delivery, a recipient by e-mail and one by webhook."""
    text = f"""
[notifications.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "sync@example.com"
[[notifications.recipients]]
name = "ops"
emails = ["ann@example.com"]
[[notifications.recipients]]
name = "chat"
webhook = true
"""
    settings = parse_settings(CONFIG + text, {"LOFTY_GHL_CONSOLE_KEY": KEY, **(environ or {})})
    return Delivery(settings, attempt_seconds=1.0), *settings.notifications.recipients  # type: ignore[return-value]


async def test_an_email_arrives_with_an_id_that_stays() -> None:
    async with mailbox() as box:
        send, ops, _ = delivery(box.port)
        assert await send.deliver(ops, LETTER) == ""
    [letter] = box.letters
    assert (letter["To"], letter["Message-ID"]) == ("ann@example.com", "<id-1@example.com>")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().strip() == "Since 14:05."


async def test_a_mail_server_that_refuses_hangs_or_is_not_there_is_an_undelivered_message() -> None:
    async with mailbox() as box:
        send, ops, _ = delivery(box.port)
        box.refuses = "451 try later"
        with pytest.raises(Undelivered, match="try later"):
            await send.deliver(ops, LETTER)
        box.is_frozen = True
        with pytest.raises(Undelivered, match=r"no answer|[Tt]imed out"):
            await send.deliver(ops, LETTER)
    with pytest.raises(Undelivered, match="mail server"):
        await send.deliver(ops, LETTER)


async def test_a_webhook_gets_one_text_and_its_address_is_in_no_error() -> None:
    async with hook() as chat:
        send, _, to = delivery(1, {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": chat.url})
        await send.deliver(to, LETTER)
        chat.status = 404
        with pytest.raises(Undelivered, match="answered 404: no_service"):
            await send.deliver(to, LETTER)
    assert chat.texts == ["*acme: Lofty refuses our access*\nSince 14:05."]
    with pytest.raises(Undelivered) as caught:
        await send.deliver(to, LETTER)
    assert "secret" not in str(caught.value)
