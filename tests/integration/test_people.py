"""People and programs get access, change and lose it, through pages, API and command line, on a broker."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from streams.console.server import ConsoleServer
from streams.gateway.server import GatewayServer
from streams.messages.topics import PEOPLE, SWEEPS_TABLE, TOKENS, TOKENS_TABLE, TopicNames
from streams.settings.password_hashes import token_hash
from tests.integration.command import command, config_of
from tests.integration.console import CONSOLE_ENVIRON, Caller, caller, console_on_stage, until_indexed
from tests.integration.mailbox import RECIPIENTS, mailbox
from tests.integration.stage import PARTITIONS, Stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import Browser

KEYS = {"LOFTY_GHL_TOKEN_KEYS": "202601:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
ROOTS = "lgt_the-token-of-root"
ADMIN = f"""
[[console.tokens]]
name = "root"
role = "admin"
hash = "{token_hash(ROOTS)}"
"""


def browser(on: Stage, http: aiohttp.ClientSession) -> Browser:
    """A browser at the stage's gateway."""
    return Browser(on.gateway.url, http)


def jar() -> aiohttp.ClientSession:
    """A browser's cookies."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def post(who: Browser, path: str, page: str, **form: str) -> tuple[int, str]:
    """Send a form of a page as a browser does; status, and the text or where it leads."""
    _, text, _ = await who.ask("GET", page)
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None, text
    headers = {"Origin": who.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    data = urlencode({"csrf": found[1], **form})
    async with who.http.post(who.url + path, data=data, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "") or await answer.text()


async def join(on: Stage, path: str, password: str) -> tuple[int, str]:
    """Set a password by a one-time link."""
    async with jar() as http:
        who = browser(on, http)
        link = path.partition("link=")[2]
        return await post(who, "/console/welcome", path, link=link, new=password, again=password)


async def version(root: Caller, name: str, kind: str = "people") -> int:
    """The version of an account."""
    (found,) = [one for one in (await root.get("/people"))[kind] if one["name"] == name]
    return int(found["version"])


async def test_a_person_is_invited_works_and_loses_access(embedded_kafka: Broker, tmp_path: Path) -> None:
    """By a link that is good once; role, scope and end of access count from the next request on; nothing secret is on the topic."""
    async with console_on_stage(embedded_kafka, tmp_path, more=ADMIN) as on, jar() as http:
        root = caller(on, token=ROOTS)
        status, made = await root.ask("POST", "/people", {"name": "nora@example.com", "role": "viewer"})
        assert status == 200
        assert (await root.ask("POST", "/people", {"name": "nora@example.com", "role": "viewer"}))[0] == 422
        nora = browser(on, http)
        assert await nora.sign_in("nora@example.com", "") == 422
        assert await nora.sign_in("nora@example.com", "the first password") == 401
        assert (await join(on, made["path"], "short"))[0] == 422
        assert await join(on, made["path"], "the first password") == (303, "/console/sign-in")
        again = await join_refused(on, made["path"])
        assert again == 401
        assert await nora.sign_in("nora@example.com", "the first password") == 200
        _, me, _ = await nora.ask("GET", "/api/v1/session")
        assert (me["role"], me["connections"]) == ("viewer", None)
        assert (await nora.ask("GET", "/api/v1/people"))[0] == 403

        seen = await version(root, "nora@example.com")
        change = {"role": "operator", "connections": ["acme"], "expected_version": seen}
        assert (await root.ask("PUT", "/people/nora@example.com", change))[0] == 200
        assert (await root.ask("PUT", "/people/nora@example.com", change))[0] == 409
        unknown = {**change, "connections": ["nobody"]}
        assert (await root.ask("PUT", "/people/nora@example.com", unknown))[0] == 422
        _, me, _ = await nora.ask("GET", "/api/v1/session")
        assert (me["role"], me["connections"]) == ("operator", ["acme"])
        assert (await nora.ask("GET", "/api/v1/notifications"))[0] == 403

        status, where = await post(
            nora, "/console/account/password", "/console/account", password="wrong", new="x" * 12, again="x" * 12
        )
        assert (status, "until now is wrong" in where) == (422, True)
        form = {"password": "the first password", "new": "the second password", "again": "the second password"}
        assert (await post(nora, "/console/account/password", "/console/account", **form))[0] == 303
        assert (await nora.ask("GET", "/api/v1/overview"))[0] == 401
        assert await nora.sign_in("nora@example.com", "the first password") == 401
        assert await nora.sign_in("nora@example.com", "the second password") == 200

        body = {"expected_version": await version(root, "nora@example.com")}
        assert (await root.ask("POST", "/people/nora@example.com/disable", body))[0] == 200
        assert (await nora.ask("GET", "/api/v1/overview"))[0] == 401
        assert await nora.sign_in("nora@example.com", "the second password") == 401

        records = b"".join(await on.records(PEOPLE))
        for secret in ("first password", "second password", made["path"].partition("link=")[2]):
            assert secret.encode() not in records


async def join_refused(on: Stage, path: str) -> int:
    """The status of a link that is none."""
    async with jar() as http:
        status, _, _ = await browser(on, http).ask("GET", path)
        return status


async def test_a_token_is_limited_ends_and_is_revoked(embedded_kafka: Broker, tmp_path: Path) -> None:
    """It is shown once, and named in the audit by what it did."""
    async with console_on_stage(embedded_kafka, tmp_path, more=ADMIN) as on:
        root = caller(on, token=ROOTS)
        body = {"name": "nightly", "role": "operator", "connections": ["acme"], "days": 1}
        status, made = await root.ask("POST", "/tokens", body)
        assert status == 200
        nightly = caller(on, token=made["token"])
        _, me = await nightly.ask("GET", "/session")
        assert (me["name"], me["via"], me["connections"]) == ("nightly", "token", ["acme"])
        assert (await nightly.ask("GET", "/people"))[0] == 403
        assert (await root.ask("POST", "/tokens", {**body, "name": "unused"}))[0] == 200
        found = await root.get("/people")
        used = {one["name"]: one["used_ms"] for one in found["programs"]}
        assert (used["unused"], used["nightly"] >= found["used_since_ms"], used["root"] > 0) == (None, True, True)
        assert made["token"].encode() not in b"".join(await on.records(PEOPLE))
        status, _ = await root.ask(
            "POST", "/tokens/nightly/revoke", {"expected_version": await version(root, "nightly", "programs")}
        )
        assert status == 200
        assert (await nightly.ask("GET", "/backfills"))[0] == 401


async def test_the_last_admin_stays(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Neither removed, nor disabled, nor made something else; with a second one, they may go."""
    async with console_on_stage(embedded_kafka, tmp_path, more=ADMIN) as on:
        root = caller(on, token=ROOTS)
        for name in ("ada", "ben"):
            _, made = await root.ask("POST", "/people", {"name": name, "role": "admin"})
            if name == "ada":
                assert (await join(on, made["path"], "a long password"))[0] == 303
        for act in ("disable", "remove"):
            body = {"expected_version": await version(root, "ada")}
            status, problem = await root.ask("POST", f"/people/ada/{act}", body)
            assert (status, "the last admin" in problem["detail"]) == (409, True)
        body = {"role": "viewer", "expected_version": await version(root, "ada")}
        assert (await root.ask("PUT", "/people/ada", body))[0] == 409
        assert (await join(on, made["path"], "a long password"))[0] == 303
        body = {"expected_version": await version(root, "ada")}
        assert (await root.ask("POST", "/people/ada/remove", body))[0] == 200
        assert [one["name"] for one in (await root.get("/people"))["people"] if one["managed"] == "console"] == ["ben"]


