"""Connections are added, changed and removed through the API while everything runs: no process is restarted by hand."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka.errors import KafkaConnectionError

from connectors.auth.token_pair import TokenPair
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions, settings_now
from streams.messages import Change, Entity
from streams.messages.connection_edit import SealedCredential, about_credential
from streams.messages.ghl_event import GhlEvent
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import CONNECTIONS, GHL_CHANGES, LINKS_TABLE, TOKENS, TOKENS_TABLE
from streams.oauth import key_rotation
from streams.oauth.grants import Grants
from streams.oauth.key_rotation import rotate_keys
from streams.oauth.token_records import newest_tokens
from streams.operations.connection_edits import follow_up
from streams.operations.connection_edits.editor import ConnectionEditor
from streams.settings import Settings, parse_settings
from streams.worker.wiring.uninstalled_apps import UNINSTALLED
from tests.integration.command import command
from tests.integration.console import CONSOLE_ENVIRON, caller
from tests.integration.edited_connections import (
    API_KEY,
    KEYS,
    NEXT,
    OTHER_LOCATION,
    OTHER_TEAM,
    TOKEN,
    Visitor,
    credentials,
    names,
    new_connection,
    new_lead,
    on_duty,
    other_team,
    settings_of,
    two_accounts,
    until_served,
)
from tests.integration.stage import ENVIRON
from tests.kafka.broker import Broker


async def test_a_connection_is_added_changed_and_removed_while_everything_runs(
    real_kafka: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its leads are in GHL, it is subscribed at Lofty, a stale edit is refused, and its removal leaves nothing but the contacts."""
    async with two_accounts(real_kafka, tmp_path) as (on, supervisor, who):
        new_lead(on, "Ada")
        status, added = await who.ask("POST", "/connections", new_connection(on))
        assert (status, added["version"], added["needs"], added["managed"]) == (200, 1, [], "console")
        await until_served(on, supervisor, "acme", "beta")
        new_lead(on, "Bob")
        await on.until(lambda: {"Bob"} <= names(on))
        await on.until(lambda: len(other_team(on).subscriptions) == 5)
        listed = await who.get("/connections")
        settings = settings_of(on, policies={"lead_deleted": "ignore"})
        body = {"settings": settings, "expected_version": 1}
        changed = await who.ask("PUT", "/connections/beta/settings", body)
        stale = await who.ask("PUT", "/connections/beta/settings", body)
        wrong = await who.ask(
            "PUT", "/connections/beta/settings", {"settings": {"region": "XX"}, "expected_version": 2}
        )
        of_file = await who.ask("PUT", "/connections/acme/settings", body)
        paused = await who.ask("POST", "/connections/beta/pause", {"expected_version": 2})
        await on.until(lambda: bool(on_duty(supervisor).connections["beta"].paused))
        on_hold = new_lead(on, "Eve")
        busy = on.new_lead()
        await on.until(lambda: busy in on.contacts())
        held = "Eve" not in names(on)
        paused_as = {one["name"]: one["state"] for one in await who.get("/connections")}
        resumed = await who.ask("POST", "/connections/beta/resume", {"expected_version": 3})
        await on.until(lambda: "Eve" in names(on))
        kept = await credentials(on)
        removed = await who.ask("POST", "/connections/beta/remove", {"expected_version": 4})
        await until_served(on, supervisor, "acme")
        await on.until(lambda: not other_team(on).subscriptions)

        async def is_gone() -> bool:
            return (await who.ask("GET", "/connections/beta/settings"))[0] == 404

        await on.until(is_gone)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())

        assert [(one["name"], one["managed"], one["state"]) for one in listed] == [
            ("acme", "file", "in use"),
            ("beta", "console", "in use"),
        ]
        assert (changed[0], changed[1]["version"]) == (200, 2)
        assert (stale[0], "meanwhile robot saved version 2" in stale[1]["detail"]) == (409, True)
        assert (wrong[0], {one["where"] for one in wrong[1]["faults"]}) == (
            422,
            {"connections.beta.region", "connections.beta.lofty", "connections.beta.ghl"},
        )
        assert (of_file[0], "configuration file" in of_file[1]["detail"]) == (422, True)
        assert (paused[0], resumed[0], held, on_hold != "") == (200, 200, True, True)
        assert paused_as == {"acme": "in use", "beta": "paused"}
        assert len(kept) == 3
        assert (removed[0], removed[1]["is_removing"]) == (200, True)
        assert await credentials(on) == set()
        assert names(on) == {"Ada", "Bob", "Eve"}
        assert not any(secret in caplog.text for secret in (API_KEY, TOKEN))
        audit = str(await who.get("/audit"))
        assert ("connection add" in audit, API_KEY in audit, TOKEN in audit) == (True, False, False)


