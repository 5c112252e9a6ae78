"""Many connections are added by a table while everything runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.lofty import TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions
from streams.messages.topics import CONNECTIONS
from streams.worker.supervisor import Supervisor
from tests.integration.command import command
from tests.integration.console import CONSOLE_ENVIRON, Caller, caller, console_on_stage
from tests.integration.edited_connections import KEYS, Visitor, credentials, supervised, until_served
from tests.integration.stage import LOCATION, TEAM, Stage
from tests.kafka.broker import Broker

FIRST_TEAM = 7_000_000
HEADERS = "name,lofty_team_id,ghl_location_id,lofty_api_key,ghl_token,lofty_url,ghl_url,region"


@asynccontextmanager
async def many_accounts(broker: Broker, tmp_path: Path, count: int) -> AsyncIterator[tuple[Stage, Supervisor, Caller]]:
    """The stage, with so many teams and locations that no connection names."""
    teams = [TeamSettings(FIRST_TEAM + one, (key(one),)) for one in range(count)]
    locations = [LocationSettings(f"loc-{one}", (token(one),)) for one in range(count)]
    more = {
        "lofty": {"teams": (TeamSettings(TEAM, ("stage-key",)), *teams)},
        "ghl": {"locations": (LocationSettings(LOCATION, ("pit-stage",)), *locations)},
        "environ": {"LOFTY_GHL_TOKEN_KEYS": KEYS},
        "restarts": True,
        "session": 10.0,  # a busy machine must not take its partitions away
    }
    async with console_on_stage(broker, tmp_path, **more) as on, MappingVersions(on.settings) as versions:
        for one in range(count):
            desk_work.seed(on.lofty, team_of(on, one), make_team())
        async with supervised(on, versions) as supervisor:
            yield on, supervisor, caller(on)


def key(number: int) -> str:
    """A team's key."""
    return f"a-long-key-of-team-{number}-0123456789"


def token(number: int) -> str:
    """A location's token."""
    return f"pit-location-{number}-0123456789"


def team_of(on: Stage, number: int) -> Any:
    """A team."""
    return desk_work.team_of(on.lofty, FIRST_TEAM + number)


def lead_to_gateway(on: Stage, number: int) -> None:
    """Have a team's webhooks come to the stage's gateway: they are subscribed for its public address."""
    for subscription in team_of(on, number).subscriptions.values():
        address = str(subscription["callbackUrl"])
        subscription["callbackUrl"] = address.replace("https://hooks.example.com", on.gateway.url)


def row(on: Stage, number: int, **cells: str) -> str:
    """A row of the table."""
    found = {
        "name": f"agency-{number}",
        "team": str(FIRST_TEAM + number),
        "location": f"loc-{number}",
        "key": key(number),
        "token": token(number),
        "lofty": on.lofty_url,
        "ghl": on.ghl_url,
        "region": "US",
        **cells,
    }
    return ",".join(found.values())


def outcomes(report: dict[str, Any]) -> list[tuple[int, str, list[str]]]:
    """Each row of a report: its line, its outcome and the columns of its faults."""
    return [(one["line"], one["outcome"], [it["where"] for it in one["faults"]]) for one in report["rows"]]


async def records(on: Stage) -> int:
    """How many records the topic of connections has."""
    return len(await newest_values(on.settings, on.names.of(CONNECTIONS)))


