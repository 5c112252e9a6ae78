"""Installations that begin in GHL's marketplace: accepted by the exchange of their code, kept, and paired by a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from connectors.sandbox import ghl as ghl_sandbox
from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.lofty import TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from connectors.sandbox.shared.faults import parse_fault
from streams.kafka.topic_reader import newest_values
from streams.mapping_versions.store import MappingVersions
from streams.messages.topics import CONNECTIONS
from streams.oauth.grants import Grants, wanted_scopes
from streams.oauth.key_rotation import rotate_keys
from streams.settings import parse_settings
from streams.worker.supervisor import Supervisor
from tests.integration.console import CONSOLE_ENVIRON, Caller, caller, console_on_stage
from tests.integration.edited_connections import (
    API_KEY,
    KEYS,
    NEXT,
    OTHER_LOCATION,
    OTHER_TEAM,
    Visitor,
    names,
    new_lead,
    on_duty,
    other_team,
    supervised,
    until_served,
)
from tests.integration.stage import ENVIRON, LOCATION, TEAM, Stage
from tests.integration.test_oauth import consent
from tests.kafka.broker import Broker

COMPANY = "sandbox-company"
SECRETS = {"LOFTY_GHL_TOKEN_KEYS": KEYS, "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET": "ghl-client-secret"}
APP = """
[oauth.ghl]
client_id = "app1-acme"
agency = true
authorize_url = "{ghl}/v2/oauth/chooselocation"
base_url = "{ghl}"
"""


@asynccontextmanager
async def marketplace(
    broker: Broker, tmp_path: Path, *, access_seconds: float = 3600
) -> AsyncIterator[tuple[Stage, Supervisor, Caller]]:
    """The stage with an app in GHL's marketplace, and with a team and a location that no connection names."""
    teams = (TeamSettings(TEAM, ("stage-key",)), TeamSettings(OTHER_TEAM, (API_KEY,)))
    ghl = {
        "locations": (LocationSettings(LOCATION, ("pit-stage",)), LocationSettings(OTHER_LOCATION, ("pit-beta",))),
        "clients": (ghl_sandbox.GhlClientSettings("app1-acme", "ghl-client-secret"),),
        "access_seconds": access_seconds,
    }
    more = {"lofty": {"teams": teams}, "ghl": ghl, "environ": SECRETS, "restarts": True, "more": APP}
    async with console_on_stage(broker, tmp_path, **more) as on, MappingVersions(on.settings) as versions:
        desk_work.seed(on.lofty, other_team(on), make_team())
        async with supervised(on, versions) as supervisor:
            yield on, supervisor, caller(on)


async def install(on: Stage, choice: str) -> dict[str, str]:
    """Somebody installs the app from GHL's marketplace; returns what GHL sends to the callback: a code, and no state."""
    scopes = (*wanted_scopes(on.settings.connections["acme"]), "oauth.write", "oauth.readonly")
    query = {
        "response_type": "code",
        "client_id": "app1-acme",
        "redirect_uri": "https://hooks.example.com/oauth/ghl/callback",
        "scope": " ".join(scopes),
    }
    return await consent(on, f"{on.ghl_url}/v2/oauth/chooselocation?{urlencode(query)}", choice)


async def arrive(on: Stage, query: dict[str, str]) -> tuple[int, str]:
    """Their browser comes to the gateway."""
    async with on.http.get(f"{on.gateway.url}/oauth/ghl/callback", params=query) as answer:
        return answer.status, await answer.text()


async def waiting(on: Stage, who: Caller) -> dict[str, str]:
    """The inbox: the connection of each location, empty while it waits."""
    return {one["location"]: one["connection"] for one in await who.get("/installations")}


async def until_listed(on: Stage, who: Caller, location: str) -> None:
    """Wait until a location is in the inbox."""

    async def is_listed() -> bool:
        return location in await waiting(on, who)

    await on.until(is_listed)