async def test_a_link_is_sent_by_email_and_is_shown_whatever_comes_of_it(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """By API and page; a mail server that refuses, or a name that is no address, costs nobody the link."""
    async with mailbox() as box:
        more = ADMIN + RECIPIENTS.format(port=box.port)
        environ = {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": "http://127.0.0.1:9/hook"}
        async with console_on_stage(embedded_kafka, tmp_path, more=more, environ=environ) as on, jar() as http:
            root, ada = caller(on, token=ROOTS), browser(on, http)
            person = {"name": "ada@example.com", "role": "admin", "mail": True}
            status, made = await root.ask("POST", "/people", person)
            assert (status, made["is_mailed"], made["not_mailed"]) == (200, True, "")
            (sent,) = box.letters
            text = sent.get_content()
            assert (sent["To"], "robot" in text or "root" in text) == ("ada@example.com", True)
            assert f"https://hooks.example.com{made['path']}\n" in text.replace("\r", "")
            assert (await join(on, made["path"], "a long password"))[0] == 303
            assert await ada.sign_in("ada@example.com", "a long password") == 200

            _, nobody = await root.ask("POST", "/people", {"name": "ben", "role": "viewer", "mail": True})
            assert (nobody["is_mailed"], nobody["not_mailed"]) == (False, "the name is not an e-mail address")
            assert await join_refused(on, nobody["path"]) == 200
            box.unknown.add("cyd@example.com")
            form = {"name": "cyd@example.com", "role": "viewer", "sees": "all", "mail": "yes"}
            status, page = await post(ada, "/console/people/invite", "/console/people", **form)
            assert (status, "It was not sent: the mail server refused cyd@example.com (550)" in page) == (200, True)
            (link,) = re.findall(r"(/console/welcome\?link=[\w-]+)<", page)
            assert await join_refused(on, link) == 200
            box.unknown.clear()
            act = {"name": "cyd@example.com", "version": str(await version(root, "cyd@example.com"))}
            status, page = await post(ada, "/console/people/act", "/console/people", do="reset-mail", **act)
            assert (status, "Sent to cyd@example.com" in page, len(box.letters)) == (200, True, 2)
            await until_indexed(on, root)

            async def is_audited() -> bool:
                acts = (await root.get("/audit", limit=100))["acts"]
                found = {(one["about"]["person"], one["outcome"]) for one in acts if one["action"] == "person mail"}
                cyd, bens = "cyd@example.com", ("ben", "failed")
                return found == {("ada@example.com", "done"), bens, (cyd, "failed"), (cyd, "done")}

            await on.until(is_audited)


async def test_an_admin_works_on_the_page(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Invites by a link that the page shows, limits, resets and removes; what contradicts itself gives nobody anything."""
    async with console_on_stage(embedded_kafka, tmp_path, more=ADMIN) as on, jar() as http:
        root, ada = caller(on, token=ROOTS), browser(on, http)
        _, made = await root.ask("POST", "/people", {"name": "ada", "role": "admin"})
        assert (await join(on, made["path"], "a long password"))[0] == 303
        assert await ada.sign_in("ada", "a long password") == 200
        form = {"name": "ben", "role": "viewer", "sees": "all", "of": "acme"}
        status, text = await post(ada, "/console/people/invite", "/console/people", **form)
        assert (status, "both were chosen" in text) == (422, True)
        status, text = await post(ada, "/console/people/invite", "/console/people", **{**form, "sees": "some"})
        assert status == 200
        (link,) = re.findall(r"https://hooks\.example\.com(/console/welcome\?link=[\w-]+)<", text)
        (ben,) = [one for one in (await root.get("/people"))["people"] if one["name"] == "ben"]
        assert (ben["state"], ben["connections"]) == ("invited", ["acme"])
        act = {"name": "ben", "version": str(ben["version"])}
        status, text = await post(ada, "/console/people/act", "/console/people", do="reset", **act)
        (other,) = re.findall(r"(/console/welcome\?link=[\w-]+)<", text)
        assert (await join_refused(on, link), await join_refused(on, other)) == (401, 200)
        status, text, _ = await ada.ask("GET", "/console/people/remove?name=ben")
        assert (status, "Remove ben?" in text) == (200, True)
        act["version"] = str(await version(root, "ben"))
        assert await post(ada, "/console/people/act", "/console/people", do="remove", **act) == (303, "/console/people")
        assert await join_refused(on, other) == 401
        assert (await ada.ask("GET", "/console/account"))[0] == 200
        assert (await post(ada, "/console/account/sign-out", "/console/account"))[0] == 303
        assert (await ada.ask("GET", "/console/people"))[0] == 303


async def test_the_command_line_edits_people_and_the_audit_has_it(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edit counts in the running gateway, and is in its audit under the same name as the console's; what is secret is not."""
    for name, value in CONSOLE_ENVIRON.items():
        monkeypatch.setenv(name, value)
    async with console_on_stage(embedded_kafka, tmp_path, more=ADMIN) as on, jar() as http:
        root, config = caller(on, token=ROOTS), config_of(on, tmp_path)
        made = await command("people invite nora", config, "--role", "operator")
        assert made[0] == 0, made
        link = made[1].strip().removeprefix("https://hooks.example.com")

        async def is_invited() -> bool:
            return "nora" in str(await root.get("/people"))

        await on.until(is_invited)  # the gateway reads what another process wrote a moment later
        assert (await join(on, link, "the first password"))[0] == 303
        nora = browser(on, http)
        assert await nora.sign_in("nora", "the first password") == 200

        changed = await command("people change nora", config, "--connection", "acme")
        assert changed == (0, "nora is now operator, and sees acme\n", "")

        async def is_changed() -> bool:
            _, me, _ = await nora.ask("GET", "/api/v1/session")
            return (me["role"], me["connections"]) == ("operator", ["acme"])

        await on.until(is_changed)
        changed = await command("people change nora", config, "--role", "viewer", "--all-connections")
        assert changed == (0, "nora is now viewer, and sees all connections\n", "")
        code, _, complaint = await command("people change nora", config, "--connection", "acme", "--all-connections")
        assert (code, "got both" in complaint) == (2, True)
        code, _, complaint = await command("people change nobody", config, "--role", "viewer")
        assert (code, "There is no person 'nobody'" in complaint) == (1, True)

        async def is_out() -> bool:
            return (await nora.ask("GET", "/api/v1/overview"))[0] == 401

        assert (await nora.ask("GET", "/api/v1/overview"))[0] == 200
        assert await command("people sign-out nora", config) == (0, "nora is signed out\n", "")
        await on.until(is_out)
        assert await nora.sign_in("nora", "the first password") == 200
        assert await command("people remove nora", config, "--yes") == (0, "nora is removed\n", "")
        await on.until(is_out)
        assert (await command("people remove nora", config, "--yes"))[0] == 1

        await until_indexed(on, root)
        acts = (await root.get("/audit", limit=100))["acts"]
        by_command = [(one["action"], one["outcome"]) for one in reversed(acts) if one["via"] == "command"]
        assert by_command == [
            *(("person invite", "done"), ("person change", "done"), ("person change", "done")),
            *(("person sign-out", "done"), ("person remove", "done"), ("person remove", "failed")),
        ]
        assert link.partition("link=")[2] not in str(acts)


@pytest.mark.parametrize(
    ("name", "is_table"), [(PEOPLE, False), (TOKENS, False), (TOKENS_TABLE, True), (SWEEPS_TABLE, True)]
)
async def test_a_gateway_that_cannot_read_what_it_follows_says_so_until_it_can(
    name: str, is_table: bool, embedded_kafka: Broker, tmp_path: Path
) -> None:
    """In its status, and as a metric: nobody else would know that invited people cannot sign in there, or what is old on its pages."""
    async with console_on_stage(embedded_kafka, tmp_path, environ=KEYS) as on:
        prefix = f"nobody-{on.names.prefix}"
        kafka = on.settings.kafka.model_copy(update={"topic_prefix": prefix})
        settings = on.settings.model_copy(update={"kafka": kafka})
        specs = TopicNames(prefix).specs()
        missing = TopicNames(prefix).changelog(name) if is_table else TopicNames(prefix).of(name)
        on.broker.create_topics({topic: spec for topic, spec in specs.items() if topic != missing})
        async with GatewayServer(settings, console=ConsoleServer) as gateway:

            async def unread() -> float:
                async with on.http.get(f"{gateway.url}/metrics") as answer:
                    text = await answer.text()
                found = re.search(rf'lofty_ghl_topic_unread_seconds{{topic="{name}"}} (\S+)', text)
                assert found is not None, text
                assert 'lofty_ghl_topic_unread_seconds{topic="mappings"} 0.0' in text
                return float(found[1])

            async def is_unread() -> bool:
                return await unread() > 0

            async def is_read() -> bool:
                return await unread() == 0

            await on.until(is_unread)
            assert list(gateway.condition.unread) == [name]
            on.broker.create_topic(missing, PARTITIONS, specs[missing])
            await on.until(is_read)
            assert gateway.condition.unread == {}
