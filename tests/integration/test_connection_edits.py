"""Connections are added, changed and removed through the API while everything runs: no process is restarted by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.ghl.seeds import shown
from connectors.sandbox.lofty import TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions
from streams.messages.topics import CONNECTIONS
from streams.operations.connection_edits import follow_up
from streams.worker.supervisor import Supervisor
from tests.deadlines import within
from tests.integration.console import Caller, caller, console_on_stage
from tests.integration.stage import LOCATION, TEAM, Stage
from tests.kafka.broker import Broker

OTHER_TEAM, OTHER_LOCATION = 7_000_007, "loc-beta"
KEYS = "202601:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
API_KEY, TOKEN = "beta-key-that-is-pasted", "pit-beta-that-is-pasted"


@asynccontextmanager
async def two_accounts(broker: Broker, tmp_path: Path) -> AsyncIterator[tuple[Stage, Supervisor, Caller]]:
    """The stage, with a second team and location that no connection names, and a worker that takes edits over."""
    teams = (TeamSettings(TEAM, ("stage-key",)), TeamSettings(OTHER_TEAM, (API_KEY,)))
    locations = (LocationSettings(LOCATION, ("pit-stage",)), LocationSettings(OTHER_LOCATION, (TOKEN,)))
    environ = {"LOFTY_GHL_TOKEN_KEYS": KEYS}
    more = {"lofty": {"teams": teams}, "ghl": {"locations": locations}, "environ": environ, "restarts": True}
    async with console_on_stage(broker, tmp_path, **more) as on, MappingVersions(on.settings) as versions:
        desk_work.seed(on.lofty, other_team(on), make_team())
        await on.worker.__aexit__(None, None, None)
        stop = asyncio.Event()
        supervisor = Supervisor(versions, on.given())
        task = asyncio.create_task(supervisor.run(stop))
        try:
            await until_served(on, supervisor, "acme")
            yield on, supervisor, caller(on)
        finally:
            stop.set()
            await asyncio.wait_for(task, within(60))


async def until_served(on: Stage, supervisor: Supervisor, *connections: str) -> None:
    """Wait until a worker that is ready has exactly these connections; it becomes the stage's."""
    async with asyncio.timeout(within(90)):
        while not (
            supervisor.is_ready
            and supervisor.current
            and set(supervisor.current.settings.connections) == {*connections}
        ):
            await asyncio.sleep(0.05)
    assert supervisor.current is not None
    on.worker = supervisor.current


def other_team(on: Stage) -> Any:
    """The second team."""
    return desk_work.team_of(on.lofty, OTHER_TEAM)


def new_lead(on: Stage, name: str) -> str:
    """A lead of the second team."""
    fields = {"firstName": name, "lastName": "Example", "emails": [f"{name.lower()}@example.com"]}
    return str(desk_work.edit(on.lofty, other_team(on), {"edit": "create", "kind": "lead", "fields": fields}).id)


def names(on: Stage) -> set[str]:
    """The first names of the second location's contacts."""
    return {str(shown(one)["firstName"]) for one in on.ghl.location(OTHER_LOCATION).contacts.values()}


def settings_of(on: Stage, **more: Any) -> dict[str, Any]:
    """The settings of a connection between the second accounts."""
    return {
        "lofty": {"team_id": str(OTHER_TEAM), "base_url": on.lofty_url, "requests_per_minute": 100_000},
        "ghl": {"location_id": OTHER_LOCATION, "base_url": on.ghl_url, "requests_per_window": 100_000},
        "sweep": {"new_minutes": 0.05},
        **more,
    }


def new_connection(on: Stage, **more: Any) -> dict[str, Any]:
    """The request that adds it."""
    return {
        "name": "beta",
        "settings": settings_of(on),
        "lofty_api_key": API_KEY,
        "ghl_token": TOKEN,
        **more,
    }


async def credentials(on: Stage) -> set[bytes]:
    """The keys of the credentials that are kept."""
    found = await newest_values(on.settings, on.names.of(CONNECTIONS))
    return {key for key in found if key.startswith(b"credential:")}


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
        kept = await credentials(on)
        removed = await who.ask("POST", "/connections/beta/remove", {"expected_version": 2})
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
        assert len(kept) == 3
        assert (removed[0], removed[1]["is_removing"]) == (200, True)
        assert await credentials(on) == set()
        assert names(on) == {"Ada", "Bob"}
        assert not any(secret in caplog.text for secret in (API_KEY, TOKEN))
        audit = str(await who.get("/audit"))
        assert ("connection add" in audit, API_KEY in audit, TOKEN in audit) == (True, False, False)


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
