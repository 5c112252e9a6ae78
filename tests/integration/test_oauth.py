"""OAuth through the pipeline: consent in both sandboxes, tokens sealed on Kafka, renewed by the worker that owns the budget."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.auth.keyring import KeyRing
from connectors.auth.oauth import converse
from connectors.errors import CallbackRefused, SealError
from connectors.http.transport import AiohttpTransport
from connectors.sandbox import ghl as ghl_sandbox
from connectors.sandbox import lofty as lofty_sandbox
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import new_producer, start_producer
from streams.messages.topics import TOKENS
from streams.oauth.authorization import accept_ghl, accept_lofty, lofty_by_key
from streams.oauth.consent_link import ghl_link, lofty_link
from streams.oauth.grants import Grants
from streams.oauth.key_rotation import rotate_keys
from streams.oauth.token_records import send_token
from streams.settings import parse_settings
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, LOCATION, Stage, stage
from tests.kafka.broker import Broker
from tests.zygote import DEVNULL, run_module

KEYS = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NEXT = "k2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="
SECRETS = {
    "LOFTY_GHL_TOKEN_KEYS": KEYS,
    "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET": "ghl-client-secret",
    "LOFTY_GHL_OAUTH_LOFTY_CLIENT_SECRET": "lofty-client-secret",
}
REDIRECT = "https://hooks.example.com/oauth/{}/callback"
GHL_CLIENTS = (ghl_sandbox.GhlClientSettings("app1-acme", "ghl-client-secret"),)
LOFTY_CLIENTS = (lofty_sandbox.LoftyClientSettings("lofty-app", "lofty-client-secret", REDIRECT.format("lofty")),)
APPS = """
[oauth.ghl]
client_id = "app1-acme"
authorize_url = "{ghl}/v2/oauth/chooselocation"
[oauth.lofty]
client_id = "lofty-app"
authorize_url = "{lofty}/page/vendor-auth.html"
server_url = "{lofty}"
server = "{server}"
"""


@asynccontextmanager
async def connected_stage(
    broker: Broker, tmp_path: Path, *, lofty_auth: str = "api_key", server: str = "help_centre", **more: Any
) -> AsyncIterator[tuple[Stage, Grants]]:
    """A stage with OAuth at GHL, and at Lofty if wanted."""
    access = {"access_seconds": more.pop("access_seconds", 3600)}
    grace = {"grace_seconds": more.pop("grace_seconds", 30.0)}
    rotation = {"rotates_refresh": more.pop("rotates_refresh", True)}
    apps = APPS.replace("[oauth.lofty]", "agency = true\n[oauth.lofty]") if more.pop("is_agency", False) else APPS
    async with stage(
        broker,
        tmp_path,
        more=apps.replace("{server}", server),
        ghl_auth="oauth",
        lofty_auth=lofty_auth,
        environ=SECRETS,
        ghl={"clients": GHL_CLIENTS, **access, **grace},
        lofty={"clients": LOFTY_CLIENTS, **access, **rotation},
        **more,
    ) as on:
        grants = Grants.of(on.settings)
        assert grants is not None
        yield on, grants


async def consent(on: Stage, link: str, choice: str, decision: str = "approve") -> dict[str, str]:
    """A person opens a link and presses a button; returns what comes to the redirect URI."""
    async with on.http.get(link) as answer:
        page = await answer.text()
        assert answer.status == 200, page
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    form = {unescape(name): unescape(value) for name, value in found} | {"decision": decision, "choice": choice}
    async with on.http.post(link.partition("?")[0], data=form, allow_redirects=False) as answer:
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


async def connect_ghl(on: Stage, grants: Grants) -> str:
    """Consent, and the gateway's callback. Returns the page that the person sees."""
    connection = on.settings.connections["acme"]
    link = ghl_link(grants, connection, on.worker._deps.now_ms())
    query = await consent(on, link.url, LOCATION)
    async with on.http.get(f"{on.gateway.url}/oauth/ghl/callback", params=query) as answer:
        page = await answer.text()
        assert answer.status == 200, page
        return page


def refreshes(on: Stage) -> int:
    """How often GHL's token server was asked for the next pair, and gave it."""
    asked = [one for one in on.ghl.ledger.after() if one.operation == "get-access-token" and one.status == 200]
    return len(asked)


