"""Being notified: access that is revoked and comes back, a gateway that is killed in between, a mail server that is frozen."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox.shared.faults import parse_fault
from streams.console.server import ConsoleServer
from streams.core.scheduling import pauses
from streams.gateway.server import GatewayServer
from tests.integration.console import caller, console_on_stage
from tests.integration.mailbox import hook, mailbox
from tests.kafka.broker import Broker

QUICK = """
[notifications]
after_seconds = 2
group_seconds = 1
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
connections = ["acme"]
"""


@pytest.mark.in_make_test
async def test_revoked_access_is_reported_and_its_end_too(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By e-mail and webhook, once each; a second gateway says nothing, and takes over without repeating anything."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    async with mailbox() as box, hook() as chat:
        environ = {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": chat.url}
        async with console_on_stage(embedded_kafka, tmp_path, more=QUICK.format(port=box.port), environ=environ) as on:
            console = on.settings.console.model_copy(update={"data_dir": str(tmp_path / "other")})
            settings = on.settings.model_copy(update={"console": console})
            async with GatewayServer(settings, console=ConsoleServer) as other:
                who = caller(on, url=other.url)
                fault = parse_fault({"kind": "revoke"})
                on.lofty.faults.add(fault)
                on.new_lead()
                await on.until(lambda: box.letters and chat.texts)
                await on.gateway.__aexit__(None, None, None)

                async def has_taken_over() -> bool:
                    return bool((await who.get("/notifications"))["sends_here"])

                await on.until(has_taken_over, 90)
                on.lofty.faults.clear()
                await on.until(lambda: len(box.letters) > 1 and len(chat.texts) > 1)
                await on.until_quiet()
                found = await who.get("/notifications")
                await on.gateway.__aenter__()
        assert box.subjects == ["acme: Lofty refuses our access", "Solved: acme: Access to Lofty is back"]
        assert [text.partition("\n")[0] for text in chat.texts] == [f"*{subject}*" for subject in box.subjects]
        first = box.letters[0]
        assert str(first["To"]) == "ann@example.com, bob@example.com"
        assert "What to do: Connect Lofty again" in first.get_content()
        ops = next(one for one in found["recipients"] if one["name"] == "ops")
        assert [one["subject"] for one in ops["sent"]] == list(reversed(box.subjects))
        assert ops["open_problems"] == 0