@pytest.mark.parametrize("choice", [COMPANY, OTHER_LOCATION], ids=["a whole agency", "one location"])
async def test_an_installation_waits_until_it_is_paired(embedded_kafka: Broker, tmp_path: Path, choice: str) -> None:
    """Before, nothing is asked of the location; afterwards its leads are carried by the tokens of the installation."""
    async with marketplace(embedded_kafka, tmp_path) as (on, supervisor, who):
        query = await install(on, choice)
        status, page = await arrive(on, query)
        again = await arrive(on, query)
        await until_listed(on, who, OTHER_LOCATION)
        before = await waiting(on, who)
        touched = [one for one in on.requests("ghl") if one.budget == OTHER_LOCATION and "oauth" not in one.path]
        raw = str(await newest_values(on.settings, on.names.of(CONNECTIONS)))
        body = {"name": "beta", "team_id": str(OTHER_TEAM), "lofty_api_key": API_KEY}
        unknown = await who.ask("POST", "/installations/loc-nowhere/pair", body)
        wrong = await who.ask("POST", f"/installations/{OTHER_LOCATION}/pair", {**body, "name": "acme"})
        paired = await who.ask("POST", f"/installations/{OTHER_LOCATION}/pair", body)
        # The sandbox of Lofty has another address than Lofty.
        settings = paired[1]["connection"]["settings"]
        settings["lofty"]["base_url"] = on.lofty_url
        settings["sweep"] = {"new_minutes": 0.05}
        await who.ask("PUT", "/connections/beta/settings", {"settings": settings, "expected_version": 1})
        await until_served(on, supervisor, "acme", "beta")
        new_lead(on, "Ada")
        await on.until(lambda: names(on) == {"Ada"})

        assert (status, "Installed" in page) == (200, True)
        assert (again[0], "once more" in again[1]) == (400, True)
        assert before == ({OTHER_LOCATION: "", LOCATION: "acme"} if choice == COMPANY else {OTHER_LOCATION: ""})
        assert touched == []
        assert [one for one in ("sandbox-access", query["code"]) if one in raw] == []
        assert (unknown[0], wrong[0]) == (404, 422)
        assert (paired[0], paired[1]["problem"], paired[1]["connection"]["needs"]) == (200, "", [])
        # A single location's tokens are the worker's now; an agency's can bring others.
        assert await waiting(on, who) == ({OTHER_LOCATION: "beta", LOCATION: "acme"} if choice == COMPANY else {})