class Unannounced(MappingVersions):
    """Edits that are on the topic, and that nobody has announced to the worker yet."""

    async def changed_since(self, revision: int) -> int:
        """Nothing is announced."""
        await asyncio.Event().wait()
        return revision


@pytest.mark.parametrize("first", ["a change", "an event"])
async def test_what_comes_before_a_worker_knows_its_connection_is_not_parked(
    broker: Broker, tmp_path: Path, first: str
) -> None:
    """The worker reads the edits to their end before it calls a connection unknown, and serves it from then on."""
    async with two_accounts(broker, tmp_path, follows=Unannounced) as (on, supervisor, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        lead, now_ms = new_lead(on, "Ada"), time.time_ns() // 1_000_000
        known = dict(on_duty(supervisor).connections)
        if first == "a change":
            times = {"update_time_ms": now_ms, "accepted_ms": now_ms}
            change = Change(connection="beta", lead=lead, kind="contact", id=lead, operation="created", **times)
            await on.produce_change(change)
            await on.until(lambda: names(on) == {"Ada"})
        else:
            event = GhlEvent(type="UNINSTALL", location=OTHER_LOCATION, id="app", at_ms=now_ms, accepted_ms=now_ms)
            at = partition_of(ghl_budget(OTHER_LOCATION), on.settings.kafka.partitions)
            await on.produce(GHL_CHANGES, event.lane.encode(), event.to_bytes(), at=at)
            key = f"{UNINSTALLED}{OTHER_LOCATION}"
            await on.until(lambda: on.worker.tables.events.get(at, key) is not None)

        assert list(known) == ["acme"]
        assert list(on_duty(supervisor).connections) == ["acme", "beta"]
        assert (await on.parked(), supervisor.count) == ([], 1)


class Unreadable(Unannounced):
    """Edits that cannot be read for a while, as while Kafka is away."""

    tries = 0
    is_readable = False

    async def read_to_now(self) -> Settings:
        """Not now."""
        type(self).tries += 1
        if not self.is_readable:
            raise KafkaConnectionError
        return await super().read_to_now()


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_change_waits_while_the_edits_cannot_be_read(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    """It is not parked, and written once they can be read. A worker that stops meanwhile does so in order (the stage checks that)."""
    monkeypatch.setattr(Unreadable, "tries", 0)
    async with two_accounts(embedded_kafka, tmp_path, follows=Unreadable) as (on, _, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        lead, now_ms = new_lead(on, "Ada"), time.time_ns() // 1_000_000
        times = {"update_time_ms": now_ms, "accepted_ms": now_ms}
        await on.produce_change(
            Change(connection="beta", lead=lead, kind="contact", id=lead, operation="created", **times)
        )
        await on.until(lambda: Unreadable.tries >= 2)
        waiting = (await on.parked(), names(on))
        if comes_back:
            monkeypatch.setattr(Unreadable, "is_readable", True)
            await on.until(lambda: names(on) == {"Ada"})

        assert waiting == ([], set())
        assert await on.parked() == []


async def test_a_connection_waits_for_its_credentials(embedded_kafka: Broker, tmp_path: Path) -> None:
    """No process works on it before; after the last one was pasted, all do."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        body = {key: value for key, value in new_connection(on).items() if key != "ghl_token"}
        status, added = await who.ask("POST", "/connections", body)
        listed = await who.get("/connections")
        pasted = await who.ask("PUT", "/connections/beta/credentials/ghl_token", {"value": f" {TOKEN}\n"})
        await until_served(on, supervisor, "acme", "beta")
        new_lead(on, "Ada")
        await on.until(lambda: names(on) == {"Ada"})

        assert (status, added["needs"]) == (200, ["ghl_token"])
        assert [(one["name"], one["state"]) for one in listed] == [("acme", "in use"), ("beta", "needs credentials")]
        assert (pasted[0], pasted[1]["needs"]) == (200, [])
        assert TOKEN not in str(pasted)


async def test_two_who_add_the_same_connection_at_once_do_not_mix(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One of them is refused; two people who add different connections both succeed."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, _, who):
        other = new_connection(on, name="gamma")
        other["settings"] = {**other["settings"], "lofty": {**other["settings"]["lofty"], "team_id": "77"}}
        answers = await asyncio.gather(
            who.ask("POST", "/connections", new_connection(on)),
            who.ask("POST", "/connections", new_connection(on)),
            who.ask("POST", "/connections", other),
        )
        listed = await who.get("/connections")
        assert sorted(status for status, _ in answers[:2]) in ([200, 409], [200, 422])
        assert answers[2][0] == 200
        assert [one["name"] for one in listed] == ["acme", "beta", "gamma"]


@pytest.fixture
def broken_lofty(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Removals that end, as a kill would end them, before the credentials go. Empty the list to let them through."""
    killed = ["once"]
    through = follow_up._remove_tokens

    async def cut_short(*given: Any) -> None:
        if killed:
            raise OSError("killed here")
        await through(*given)

    monkeypatch.setattr(follow_up, "_remove_tokens", cut_short)
    return killed


async def test_a_removal_that_was_cut_short_is_finished(
    embedded_kafka: Broker, tmp_path: Path, broken_lofty: list[str]
) -> None:
    """Until then it is shown as being removed, and nobody works on it; another gateway finishes it."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        assert (await who.ask("POST", "/connections/beta/remove", {"expected_version": 1}))[0] == 200
        await until_served(on, supervisor, "acme")
        await on.until(lambda: not other_team(on).subscriptions)
        shown_as = [(one["name"], one["state"]) for one in await who.get("/connections")]
        edited = await who.ask("PUT", "/connections/beta/label", {"label": "other", "expected_version": 2})
        held = len(await credentials(on))
        broken_lofty.clear()
        await on.gateway.__aexit__(None, None, None)
        await on.gateway.__aenter__()
        who = caller(on)

        async def is_gone() -> bool:
            return not await credentials(on)

        await on.until(is_gone)
        assert shown_as == [("acme", "in use"), ("beta", "removing")]
        assert (edited[0], held) == (404, 3)


async def test_pasted_keys_are_sealed_again_under_a_new_key(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Then the old key can go: whoever has the new one alone opens them."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        environ = {**ENVIRON, **CONSOLE_ENVIRON}
        both = parse_settings(on.config, {**environ, "LOFTY_GHL_TOKEN_KEYS": f"{NEXT},{KEYS}"})
        found = await rotate_keys(Grants(both, both.key_ring))
        again = await rotate_keys(Grants(both, both.key_ring))
        alone = await settings_now(parse_settings(on.config, {**environ, "LOFTY_GHL_TOKEN_KEYS": NEXT}))
        without = await settings_now(parse_settings(on.config, {**environ, "LOFTY_GHL_TOKEN_KEYS": KEYS}))
        of_a_job = await settings_now(parse_settings(on.config, environ), with_incomplete=True)

        assert (len(found.resealed), found.closed) == (3, {})
        assert (again.resealed, len(again.kept)) == ([], 3)
        token = alone.connections["beta"].secrets.ghl_token
        assert token is not None
        assert token.get_secret_value() == TOKEN
        assert (list(without.connections), list(without.connection_trouble)) == (["acme"], ["beta"])
        # A process that asks no vendor gets no keys: that is no trouble, and no line in the log.
        assert (sorted(of_a_job.connections), of_a_job.connection_trouble) == (["acme", "beta"], {})


async def test_a_key_that_is_pasted_during_a_rotation_counts(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither overwritten by the one before, sealed again, nor left to a compaction that keeps the newest record."""
    through = key_rotation._credentials
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        pastes: list[int] = []

        async def meanwhile(*given: Any) -> Any:
            records = await through(*given)
            if not pastes:
                body = {"value": "pit-pasted-meanwhile"}
                pastes.append((await who.ask("PUT", "/connections/beta/credentials/ghl_token", body))[0])
            return records

        monkeypatch.setattr(key_rotation, "_credentials", meanwhile)
        both = parse_settings(on.config, {**ENVIRON, **CONSOLE_ENVIRON, "LOFTY_GHL_TOKEN_KEYS": f"{NEXT},{KEYS}"})
        await rotate_keys(Grants(both, both.key_ring))
        newest = await newest_values(on.settings, on.names.of(CONNECTIONS))
        compacted = SealedCredential.from_bytes(newest[b"credential:beta:ghl_token"])
        about = about_credential("beta", "ghl_token")
        held = (await settings_now(both)).connections["beta"].secrets.ghl_token

        assert pastes == [200]
        assert held is not None
        assert held.get_secret_value() == "pit-pasted-meanwhile"
        assert both.key_ring.open(compacted.sealed, about=about) == b"pit-pasted-meanwhile"
        assert both.key_ring.is_current(compacted.sealed)


async def test_an_edit_that_nobody_took_over_before_a_kill_is_taken_over_at_the_next_start(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Worker and gateway read the topic before they work."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, _):
        await on.gateway.__aexit__(None, None, None)
        async with MappingVersions(on.settings) as versions:
            body = new_connection(on)
            keys = {"lofty_api_key": API_KEY, "ghl_token": TOKEN}
            await ConnectionEditor(versions).add("beta", body["settings"], by="ann", credentials=keys)
        await on.gateway.__aenter__()
        listed = await caller(on).get("/connections")
        await until_served(on, supervisor, "acme", "beta")
        secret = (await settings_now(on.settings)).connections["beta"].secrets.webhook_secret
        assert secret is not None
        async with on.http.post(f"{on.gateway.url}/lofty/{secret.get_secret_value()}", json={}) as answer:
            status = answer.status
        assert [(one["name"], one["state"]) for one in listed] == [("acme", "in use"), ("beta", "in use")]
        assert status == 200  # the secret is known; the body was parked


async def test_a_person_adds_and_removes_a_connection_with_forms_alone(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Without scripts. A form that is wrong comes back as it was filled, without the keys, and says what is wrong where."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, _):
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            empty = await person.read("/connections/new")
            form = {
                "name": "beta",
                "lofty.team_id": str(OTHER_TEAM),
                "lofty.base_url": on.lofty_url,
                "ghl.location_id": OTHER_LOCATION,
                "ghl.base_url": on.ghl_url,
                "lofty_api_key": API_KEY,
                "ghl_token": TOKEN,
            }
            wrong = await person.send("/connections/new", **{**form, "region": "XX"})
            added = await person.send("/connections/new", **form)
            await until_served(on, supervisor, "acme", "beta")
            shown_page = await person.read("/connections/beta/settings")
            changed = await person.send(
                "/connections/beta/settings", version="1", label="west", **{"sweep.new_minutes": "0,1"}
            )
            listed = await person.read("/connections")
            stale = await person.send("/connections/beta/settings", version="1", label="west")
            question = await person.read("/connections/beta/remove")
            removed = await person.send("/connections/beta/remove", version="3")
            await until_served(on, supervisor, "acme")

        assert (empty[0], "Add a connection" in empty[1]) == (200, True)
        assert (wrong[0], "Expected a region" in wrong[1], str(OTHER_TEAM) in wrong[1], TOKEN in wrong[1]) == (
            *(422, True, True, False),
        )
        assert (added[0], added[2]) == (303, "/console/connections/beta/settings")
        assert (str(OTHER_TEAM) in shown_page[1], TOKEN in shown_page[1], API_KEY in shown_page[1]) == (
            True,
            False,
            False,
        )
        assert (changed[0], "west" in listed[1]) == (303, True)
        assert (stale[0], "meanwhile" in stale[1]) == (409, True)
        assert "stay in GoHighLevel" in question[1]
        assert (removed[0], removed[2]) == (303, "/console/connections")


async def test_a_person_acts_on_several_connections_with_forms_alone(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Chosen by boxes or by a filter, confirmed on a page; an outcome for each."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        status, _ = await who.ask("POST", "/connections", new_connection(on))
        assert status == 200
        await until_served(on, supervisor, "acme", "beta")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            nobody = await person.send("/connection-acts/ask", act="pause")
            asked = await person.send("/connection-acts/ask", act="pause", **{"chosen.beta": "1", "chosen.zulu": "1"})
            every = await person.send("/connection-acts/ask", act="pause", all="1")
            chosen = re.search(r'name="chosen" value="([^"]+)"', every[1])
            assert chosen is not None
            begun = await person.send("/connection-acts", act="pause", chosen=chosen[1])

            async def has_ended() -> bool:
                _, text = await person.read(begun[2].removeprefix("/console"))
                return "Paused. What comes in waits." in text and "changed in the configuration file" in text

            await on.until(has_ended)
        assert (nobody[0], nobody[2]) == (303, "/console/connections")
        assert ("Pause 1 connection?" in asked[1], 'name="chosen" value="beta"' in asked[1]) == (True, True)
        assert "Pause 2 connections?" in every[1]
        assert begun[0] == 303
        run = await who.get(begun[2].removeprefix("/console"))
        assert {row["connection"]: row["outcome"] for row in run["rows"]} == {"acme": "skipped", "beta": "done"}
        _, states = await who.ask("GET", "/connections")
        assert {one["name"]: one["state"] for one in states} == {"acme": "in use", "beta": "paused"}
        status, run = await who.ask("POST", "/connection-acts", {"act": "resume", "connections": ["beta"]})
        assert status == 200

        async def goes_on() -> bool:
            return bool((await who.get(f"/connection-acts/{run['id']}"))["rows"][0]["outcome"] == "done")

        await on.until(goes_on)
        assert (await who.ask("POST", "/connection-acts", {"act": "pause", "connections": ["nobody"]}))[0] == 404
        assert (await who.ask("POST", "/connection-acts", {"act": "bogus", "connections": ["beta"]}))[0] == 422
        assert (await who.ask("GET", "/connection-acts/nothing"))[0] == 404


async def test_commands_add_and_remove_a_connection(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys come from files; the other commands know the connection; a second removal says that there is none."""
    for name, value in {**CONSOLE_ENVIRON, "LOFTY_GHL_TOKEN_KEYS": KEYS}.items():
        monkeypatch.setenv(name, value)
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        config, settings, key, token = (tmp_path / name for name in ("c.toml", "beta.toml", "key", "token"))
        config.write_text(on.config)
        settings.write_text(
            f'[connections.beta.lofty]\nbase_url = "{on.lofty_url}"\n[connections.beta.ghl]\nbase_url = "{on.ghl_url}"\n'
        )
        key.write_text(f"{API_KEY}\n")
        token.write_text(f"{TOKEN}\n")
        options = ("--settings", str(settings), "--lofty-api-key-file", str(key), "--ghl-token-file", str(token))
        nobody = await command("connections add beta", config, *options, "--team-id", "", "--location-id", "M")
        ids = ("--team-id", str(OTHER_TEAM), "--location-id", OTHER_LOCATION)
        added = await command("connections add beta", config, *options, *ids)
        twice = await command("connections add beta", config, *options, *ids)
        await until_served(on, supervisor, "acme", "beta")
        listed = await command("connections list", config)
        subscribed = await command("subscriptions apply", config, "--connection", "beta")
        held = len(other_team(on).subscriptions)
        paused = await command("connections pause beta", config, "--direction", "to_ghl")
        removed = await command("connections remove beta", config, "--yes")
        again = await command("connections remove beta", config, "--yes")
        of_file = await command("connections remove acme", config, "--yes")

        async def acts() -> list[tuple[str, str, str]]:
            return [(one["action"], one["via"], one["outcome"]) for one in (await who.get("/audit"))["acts"]]

        async def has_all() -> bool:  # the page reads them by the index
            return len(await acts()) >= 7

        await on.until(has_all)
        assert paused[0] == 0, paused
        assert [one for one in reversed(await acts()) if one[2] == "done"] == [
            (f"connection {act}", "command", "done") for act in ("add", "pause", "remove")
        ]
        assert (nobody[0], "connections.beta.lofty.team_id" in nobody[2]) == (2, True), nobody
        assert (added[0], twice[0], "connection has it" in twice[2]) == (0, 2, True), (added, twice)
        assert "beta  id beta  Lofty team 7000007  GHL location loc-beta  managed in the console" in listed[1]
        assert (subscribed[0], held) == (0, 5), subscribed
        assert (removed[0], again[0], "there is no connection 'beta'" in again[2]) == (0, 2, True), (removed, again)
        assert (of_file[0], "configuration file" in of_file[2]) == (2, True), of_file
        assert (await credentials(on), len(other_team(on).subscriptions)) == (set(), 0)
        assert not any(secret in "".join(map(str, (added, listed, removed))) for secret in (API_KEY, TOKEN))


async def test_the_tokens_of_a_removed_connection_go(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What a person granted is in no topic and in no table of a worker afterwards."""
    app = '[oauth.lofty]\nclient_id = "app"\n'
    async with two_accounts(embedded_kafka, tmp_path, app) as (on, supervisor, who):
        settings = settings_of(on)
        settings["lofty"]["auth"] = "oauth"
        body = {"name": "beta", "settings": settings, "ghl_token": TOKEN}
        status, added = await who.ask("POST", "/connections", body)
        await until_served(on, supervisor, "acme", "beta")
        effective = await settings_now(on.settings)
        grants = Grants(effective, effective.key_ring)
        account = grants.lofty(effective.connections["beta"])
        now_ms = time.time_ns() // 1_000_000
        pair = TokenPair(
            access="an-access-token", refresh="a-refresh-token", obtained_at_ms=now_ms, expires_at_ms=now_ms + 3_600_000
        )
        message = SealedToken(token=account.token, sealed=grants.seal(account.token, pair), at_ms=now_ms)
        await on.produce(TOKENS, account.token.encode(), message.to_bytes(), at=account.partition)
        changelog = on.names.changelog(TOKENS_TABLE)

        async def is_stored() -> bool:
            return account.token.encode() in await newest_values(on.settings, changelog)

        async def is_gone() -> bool:
            tokens = await newest_tokens(grants)
            return not await is_stored() and not any(row.sealed for row in tokens.values())

        await on.until(is_stored)
        removed = await who.ask("POST", "/connections/beta/remove", {"expected_version": 1})
        await on.until(is_gone)
        assert (status, added["needs"], removed[0]) == (200, [], 200)


async def test_a_removed_connection_that_comes_back_creates_nothing_twice(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """What is remembered of its leads stays, and counts again for the same accounts; a contact with another e-mail is the same one."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        lead = new_lead(on, "Ada")
        await on.until(lambda: names(on) == {"Ada"})
        (contact,) = on.ghl.location(OTHER_LOCATION).contacts
        assert (await who.ask("POST", "/connections/beta/remove", {"expected_version": 1}))[0] == 200

        async def is_gone() -> bool:
            return (await who.ask("GET", "/connections/beta/settings"))[0] == 404

        await on.until(is_gone)
        await until_served(on, supervisor, "acme")
        links = await newest_values(on.settings, on.names.changelog(LINKS_TABLE))
        assert [key for key in links if key.startswith(b"beta:")] == [Entity.contact("beta", lead).key.encode()]
        change = {"firstName": "Bea", "emails": ["bea@example.com"]}
        desk_work.edit(on.lofty, other_team(on), {"edit": "update", "kind": "lead", "id": int(lead), "fields": change})
        elsewhere = settings_of(on) | {"ghl": settings_of(on)["ghl"] | {"location_id": "another"}}
        status, said = await who.ask("POST", "/connections", new_connection(on, settings=elsewhere))
        assert (status, "add another connection, under another name" in str(said)) == (422, True), said
        assert (await who.ask("POST", "/connections", new_connection(on)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        assert (await who.ask("POST", "/backfills/beta"))[0] == 200
        await on.until(lambda: names(on) == {"Bea"})
        assert list(on.ghl.location(OTHER_LOCATION).contacts) == [contact]