async def test_many_are_live_while_the_others_go_on(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Each carries a lead and is subscribed at Lofty; no worker is restarted, and a lead of another connection arrives meanwhile."""
    count = 25
    async with many_accounts(embedded_kafka, tmp_path, count) as (on, supervisor, who):
        table = "\n".join((HEADERS, *(row(on, one) for one in range(count))))
        status, report = await who.ask("POST", "/connections/import", {"csv": table})
        meanwhile = on.new_lead()
        await until_served(on, supervisor, "acme", *(f"agency-{one}" for one in range(count)))
        await on.until(lambda: meanwhile in on.contacts())
        await on.until(lambda: all(len(team_of(on, one).subscriptions) == 5 for one in range(count)), 120)
        for one in range(count):
            lead_to_gateway(on, one)
        leads = {one: on.new_lead(team_id=FIRST_TEAM + one) for one in range(count)}
        await on.until(lambda: all(leads[one] in on.contacts(f"loc-{one}") for one in range(count)), 120)
        stored = await records(on)
        again = await who.ask("POST", "/connections/import", {"csv": table})

        assert (status, report["new"], report["refused"], report["is_check"]) == (200, count, 0, False)
        assert supervisor.count == 1
        assert (again[1]["new"], again[1]["unchanged"], await records(on)) == (0, count, stored)
        audit = str(await who.get("/audit"))
        assert ("connection import" in audit, key(0) in audit, token(0) in audit) == (True, False, False)


async def test_each_row_counts_on_its_own(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A dry run saves nothing. A wrong row names its line and column, shows no key, and keeps no other row back."""
    async with many_accounts(embedded_kafka, tmp_path, 4) as (on, supervisor, who):
        lines = [
            HEADERS,
            row(on, 0),
            row(on, 1, region="Texas"),
            row(on, 0),
            row(on, 2, name="agency-0"),
            row(on, 3, team=str(FIRST_TEAM), location="loc-0"),
            row(on, 2, key="with blanks inside it 0123456789"),
            row(on, 2, name="acme"),
            row(on, 3, region="US", token=""),
            row(on, 1, region=key(1)),
        ]
        table = "\n".join(lines)
        before = await records(on)
        dry = await who.ask("POST", "/connections/import", {"csv": table, "dry_run": True})
        held = await records(on)
        done = await who.ask("POST", "/connections/import", {"csv": table})
        await until_served(on, supervisor, "acme", "agency-0")
        corrected = "\n".join((HEADERS, row(on, 1), row(on, 3)))
        completed = await who.ask("POST", "/connections/import", {"csv": corrected})
        await until_served(on, supervisor, "acme", "agency-0", "agency-1", "agency-3")
        changed = "\n".join((HEADERS, row(on, 0, region="CA"), row(on, 1, token="pit-another-one")))
        refused = await who.ask("POST", "/connections/import", {"csv": changed})
        unreadable = await who.ask("POST", "/connections/import", {"csv": "name;regoin\n"})

        expected = [
            (2, "new", []),
            (3, "refused", ["region"]),
            (4, "unchanged", []),
            (5, "refused", ["name"]),
            (6, "refused", ["the row"]),
            (7, "refused", ["lofty_api_key"]),
            (8, "refused", ["lofty_team_id", "ghl_location_id"]),
            (9, "refused", ["name"]),
            (10, "refused", ["name"]),
        ]
        assert outcomes(dry[1]) == expected, outcomes(dry[1])
        assert outcomes(dry[1]) == outcomes(done[1])
        assert held == before
        assert outcomes(completed[1])[0][1] == "new"
        assert outcomes(refused[1]) == [(2, "refused", ["region"]), (3, "refused", ["ghl_token"])]
        assert (unreadable[0], {one["line"] for one in unreadable[1]["faults"]}) == (422, {1})
        answers = str((dry, done, completed, refused, unreadable))
        assert [one for one in (key(0), key(1), token(0), "with blanks", "pit-another-one") if one in answers] == []


async def test_what_was_cut_short_is_finished_by_the_same_table(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process was killed between the connections and their keys: they wait, and the second run adds only the keys."""
    async with many_accounts(embedded_kafka, tmp_path, 3) as (on, supervisor, who):
        table = "\n".join((HEADERS, *(row(on, one) for one in range(3))))
        through = MappingVersions.write
        writes: list[int] = []

        async def cut_short(self: MappingVersions, *given: Any) -> None:
            writes.append(1)
            if len(writes) == 2:
                raise OSError("killed here")
            await through(self, *given)

        monkeypatch.setattr(MappingVersions, "write", cut_short)
        killed = await who.ask("POST", "/connections/import", {"csv": table})
        listed = await who.get("/connections")
        held = await credentials(on)
        again = await who.ask("POST", "/connections/import", {"csv": table})
        await until_served(on, supervisor, "acme", "agency-0", "agency-1", "agency-2")

        assert (killed[0], held) == (503, set())
        assert [one["state"] for one in listed] == ["in use", *["needs credentials"] * 3]
        assert [(one["outcome"], one["needs"]) for one in again[1]["rows"]] == [("unchanged", [])] * 3
        assert len(await credentials(on)) == 9


async def test_a_person_adds_them_with_forms_alone(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Paste, look, add: no page holds a key in a form that anybody can read, and the template can be downloaded."""
    async with many_accounts(embedded_kafka, tmp_path, 2) as (on, supervisor, _):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            empty = await person.read("/connections/import")
            template = await person.read("/connections/import/template.csv")
            await person.read("/connections/import")
            wrong = await person.send("/connections/import", secret_table="name;regoin")
            table = "\n".join((HEADERS, row(on, 0), row(on, 1, region="Texas"))).replace(",", "\t")
            checked = await person.send("/connections/import", secret_table=table)
            sealed = re.search(r'name="sealed" value="([^"]+)"', checked[1])
            assert sealed is not None
            added = await person.send("/connections/import", sealed=sealed[1])
            forged = await person.send("/connections/import", sealed=sealed[1][:-4] + "AAAA")
            await until_served(on, supervisor, "acme", "agency-0")

        assert (empty[0], "Add many connections" in empty[1], template[1].startswith("\ufeffname,")) == (
            200,
            True,
            True,
        )
        assert (wrong[0], "did you mean" in wrong[1]) == (422, True)
        assert (checked[0], "1 connection can be added, 1 row refused" in checked[1]) == (200, True)
        assert (added[0], "1 connection was added, 1 row refused" in added[1]) == (200, True)
        assert (forged[0], "checked too long ago" in forged[1]) == (422, True)
        assert [one for one in (key(0), token(0), key(1)) if any(one in it[1] for it in (wrong, checked, added))] == []


async def test_the_command_adds_them_too(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit code says whether a row was refused; Excel's semicolons and byte order mark are read."""
    for name, value in {**CONSOLE_ENVIRON, "LOFTY_GHL_TOKEN_KEYS": KEYS}.items():
        monkeypatch.setenv(name, value)
    async with many_accounts(embedded_kafka, tmp_path, 2) as (on, supervisor, _):
        config = tmp_path / "lofty-ghl.toml"
        config.write_text(on.config)
        file = tmp_path / "agencies.csv"
        good = "\n".join((HEADERS, row(on, 0), row(on, 1))).replace(",", ";")
        file.write_text(good, encoding="utf-8-sig")
        checked = await command(f"connections import {file} --dry-run", config)
        added = await command(f"connections import {file}", config)
        await until_served(on, supervisor, "acme", "agency-0", "agency-1")
        again = await command(f"connections import {file}", config)
        file.write_text(good.replace("US", "Texas"))
        wrong = await command(f"connections import {file}", config)
        file.write_bytes(b"\xff\xff")
        unreadable = await command(f"connections import {file}", config)

        assert (checked[0], "2 to add" in checked[1]) == (0, True), checked
        assert (added[0], "2 added" in added[1]) == (0, True), added
        assert (again[0], "2 unchanged" in again[1]) == (0, True), again
        assert (wrong[0], "region: expected US, got Texas" in wrong[1]) == (1, True), wrong
        assert (unreadable[0], "UTF-8" in unreadable[2]) == (2, True), unreadable
        assert not any(secret in str((checked, added, again, wrong)) for secret in (key(0), token(0)))