async def test_a_connection_waits_until_it_is_given_access_and_then_carries_everything(
    broker: Broker, tmp_path: Path
) -> None:
    async with connected_stage(broker, tmp_path) as (on, grants):
        lead = on.new_lead()
        await on.until(lambda: any("lofty-ghl connect" in one.pause_cause for one in on.worker.writing.core.view(0)))
        page = await connect_ghl(on, grants)
        assert "Connected" in page
        await on.until(lambda: lead in on.contacts())
        assert all(b"eyJ" not in raw and b"refresh" not in raw for raw in await on.records(TOKENS))


async def test_an_expired_token_is_renewed_once_whoever_asks(broker: Broker, tmp_path: Path) -> None:
    async with connected_stage(broker, tmp_path) as (on, grants):
        await connect_ghl(on, grants)
        first = on.new_lead()
        await on.until(lambda: first in on.contacts())
        before = refreshes(on)
        async with on.http.post(f"{on.ghl_url}/_sandbox/oauth/expire", json={}) as answer:
            assert answer.status == 200
        leads = [on.new_lead() for _ in range(100)]
        await on.until(lambda: set(leads) <= set(on.contacts()), 60)
        assert refreshes(on) == before + 1


async def test_a_successor_goes_on_with_what_was_kept(broker: Broker, tmp_path: Path) -> None:
    """The worker dies between "refreshed" and "persisted": the next one asks with the old token, within GHL's grace."""
    async with connected_stage(broker, tmp_path) as (on, grants):
        await connect_ghl(on, grants)
        first = on.new_lead()
        await on.until(lambda: first in on.contacts())
        await on.until_quiet()
        tokens = on.worker.dispatchers.tokens
        assert tokens is not None
        reached = asyncio.Event()

        async def never(*_: Any) -> None:
            reached.set()
            await asyncio.Event().wait()

        tokens._persist = never  # type: ignore[method-assign]  # the moment between the vendor's answer and Kafka's
        (flight,) = tokens._flights.values()
        flight._persist = never
        async with on.http.post(f"{on.ghl_url}/_sandbox/oauth/expire", json={}) as answer:
            assert answer.status == 200
        lead = on.new_lead()
        await asyncio.wait_for(reached.wait(), within(30))
        kept = tokens._table.get(grants.ghl(on.settings.connections["acme"]).partition, f"ghl:{LOCATION}")
        assert kept is not None
        old = grants.open(f"ghl:{LOCATION}", kept.sealed)
        # What a successor reads is the old pair; GHL gives it the same new one again.
        renewed = []
        async with AiohttpTransport() as transport:
            side = grants.ghl(on.settings.connections["acme"])
            renewed.append(await converse(side.renew(old, on.worker._deps.now_ms()), transport))
        assert flight._unkept is not None
        assert renewed[0].access == flight._unkept.access
        assert lead not in on.contacts()  # nobody was given tokens that were not kept
        for task in asyncio.all_tasks():
            if "_fly" in repr(task.get_coro()):
                task.cancel()


@pytest.mark.parametrize("grace", [30.0, 0.0], ids=["within the grace", "without a grace"])
async def test_a_worker_killed_between_refreshed_and_persisted(
    real_kafka: Broker, tmp_path: Path, grace: float
) -> None:
    """SIGKILL of a process. Within GHL's grace its successor has the same pair; without, it says who must act."""
    async with connected_stage(real_kafka, tmp_path, restarts=True, grace_seconds=grace) as (on, grants):
        await connect_ghl(on, grants)
        first = on.new_lead()
        await on.until(lambda: first in on.contacts())
        await on.worker.__aexit__(None, None, None)
        before = refreshes(on)
        async with on.http.post(f"{on.ghl_url}/_sandbox/oauth/expire", json={}) as answer:
            assert answer.status == 200
        lead = on.new_lead()
        dying = await run_module(
            *("tests.integration.dying_worker", str(config_of(on, tmp_path))),
            env={**os.environ, **ENVIRON, **SECRETS},
            stderr=DEVNULL,
        )
        assert await asyncio.wait_for(dying.wait(), within(40)) == -signal.SIGKILL
        assert refreshes(on) == before + 1, "the vendor gave a pair that nobody kept"
        async with Worker(on.settings, on.given()) as successor:
            on.worker = successor
            if grace:
                await on.until(lambda: lead in on.contacts(), 60)
                return
            causes = lambda: [one.pause_cause for one in successor.writing.core.view(0)]  # noqa: E731  # asked again and again
            await on.until(lambda: any("lofty-ghl connect" in cause for cause in causes()), 60)
            assert lead not in on.contacts()
            await connect_ghl(on, grants)
            await on.until(lambda: lead in on.contacts())


