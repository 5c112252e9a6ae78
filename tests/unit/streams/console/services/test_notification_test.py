"""The test message of API and page: who may, what is answered, what the audit log says, and no credential in any of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streams.messages.notification import NotificationTest
from tests.deadlines import within
from tests.integration.mailbox import RECIPIENTS, Hook, Mailbox, hook, mailbox
from tests.unit.streams.console.stage import TOKENS, ConsoleStage, console_stage, settings_of


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[ConsoleStage, Mailbox, Hook]]:
    """A console with two recipients whose servers are real."""
    async with mailbox() as box, hook() as chat:
        environ = {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": chat.url}
        async with console_stage(settings_of(RECIPIENTS.format(port=box.port), environ)) as on:
            yield on, box, chat


async def send(on: ConsoleStage, recipient: str, token: str = "robot") -> tuple[int, Any]:
    """Ask for a test message."""
    headers = {"Authorization": f"Bearer {TOKENS[token]}"}
    status, body, _ = await on.browser().ask(
        "POST", "/api/v1/notifications/test", body={"recipient": recipient}, headers=headers
    )
    return status, body


def written(on: ConsoleStage) -> list[NotificationTest]:
    """The results that are kept."""
    values = [one.value or b"" for one in on.batching_producer.records if one.topic == "notifications"]
    return [NotificationTest.from_bytes(value) for value in values]


async def test_a_test_message_is_delivered_answered_kept_and_in_the_audit_log() -> None:
    async with stage() as (on, box, chat):
        box.unknown = {"bob@example.com"}
        assert await send(on, "ops") == (
            200,
            {"recipient": "ops", "subject": "lofty-ghl: test message", "note": "bob@example.com (550)", "label": "ops"},
        )
        assert (await send(on, "chat"))[0] == 200
        assert box.subjects == ["lofty-ghl: test message"]
        assert len(chat.texts) == 1
        assert [(one.recipient, one.by, one.error, one.note) for one in written(on)] == [
            ("ops", "robot", "", "bob@example.com (550)"),
            ("chat", "robot", "", ""),
        ]
        done = [one for one in on.acts() if one.outcome == "done"]
        assert [(one.who, one.action, one.about, one.detail) for one in done] == [
            ("robot", "notification test", {"recipient": "ops"}, "delivered, but not to bob@example.com (550)"),
            ("robot", "notification test", {"recipient": "chat"}, "delivered"),
        ]


async def test_why_a_test_message_was_not_delivered_is_answered_without_the_address_that_it_quotes() -> None:
    async with stage() as (on, _, chat):
        chat.status, chat.refuses = 404, "no such hook: /services/T0/B0/secret"
        status, body = await send(on, "chat")
        why = "the webhook answered 404: no such hook: [hidden]"
        assert (status, body["detail"]) == (503, f"The test message to chat was not delivered: {why}.")
        assert [one.error for one in written(on)] == [why]
        assert [one.outcome for one in on.acts()] == ["begun", "failed"]
        assert not any(b"secret" in (one.value or b"") for one in on.batching_producer.records)


async def test_a_recipient_that_does_not_exist_is_not_found_and_a_viewer_may_not() -> None:
    async with stage() as (on, box, _):
        status, body = await send(on, "nobody")
        assert (status, body["detail"]) == (404, "There is no recipient 'nobody': the page Notifications names them.")
        assert (await send(on, "ops", token="looker"))[0] == 403
        assert (await send(on, ""))[0] in {400, 404, 422}
        assert box.letters == []
        assert [one for one in on.acts() if one.action == "notification test" and one.outcome == "done"] == []


async def test_the_end_of_a_gateway_gives_up_a_test_message_whose_server_hangs() -> None:
    """Its request is answered, so the end does not wait for the server."""
    async with stage() as (on, box, _):
        box.is_frozen = True
        asking = asyncio.create_task(send(on, "ops"))
        async with asyncio.timeout(within(10)):
            while not box.attempts:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(within(5)):
            await on.console.services.notifications.stop()
            status, body = await asking
        assert status == 503
        assert body["detail"] == "The test message to ops was not delivered: this gateway is being stopped."
