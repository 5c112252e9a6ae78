"""Delivery to a real mail server and a real webhook's receiver, and what is said where they do not take a message."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from streams.operations.notifications.delivery import Delivery, Letter, Undelivered
from streams.settings import parse_settings
from streams.settings.notifications import Recipient
from tests.deadlines import within
from tests.integration.mailbox import hook, mailbox
from tests.unit.streams.console.stage import CONFIG, KEY

LETTER = Letter("id-1", 1_800_000_000_000, "acme: Lofty refuses our access", "Since 14:05.")


def delivery(
    port: int, environ: Mapping[str, str] | None = None, emails: str = '"ann@example.com"', attempt_seconds: float = 1.0
) -> tuple[Delivery, Recipient, Recipient]:
    """Delivery, a recipient by e-mail and one by webhook."""
    text = f"""
[notifications.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "sync@example.com"
[[notifications.recipients]]
name = "ops"
emails = [{emails}]
[[notifications.recipients]]
name = "chat"
webhook = true
"""
    settings = parse_settings(CONFIG + text, {"LOFTY_GHL_CONSOLE_KEY": KEY, **(environ or {})})
    ops, chat = settings.notifications.recipients
    return Delivery(settings, attempt_seconds=attempt_seconds), ops, chat


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


PASSWORD = "open&sesame/2"


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        "open&amp;sesame/2",
        "open%26sesame%2F2",
        b64encode(PASSWORD.encode()).decode(),
        b64encode(b"\0\0" + PASSWORD.encode()).decode(),
    ],
)
@pytest.mark.parametrize("at", [0, 170, 3995])
async def test_a_password_that_the_mail_server_repeats_is_in_no_error(form: str, at: int) -> None:
    """Neither as it is, nor as it was sent, nor as far as the text is shown."""
    async with mailbox() as box:
        send, ops, _ = delivery(box.port, {"LOFTY_GHL_SMTP_PASSWORD": PASSWORD})
        box.refuses = f"535 5.7.8 {'. ' * (at // 2)}you said {form} to me"
        with pytest.raises(Undelivered, match="mail server") as caught:
            await send.deliver(ops, LETTER)
    assert not any(part in str(caught.value) for part in (form, form[:8])), caught.value
    assert caught.value.__cause__ is None
    assert len(str(caught.value)) < 260


async def test_a_password_of_few_letters_is_hidden_as_a_word() -> None:
    async with mailbox() as box:
        send, ops, _ = delivery(box.port, {"LOFTY_GHL_SMTP_PASSWORD": "abc"})
        box.refuses = "535 wrong password abc, abcd is another"
        with pytest.raises(Undelivered, match=r"wrong password \[hidden\], abcd"):
            await send.deliver(ops, LETTER)


@pytest.mark.parametrize(
    "says",
    [
        "{url} is not known",
        "no route for POST /services/T0/B0/secret",
        "no token secret?key=the-second-one",
        "channel the-second-one is archived",
        "X" * 180 + " /services/T0/B0/secret",
        '{{"path": "%2Fservices%2FT0%2FB0%2Fsecret"}}',
    ],
)
async def test_a_webhook_that_repeats_its_address_has_it_in_no_error(says: str) -> None:
    """Nor the parts by which somebody could post there."""
    async with hook() as chat:
        url = f"{chat.url}?key=the-second-one"
        send, _, to = delivery(1, {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": url})
        chat.status, chat.refuses = 403, says.format(url=url)
        with pytest.raises(Undelivered, match="the webhook answered 403: ") as caught:
            await send.deliver(to, LETTER)
    assert not any(part in str(caught.value) for part in ("/services", "%2Fservices", "secret", "the-second-one"))


async def test_an_attempt_that_is_cancelled_ends_at_once_though_the_server_hangs() -> None:
    """It does not say good-bye first: the end of a gateway would wait for that."""
    async with mailbox() as box:
        send, ops, _ = delivery(box.port, attempt_seconds=within(600))
        box.is_frozen = True
        sending = asyncio.create_task(send.deliver(ops, LETTER))
        async with asyncio.timeout(within(10)):
            while not box.attempts:
                await asyncio.sleep(0.01)
        sending.cancel()
        async with asyncio.timeout(within(1.5)):
            with contextlib.suppress(asyncio.CancelledError):
                await sending


async def test_an_address_that_the_server_cannot_take_does_not_keep_the_others_from_theirs() -> None:
    """One that it refuses, and one with letters that it does not know; the note names both."""
    async with mailbox() as box:
        box.unknown = {"bob@example.com"}
        box.knows_utf8 = False
        send, ops, _ = delivery(box.port, emails='"ann@example.com", "bob@example.com", "jörg@example.com"')
        assert await send.deliver(ops, LETTER) == "bob@example.com, jörg@example.com (550)"
        assert [letter["To"] for letter in box.letters] == ["ann@example.com, bob@example.com"]
        send, ops, _ = delivery(box.port, emails='"jörg@example.com"')
        with pytest.raises(Undelivered, match=r"takes no such address: jörg@example\.com"):
            await send.deliver(ops, LETTER)


async def test_a_server_that_knows_them_is_sent_to_addresses_of_all_letters() -> None:
    async with mailbox() as box:
        send, ops, _ = delivery(box.port, emails='"jörg@example.com"')
        assert await send.deliver(ops, LETTER) == ""
    assert [letter["To"] for letter in box.letters] == ["jörg@example.com"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_a_webhook_of_the_console_reaches_no_private_network(host: str) -> None:
    """However its address is written: nothing is sent, and the error names no part of it."""
    async with hook() as chat:
        url = SecretStr(chat.url.replace("127.0.0.1", host))
        settings = parse_settings(CONFIG, {"LOFTY_GHL_CONSOLE_KEY": KEY})
        send, to = Delivery(settings, pasted=lambda _: url, attempt_seconds=2), Recipient(name="made", webhook=True)
        with pytest.raises(Undelivered, match=r"in a private network|did not answer") as caught:
            await send.deliver(to, LETTER)
    assert (chat.texts, "secret" in str(caught.value)) == ([], False)


async def test_a_webhook_of_the_console_reaches_a_private_network_where_the_file_allows_it() -> None:
    """And what its server repeats of its address is hidden."""
    async with hook() as chat:
        settings = parse_settings(CONFIG + "[notifications]\nprivate_webhooks = true\n", {"LOFTY_GHL_CONSOLE_KEY": KEY})
        send, to = Delivery(settings, pasted=lambda _: SecretStr(chat.url)), Recipient(name="made", webhook=True)
        await send.deliver(to, LETTER)
        assert len(chat.texts) == 1
        chat.status, chat.refuses = 404, "no such hook: /services/T0/B0/secret"
        with pytest.raises(Undelivered, match=r"no such hook: \[hidden\]"):
            await send.deliver(to, LETTER)