async def test_revoked_access_pauses_the_location_and_says_what_to_do(broker: Broker, tmp_path: Path) -> None:
    async with connected_stage(broker, tmp_path) as (on, grants):
        await connect_ghl(on, grants)
        first = on.new_lead()
        await on.until(lambda: first in on.contacts())
        async with on.http.post(f"{on.ghl_url}/_sandbox/oauth/revoke", json={}) as answer:
            assert answer.status == 200
        lead = on.new_lead()
        await on.until(lambda: any("lofty-ghl connect" in one.pause_cause for one in on.worker.writing.core.view(0)))
        await connect_ghl(on, grants)
        await on.until(lambda: lead in on.contacts())


async def consent_lofty(on: Stage, grants: Grants) -> None:
    """A person consents at Lofty, and the worker is given the pair."""
    link = lofty_link(grants)
    query = await consent(on, link.url, "123456")
    now_ms = on.worker._deps.now_ms()
    async with AiohttpTransport() as transport:
        granted = await accept_lofty(grants, on.settings.connections["acme"], query, transport, now_ms, link.verifier)
    await give(on, grants, granted)


def token_requests(on: Stage) -> list[str]:
    """Which of Lofty's token servers gave a pair, each time."""
    names = ("oauth-token", "developer-oauth-token")
    return [one.operation for one in on.lofty.ledger.after() if one.operation in names and one.status == 200]


LIVES = 4


@pytest.mark.thorough
@pytest.mark.parametrize("rotates", [True, False])
@pytest.mark.parametrize("grant", ["consent", "key"])
@pytest.mark.parametrize("server", ["help_centre", "developer"])
async def test_access_lives_on_through_many_lives_of_its_tokens(
    embedded_kafka: Broker, tmp_path: Path, server: str, grant: str, rotates: bool
) -> None:
    """Each pair is renewed by the server that gave it, whether or not Lofty's refresh tokens rotate; nothing pauses meanwhile.

    A day of a deployment has a dozen lives of Lofty's tokens, and an hour of the demo has six.
    """
    lives: dict[str, Any] = {"access_seconds": within(2.0), "rotates_refresh": rotates}
    async with connected_stage(embedded_kafka, tmp_path, lofty_auth="oauth", server=server, **lives) as (on, grants):
        await connect_ghl(on, grants)
        if grant == "consent":
            await consent_lofty(on, grants)
        else:
            code, _, complaint = await command_with_secrets(on, tmp_path, "connect lofty", "--by-key", "--json")
            assert code == 0, complaint
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())

        number, ghl_before, lofty_before = 0, refreshes(on), len(token_requests(on))
        while min(refreshes(on) - ghl_before, len(token_requests(on)) - lofty_before) < LIVES:
            number += 1
            on.edit("update", "lead", id=int(lead), fields={"city": f"Town {number}"})
            await on.until(lambda: on.contacts()[lead].get("city") == f"Town {number}")  # noqa: B023  # awaited at once
            views = [*on.worker.reading.core.view(0), *on.worker.writing.core.view(0)]
            assert [one.pause_cause for one in views if one.pause_cause] == []
        assert len(set(token_requests(on))) == 1
        assert await on.parked() == []


@pytest.mark.parametrize("server", ["help_centre", "developer"])
async def test_lofty_by_consent_at_both_of_its_servers(broker: Broker, tmp_path: Path, server: str) -> None:
    async with connected_stage(broker, tmp_path, lofty_auth="oauth", server=server) as (on, grants):
        await connect_ghl(on, grants)
        await consent_lofty(on, grants)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        reads = [one for one in on.requests("lofty", "GET") if one.operation == "get-lead"]
        assert reads


async def test_lofty_by_key_needs_no_browser(broker: Broker, tmp_path: Path) -> None:
    async with connected_stage(broker, tmp_path, lofty_auth="oauth") as (on, grants):
        await connect_ghl(on, grants)
        code, out, complaint = await command_with_secrets(on, tmp_path, "connect lofty", "--by-key", "--json")
        assert code == 0, complaint
        assert '"vendor": "lofty"' in out
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())


