"""Recipients of messages that are set in the console: taken over without a restart, sealed, scoped, and gone with what they were of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.auth.keyring import KeyRing
from connectors.sandbox.shared.faults import parse_fault
from streams.console.server import ConsoleServer
from streams.core.scheduling import pauses
from streams.gateway.server import GatewayServer
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions
from streams.messages.recipient_edit import RecipientEdit, about_webhook
from streams.messages.topics import NOTIFICATIONS
from streams.oauth.grants import Grants
from streams.oauth.key_rotation import rotate_keys
from streams.operations.connection_edits.editor import ConnectionEditor
from streams.operations.connection_edits.follow_up import finish_removal
from streams.operations.notifications.recipient_editor import RecipientEditor, recipients_on_topic
from streams.operations.notifications.recipient_rules import RecipientFacts
from streams.settings.password_hashes import token_hash
from tests.integration.console import Caller, caller, console_on_stage
from tests.integration.edited_connections import KEYS, NEXT, settings_of
from tests.integration.mailbox import hook, mailbox
from tests.integration.stage import Stage
from tests.kafka.broker import Broker

BOSS, GUEST = "lgt_the-admins-token", "lgt_who-sees-one-connection"
WHO = f"""
[[console.tokens]]
name = "boss"
role = "admin"
hash = "{token_hash(BOSS)}"
[[console.tokens]]
name = "guest"
role = "operator"
connections = ["acme"]
hash = "{token_hash(GUEST)}"
"""
QUICK = """
[notifications]
after_seconds = 2
group_seconds = 1
private_webhooks = true
[notifications.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "sync@example.com"
[[notifications.recipients]]
name = "of-the-file"
emails = ["file@example.com"]
"""
SEALED = {"environ": {"LOFTY_GHL_TOKEN_KEYS": KEYS}}

pytestmark = pytest.mark.in_make_test


def facts(label: str, **more: Any) -> dict[str, Any]:
    """The body of a recipient of `acme`."""
    return {"label": label, "connections": ["acme"], **more}


async def kept(on: Stage) -> dict[bytes, bytes]:
    """What the topic keeps of recipients, once it is compacted."""
    found = await newest_values(on.settings, on.names.of(NOTIFICATIONS))
    return {key: value for key, value in found.items() if key.startswith(b"recipient/")}


async def add(who: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """A recipient that was added."""
    status, found = await who.ask("POST", "/notifications/recipients", body)
    assert status == 200, found
    return dict(found)


async def listed(who: Caller) -> set[str]:
    """The labels of the recipients that somebody sees."""
    return {one["label"] for one in (await who.get("/notifications"))["recipients"]}


async def test_who_is_set_in_the_console_is_sent_messages_without_a_restart(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two gateways one sends, whichever took the edit; a change counts for the next message; a removal leaves nothing sealed."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    async with mailbox() as box, hook() as chat:
        config = WHO + QUICK.format(port=box.port).partition("[[notifications")[0]
        async with console_on_stage(embedded_kafka, tmp_path, more=config, **SEALED) as on:
            console = on.settings.console.model_copy(update={"data_dir": str(tmp_path / "other")})
            settings = on.settings.model_copy(update={"console": console})
            async with GatewayServer(settings, console=ConsoleServer) as other:
                who, there = caller(on), caller(on, url=other.url)
                made = await add(there, facts("sales chat", webhook_url=chat.url))

                async def is_known_and_sent() -> bool:
                    return await listed(who) == {"sales chat"} and (await who.get("/notifications"))["sends_here"]

                await on.until(is_known_and_sent)
                assert (await who.ask("POST", "/notifications/test", {"recipient": made["name"]}))[0] == 200
                assert len(chat.texts) == 1
                on.lofty.faults.add(parse_fault({"kind": "revoke"}))
                on.new_lead()
                await on.until(lambda: len(chat.texts) > 1)
                at = f"/notifications/recipients/{made['name']}"
                by_mail = facts("Ann", emails=["ann@example.com"], expected_version=1)
                changed, stale = await who.ask("PUT", at, by_mail), await there.ask("PUT", at, by_mail)
                sealed = list(await kept(on))
                on.lofty.faults.clear()
                await on.until(lambda: box.letters)
                await on.until_quiet()
                seen = str(await who.get("/notifications")) + str(await who.get("/audit"))
                removed = await who.ask("POST", f"{at}/remove", {"expected_version": 2})
                left = list((await kept(on)).values())
                nobody = await listed(who)
    assert (changed[0], changed[1]["version"], stale[0]) == (200, 2, 409)
    assert len(sealed) == 1, "what was sealed before is deleted"
    assert [text.partition("\n")[0] for text in chat.texts[1:]] == ["*acme: Lofty refuses our access*"]
    assert box.subjects == ["Solved: acme: Access to Lofty is back"]
    assert "secret" not in seen
    assert (removed[0], nobody) == (200, set())
    [gone] = map(RecipientEdit.from_bytes, left)
    assert (gone.is_removed, gone.webhook_sealed, gone.emails, gone.label) == (True, "", (), "")


async def test_who_may_set_whom_and_who_sees_whom(embedded_kafka: Broker, tmp_path: Path) -> None:
    """All connections: admins. One: whoever may act on it, who neither sees nor touches the others'."""
    config = WHO + QUICK.format(port=1)
    async with console_on_stage(embedded_kafka, tmp_path, more=config, **SEALED) as on:
        boss, robot, guest = (caller(on, token=one) for one in (BOSS, caller(on).token, GUEST))
        mail = {"emails": ["ann@example.com"]}
        of_all = await add(boss, {**facts("everything", **mail), "connections": None})
        of_acme = await add(guest, facts("the owner", **mail))
        new = "/notifications/recipients"
        refused = [
            (await robot.ask("POST", new, {**facts("x", **mail), "connections": None}))[0],
            (await guest.ask("POST", new, {**facts("x", **mail), "connections": None}))[0],
            (await guest.ask("POST", new, {**facts("x", **mail), "connections": ["beta"]}))[0],
            (await robot.ask("POST", f"{new}/{of_all['name']}/remove", {"expected_version": 1}))[0],
            (await guest.ask("POST", f"{new}/{of_all['name']}/remove", {"expected_version": 1}))[0],
            (await guest.ask("POST", "/notifications/test", {"recipient": of_all["name"]}))[0],
            (await guest.ask("POST", "/notifications/test", {"recipient": "of-the-file"}))[0],
            (await robot.ask("POST", f"{new}/of-the-file/remove", {"expected_version": 1}))[0],
        ]
        seen = [await listed(one) for one in (boss, guest)]
        changed = await guest.ask(
            "PUT", f"{new}/{of_acme['name']}", facts("the owner", **mail, reports="broke", expected_version=1)
        )
    assert refused == [403, 403, 404, 403, 404, 404, 404, 404]
    assert seen == [{"of-the-file", "everything", "the owner"}, {"the owner"}]
    assert changed[0] == 200


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"webhook_url": "http://hooks.example.com/secret"}, "webhook_url"),
    ({"webhook_url": "https://10.0.0.1/secret"}, "webhook_url"),
    ({"webhook_url": "https://[::1]/secret"}, "webhook_url"),
    ({"webhook_url": "https://user:secret@hooks.example.com/"}, "webhook_url"),
    ({"webhook_url": "secret"}, "webhook_url"),
    ({"webhook_url": "https://hooks.example.com/secret", "time_zone": "Mars"}, "time_zone"),
    ({"webhook_url": "https://hooks.example.com/secret", "quiet_begin": "21:00"}, "quiet"),
    ({"emails": ["ann@example.com"]}, "emails"),
    ({}, "emails"),
)


