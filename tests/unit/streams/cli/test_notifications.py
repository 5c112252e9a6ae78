"""`lofty-ghl notifications test`: each recipient by itself, exit codes, and no credential in what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.root import app
from streams.operations.notifications import delivery
from streams.operations.notifications.delivery import Letter, Undelivered
from streams.settings.notifications import Recipient
from tests.integration.mailbox import RECIPIENTS
from tests.unit.streams.console.stage import CONFIG, KEY

URL = "http://127.0.0.1:1/services/T0/B0/zzzzzz"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with two recipients."""
    monkeypatch.setenv("LOFTY_GHL_CONSOLE_KEY", KEY)
    monkeypatch.setenv("LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL", URL)
    path = tmp_path / "lofty-ghl.toml"
    path.write_text(CONFIG + RECIPIENTS.format(port=1))
    return path


def run(config: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    result = CliRunner().invoke(app, ["notifications", "test", "--config", str(config), *arguments])
    return result.exit_code, result.output


def test_each_recipient_has_a_line_and_one_that_fails_keeps_no_other_from_its_message(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str]] = []

    async def deliver(_: object, to: Recipient, letter: Letter) -> str:
        sent.append((to.name, letter.subject))
        if to.name == "ops":
            raise Undelivered("the mail server: try later")
        return "bob@example.com (550)"

    monkeypatch.setattr(delivery.Delivery, "deliver", deliver)
    code, out = run(config)
    assert (code, out.splitlines()) == (
        1,
        ["ops: not delivered: the mail server: try later", "chat: delivered, but not to bob@example.com (550)"],
    )
    assert sent == [("ops", "lofty-ghl: test message"), ("chat", "lofty-ghl: test message")]
    sent.clear()
    code, out = run(config, "--to", "chat", "--json")
    assert (code, [name for name, _ in sent]) == (0, ["chat"])
    assert json.loads(out) == [{"recipient": "chat", "is_delivered": True, "why": "", "note": "bob@example.com (550)"}]


def test_what_cannot_be_reached_is_said_without_its_address(config: Path) -> None:
    code, out = run(config)
    assert code == 1
    assert "chat: not delivered: the webhook's server cannot be reached" in out
    assert "ops: not delivered: the mail server: " in out
    assert "zzz" not in out


def test_a_recipient_that_does_not_exist_is_wrong_usage(config: Path) -> None:
    code, out = run(config, "--to", "nobody")
    assert (code, "there is no recipient 'nobody': the configuration has ops, chat" in out) == (2, True)
    config.write_text(CONFIG)
    code, out = run(config)
    assert (code, "there is no recipient: the configuration has none in [notifications]" in out) == (2, True)