async def test_the_link_of_another_deployment_is_refused(broker: Broker, tmp_path: Path) -> None:
    async with connected_stage(broker, tmp_path) as (on, grants):
        stranger = Grants(on.settings, KeyRing.of(NEXT))
        link = ghl_link(stranger, on.settings.connections["acme"], on.worker._deps.now_ms())
        query = await consent(on, link.url, LOCATION)
        async with on.http.get(f"{on.gateway.url}/oauth/ghl/callback", params=query) as answer:
            assert answer.status == 400
            assert "its state was not made by this deployment" in await answer.text()
        denied = await consent(on, ghl_link(grants, on.settings.connections["acme"], 2**45).url, LOCATION, "deny")
        async with AiohttpTransport() as transport:
            with pytest.raises(CallbackRefused, match="access_denied"):
                await accept_ghl(grants, on.settings.connections["acme"], denied, transport, 0)
        assert await on.records(TOKENS) == []


async def test_keys_are_rotated(broker: Broker, tmp_path: Path) -> None:
    async with connected_stage(broker, tmp_path) as (on, grants):
        await connect_ghl(on, grants)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        rotating = parse_settings(on.config, {**ENVIRON, **SECRETS, "LOFTY_GHL_TOKEN_KEYS": f"{NEXT},{KEYS}"})
        both = Grants.of(rotating)
        assert both is not None
        assert (await rotate_keys(both)).resealed == [f"ghl:{LOCATION}"]
        # This worker knows only the old key: it says so, and goes on with what it has.
        again = on.new_lead()
        await on.until(lambda: again in on.contacts())
        done = await rotate_keys(both)
        assert (done.resealed, done.kept, done.closed) == ([], [f"ghl:{LOCATION}"], {})
        # With the old key dropped, what is stored still opens; without the new one it does not, and says so.
        side = grants.ghl(on.settings.connections["acme"])
        row = on.worker.tables.tokens.get(side.partition, side.token)
        assert row is not None
        assert Grants(rotating, KeyRing.of(NEXT)).open(side.token, row.sealed).location_id == LOCATION
        with pytest.raises(SealError, match="k2"):
            grants.open(side.token, row.sealed)


async def command_with_secrets(on: Stage, tmp_path: Path, name: str, *arguments: str) -> tuple[int, str, str]:
    for variable, value in SECRETS.items():
        os.environ[variable] = value
    try:
        return await command(name, config_of(on, tmp_path), *arguments)
    finally:
        for variable in SECRETS:
            del os.environ[variable]


async def give(on: Stage, grants: Grants, granted: Any) -> None:
    producer = new_producer(on.settings)
    await start_producer(producer)
    try:
        await send_token(grants, granted, BatchingProducer(producer))
    finally:
        await producer.stop()


async def test_by_key_says_what_is_missing(broker: Broker, tmp_path: Path) -> None:
    async with connected_stage(broker, tmp_path, lofty_auth="oauth") as (on, grants):
        connection = on.settings.connections["acme"]
        bare = connection.model_copy(update={"secrets": connection.secrets.model_copy(update={"lofty_api_key": None})})
        async with AiohttpTransport() as transport:
            with pytest.raises(CallbackRefused, match="no LOFTY_API_KEY"):
                await lofty_by_key(grants, bare, transport, 0)


async def test_consent_for_the_whole_agency_gives_the_locations_token(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The agency's own token may do nothing at a contact: the location's is taken from it, and renewed as such."""
    async with connected_stage(embedded_kafka, tmp_path, is_agency=True) as (on, grants):
        connection = on.settings.connections["acme"]
        link = ghl_link(grants, connection, on.worker._deps.now_ms())
        query = await consent(on, link.url, on.ghl.settings.company_id)
        async with on.http.get(f"{on.gateway.url}/oauth/ghl/callback", params=query) as answer:
            assert answer.status == 200, await answer.text()
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())

        asked = [one.operation for one in on.ghl.ledger.after() if "token" in one.operation]
        assert asked == ["get-access-token", "get-location-access-token"]


async def test_an_agency_whose_token_brings_no_locations_is_told_what_to_set(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Without `oauth.ghl.agency` the link asks for no scope that only agencies have."""
    async with connected_stage(embedded_kafka, tmp_path) as (on, grants):
        link = ghl_link(grants, on.settings.connections["acme"], on.worker._deps.now_ms())
        query = await consent(on, link.url, on.ghl.settings.company_id)
        async with on.http.get(f"{on.gateway.url}/oauth/ghl/callback", params=query) as answer:
            page, status = await answer.text(), answer.status

    assert "oauth.write" not in link.url
    assert status < 500
    assert "set agency = true in [oauth.ghl]" in page