async def test_a_forged_installation_is_refused(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A code that GHL did not make, or none, leaves nothing."""
    async with marketplace(embedded_kafka, tmp_path) as (on, _, who):
        forged = await arrive(on, {"code": "made-up"})
        empty = await arrive(on, {})
        wrong_state = await arrive(on, {**(await install(on, COMPANY)), "state": "made-up"})

        assert (forged[0], empty[0], wrong_state[0]) == (400, 400, 400)
        assert "once more" in forged[1]
        assert await waiting(on, who) == {}


async def test_an_agency_whose_token_has_ended_still_brings_its_locations(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """It is renewed and stored before it is used; a table pairs them, and its keys are sealed again when keys are rotated."""
    async with marketplace(embedded_kafka, tmp_path, access_seconds=30) as (on, supervisor, who):
        assert (await arrive(on, await install(on, COMPANY)))[0] == 200
        await until_listed(on, who, OTHER_LOCATION)
        table = (
            "name,team_id,location_id,lofty_api_key,ghl_access,lofty_url,ghl_url,new_leads_minutes\n"
            f"beta,{OTHER_TEAM},{OTHER_LOCATION},{API_KEY},permission,{on.lofty_url},{on.ghl_url},0.05\n"
        )
        imported = await who.ask("POST", "/connections/import", {"csv": table})
        await until_served(on, supervisor, "acme", "beta")
        new_lead(on, "Ada")
        await on.until(lambda: names(on) == {"Ada"})
        listed = await who.ask("POST", "/installations/look-again")
        environ = {**ENVIRON, **CONSOLE_ENVIRON, **SECRETS, "LOFTY_GHL_TOKEN_KEYS": f"{NEXT},{KEYS}"}
        both = parse_settings(on.config, environ)
        rotated = await rotate_keys(Grants(both, both.key_ring))

        assert [(one["outcome"], one["note"]) for one in imported[1]["rows"]] == [("new", "")]
        assert (listed[0], {one["location"] for one in listed[1]}) == (200, {OTHER_LOCATION, LOCATION})
        assert (f"installation:{COMPANY}" in rotated.resealed, rotated.closed) == (True, {})
        assert sum(one.operation == "get-access-token" for one in on.requests("ghl")) >= 2


async def test_a_person_pairs_a_location_with_forms_alone(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What is wrong is said beside the location, and its form comes back without the key."""
    async with marketplace(embedded_kafka, tmp_path) as (on, _, who):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            empty = await person.read("/installations")
            await arrive(on, await install(on, COMPANY))
            await until_listed(on, who, OTHER_LOCATION)
            listed = await person.read("/installations")
            again = await person.send("/installations")
            path = f"/installations/{OTHER_LOCATION}/pair"
            form = {"name": "beta", "team_id": str(OTHER_TEAM), "lofty_api_key": API_KEY}
            wrong = await person.send(path, **{**form, "name": "Not a name"})
            done = await person.send(path, **form)
            after = await person.read("/installations")

        assert "not installed from the marketplace yet" in empty[1]
        assert (f'Location <span class="mono">{OTHER_LOCATION}' in listed[1], again[0]) == (True, 303)
        assert (wrong[0], "expected" in wrong[1], str(OTHER_TEAM) in wrong[1], API_KEY in wrong[1]) == (
            422,
            True,
            True,
            False,
        )
        assert (done[0], done[2]) == (303, "/console/connections/beta/settings")
        assert "No location waits" in after[1]


async def tell(on: Stage, type_: str, location: str, *, forged: bool = False) -> None:
    """GHL says that the app was installed in a location, or removed from it; or somebody else says so."""
    payload = {"type": type_, "locationId": location, "companyId": COMPANY}
    url = f"{on.gateway.url}/ghl/webhooks" if forged else f"{on.ghl_url}/_sandbox/tell"
    async with on.http.post(url, json=payload) as answer:
        assert answer.status == (401 if forged else 200)


async def test_the_inbox_follows_ghls_webhooks(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What is uninstalled waits no longer, what is installed again does, and nobody is given advice for what is known."""
    async with marketplace(embedded_kafka, tmp_path) as (on, _, who):
        await arrive(on, await install(on, COMPANY))
        await until_listed(on, who, OTHER_LOCATION)

        async def is_gone() -> bool:
            return OTHER_LOCATION not in await waiting(on, who)

        await tell(on, "UNINSTALL", OTHER_LOCATION, forged=True)
        await tell(on, "INSTALL", OTHER_LOCATION)
        kept = await waiting(on, who)
        await tell(on, "UNINSTALL", OTHER_LOCATION)
        await on.until(is_gone)
        await tell(on, "INSTALL", "loc-later")
        await until_listed(on, who, "loc-later")
        parked = await on.parked()

        assert OTHER_LOCATION in kept
        assert parked == []


async def test_an_installation_is_discarded_and_access_that_failed_is_given_again(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """By pages and by the API; what was discarded is nowhere, and both acts are in the audit."""
    async with marketplace(embedded_kafka, tmp_path) as (on, _, who):
        await arrive(on, await install(on, COMPANY))
        await until_listed(on, who, OTHER_LOCATION)
        on.ghl.faults.add(parse_fault({"kind": "status", "status": 503, "operation": "get-location-access-token"}))
        body = {"name": "beta", "team_id": str(OTHER_TEAM), "lofty_api_key": API_KEY}
        paired = await who.ask("POST", f"/installations/{OTHER_LOCATION}/pair", body)
        still = await who.ask("POST", f"/installations/{OTHER_LOCATION}/access")
        on.ghl.faults.clear()
        given = await who.ask("POST", f"/installations/{OTHER_LOCATION}/access")
        unknown = await who.ask("POST", "/installations/loc-nowhere/access")
        private = await who.ask("POST", f"/installations/{LOCATION}/access")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            again = await person.send(f"/installations/{OTHER_LOCATION}/access")
            said = await person.read("/installations")
            asked = await person.read(f"/installations/{COMPANY}/discard")
            gone = await person.send(f"/installations/{COMPANY}/discard")
            empty = await person.read("/installations")
        twice = await who.ask("POST", f"/installation-accounts/{COMPANY}/discard")
        await arrive(on, await install(on, OTHER_LOCATION))
        await until_listed(on, who, OTHER_LOCATION)
        accounts = await who.get("/installation-accounts")
        none = await who.ask("POST", f"/installation-accounts/{OTHER_LOCATION}/discard")
        audit = str(await who.get("/audit"))

        assert (paired[0], "did not give access" in paired[1]["problem"], still[0]) == (200, True, 422)
        assert (given[0], unknown[0], private[0]) == (200, 404, 422)
        assert (again[0], "has access" in said[1]) == (303, True)
        assert ("Discard the installation of agency" in asked[1], gone[0]) == (True, 303)
        assert ("not installed from the marketplace yet" in empty[1], twice[0]) == (True, 404)
        assert [one["account"] for one in accounts] == [OTHER_LOCATION]
        assert none == (200, [])
        assert ("installation discard" in audit, "installation access" in audit) == (True, True)


async def tell_end(on: Stage, **more: str) -> None:
    """GHL says that the app was removed from the whole agency: no location is named."""
    body = {"type": "UNINSTALL", "companyId": COMPANY, **more}
    async with on.http.post(f"{on.ghl_url}/_sandbox/tell", json=body) as answer:
        assert answer.status == 200


async def take_over_again(on: Stage, supervisor: Supervisor, who: Caller, version: int) -> None:
    """The connection is edited, and the worker takes it up as it does at its start."""
    settings = (await who.get("/connections/beta/settings"))["settings"]
    settings["region"] = "CA" if version % 2 else "US"
    changed = await who.ask(
        "PUT", "/connections/beta/settings", {"settings": settings, "expected_version": version - 1}
    )
    assert changed[0] == 200, changed
    await on.until(lambda: on_duty(supervisor).connections["beta"].version == version)


def paused(on: Stage) -> set[str]:
    """The locations that are paused because the app was uninstalled."""
    return {one.budget for one in on.worker.writing.core.view(0) if "uninstalled" in one.pause_cause}


async def test_the_end_of_a_whole_agency_pauses_what_it_gave_access(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Not a connection by private token, and not for another app's event. Access that is given again ends it for good."""
    async with marketplace(embedded_kafka, tmp_path) as (on, supervisor, who):
        await arrive(on, await install(on, COMPANY))
        await until_listed(on, who, OTHER_LOCATION)
        table = (
            "name,team_id,location_id,lofty_api_key,ghl_access,lofty_url,ghl_url,new_leads_minutes\n"
            f"beta,{OTHER_TEAM},{OTHER_LOCATION},{API_KEY},permission,{on.lofty_url},{on.ghl_url},0.05\n"
        )
        await who.ask("POST", "/connections/import", {"csv": table})
        await until_served(on, supervisor, "acme", "beta")
        new_lead(on, "Ada")
        await on.until(lambda: names(on) == {"Ada"})

        await tell_end(on, appId="another-app")
        await tell_end(on, companyId="another-agency")
        await tell_end(on, timestamp="2020-01-01T00:00:00Z")
        await on.until_quiet()
        before = paused(on), await waiting(on, who)
        await tell_end(on)
        await on.until(lambda: paused(on) == {OTHER_LOCATION})

        async def is_gone() -> bool:
            return not await waiting(on, who)

        await on.until(is_gone)
        new_lead(on, "Bob")
        own = on.new_lead()
        await on.until(lambda: own in on.contacts())
        held = names(on)
        await take_over_again(on, supervisor, who, 2)
        still = paused(on)
        await arrive(on, await install(on, COMPANY))
        await until_listed(on, who, OTHER_LOCATION)
        given = await who.ask("POST", f"/installations/{OTHER_LOCATION}/access")
        await on.until(lambda: names(on) == {"Ada", "Bob"})
        await take_over_again(on, supervisor, who, 3)
        new_lead(on, "Eve")
        await on.until(lambda: names(on) == {"Ada", "Bob", "Eve"})

        assert before == (set(), {OTHER_LOCATION: "beta", LOCATION: "acme"})
        assert (held, still, given[0]) == ({"Ada"}, {OTHER_LOCATION}, 200)
        assert await on.parked() == []