async def test_what_is_wrong_is_said_without_the_address(embedded_kafka: Broker, tmp_path: Path) -> None:
    """No mail server, a private network, no https, nothing at all."""
    async with console_on_stage(embedded_kafka, tmp_path, **SEALED) as on:
        who = caller(on)
        answers = [await who.ask("POST", "/notifications/recipients", facts("x", **body)) for body, _ in WRONG]
        left = await kept(on)
    found = [(status, {one["where"] for one in body["faults"]}) for status, body in answers]
    assert found == [(422, {where}) for _, where in WRONG]
    assert ("secret" in str(answers), left) == (False, {})


async def test_the_removal_of_a_connection_leaves_none_of_its_recipients(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is cut short between the removal of a recipient and the deletion of what was sealed: 0 secrets are left."""
    async with console_on_stage(embedded_kafka, tmp_path, more=WHO, **SEALED) as on:
        boss = caller(on, token=BOSS)
        await on.gateway.__aexit__(None, None, None)  # it would do the work itself
        async with MappingVersions(on.settings) as versions:
            editor = ConnectionEditor(versions)
            await editor.add("beta", settings_of(on), by="ann")
            async with recipients_on_topic(on.settings) as recipients:
                for label, of in (("owner", ("beta",)), ("both", ("acme", "beta")), ("acme", ("acme",))):
                    url = f"https://hooks.example.com/{label}"
                    await recipients.add(_facts(label, url, of), "ann")
            removing = await editor.remove("beta", expected_version=1, by="ann")

            with monkeypatch.context() as patch:

                async def killed(_: RecipientEditor) -> None:
                    raise ConnectionError("killed")

                patch.setattr(RecipientEditor, "tidy", killed)
                with pytest.raises(ConnectionError):
                    await finish_removal(versions, removing)
            await finish_removal(versions, removing)
        left = [RecipientEdit.from_bytes(value) for value in (await kept(on)).values()]
        await on.gateway.__aenter__()
        boss = caller(on, token=BOSS)
        seen = {one["label"]: one["connections"] for one in (await boss.get("/notifications"))["recipients"]}
    assert seen == {"acme": ["acme"], "both": ["acme"]}
    assert sorted((one.label, bool(one.webhook_sealed)) for one in left) == [
        ("", False),
        ("acme", True),
        ("both", True),
    ]


def _facts(label: str, url: str, of: tuple[str, ...]) -> RecipientFacts:
    return RecipientFacts(label, webhook_url=SecretStr(url), connections=of)


async def test_webhooks_are_sealed_again_under_a_new_key(embedded_kafka: Broker, tmp_path: Path) -> None:
    """And what was sealed under the old one is deleted."""
    async with console_on_stage(embedded_kafka, tmp_path, **SEALED) as on:
        made = await add(caller(on), facts("chat", webhook_url="https://hooks.example.com/T0"))
        secrets = on.settings.oauth_secrets.model_copy(update={"token_keys": _keys()})
        settings = on.settings.model_copy(update={"oauth_secrets": secrets})
        found = await rotate_keys(Grants(settings, settings.key_ring))
        [only] = map(RecipientEdit.from_bytes, (await kept(on)).values())
    assert [one.partition("/")[2].partition("/")[0] for one in found.resealed] == [made["name"]]
    ring = KeyRing.of(NEXT)
    assert ring.open(only.webhook_sealed, about=about_webhook(made["name"])) == b"https://hooks.example.com/T0"
    assert only.number == 2


def _keys() -> Any:
    return SecretStr(f"{NEXT},{KEYS}")
