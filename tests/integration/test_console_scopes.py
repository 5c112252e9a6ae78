"""Somebody who is limited to one connection sees nothing of another one, on every route of pages and API.

Two connections have data of every kind, the second under names that occur nowhere else. Every route is asked, whatever it is, so
that a new one is held to it, too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import aiohttp
from aiohttp import web

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.lofty import TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_team
from connectors.sandbox.shared.faults import parse_fault
from streams.console.pages.layout import MESSAGE
from streams.settings.password_hashes import token_hash
from tests.integration.console import Caller, caller, console_on_stage, until_indexed
from tests.integration.stage import LOCATION, TEAM, Stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import PASSWORDS, Browser, cheap_hash

OTHER, OTHER_TEAM, OTHER_LOCATION = "foreign-b", 7_654_321, "loc-zulumarker"
MARKS = re.compile(r"foreign-b|zulu|7654321", re.IGNORECASE)
"""What is of the other connection, wherever it turns up."""
CONTENT = re.compile(r"Zulumarker|7654321|loc-zulu", re.IGNORECASE)
"""The same without the names that a request for it contains itself, and that its refusal may repeat."""
SUES, OTTOS, OPALS = "the password of sue", "lgt_the-token-of-otto", "the password of opal"

MORE = f"""
[[console.users]]
name = "sue"
role = "viewer"
connections = ["acme"]
password_hash = "{cheap_hash(SUES)}"
[[console.users]]
name = "opal"
role = "operator"
connections = ["acme"]
password_hash = "{cheap_hash(OPALS)}"
[[console.tokens]]
name = "otto"
role = "operator"
connections = ["acme"]
hash = "{token_hash(OTTOS)}"
[connections.{OTHER}]
region = "US"
mapping = "zulumap"
[connections.{OTHER}.lofty]
team_id = "{OTHER_TEAM}"
base_url = "{{lofty}}"
requests_per_minute = 100000
[connections.{OTHER}.ghl]
location_id = "{OTHER_LOCATION}"
base_url = "{{ghl}}"
requests_per_window = 100000
[connections.{OTHER}.sweep]
new_minutes = 0.05
[mappings.zulumap.fields]
city = "leadSource"
[notifications.smtp]
host = "127.0.0.1"
port = 9
security = "none"
sender = "sync@example.com"
"""
ENVIRON = {
    "LOFTY_GHL_FOREIGN_B_LOFTY_API_KEY": "other-key",
    "LOFTY_GHL_FOREIGN_B_GHL_TOKEN": "pit-other",
    "LOFTY_GHL_FOREIGN_B_WEBHOOK_SECRET": "another-secret-of-the-stage-1234",
}


@dataclass(slots=True)
class Ids:
    """What one connection has, by the names of the parts of addresses."""

    connection: str
    lead: str = ""
    parked: str = ""
    retry: str = ""
    run: str = ""
    verification: str = ""
    recipient: str = ""
    mapping: str = "default"
    others: dict[str, str] = field(
        default_factory=lambda: {
            "vendor": "lofty",
            "secret": "ghl_token",
            "location": "loc-nowhere",
            "account": "loc-nowhere",
        }
    )

    def part(self, path: str, name: str) -> str:
        """The value of a part of an address."""
        if name == "id":
            return self.retry if "retries" in path else self.parked if "parked" in path else self.verification
        if name == "name":
            return "console.css" if "assets" in path else self.mapping
        known = {"connection": self.connection, "lead": self.lead, "run": self.run, "recipient": self.recipient}
        known |= self.others
        return known[name]

    def address(self, path: str) -> str:
        """The address of a route, about this connection."""
        return re.sub(r"{(\w+)}", lambda found: self.part(path, found[1]), path)


@asynccontextmanager
async def two_connections(broker: Broker, tmp_path: Path) -> AsyncIterator[tuple[Stage, Ids, Ids]]:
    """The stage with everything that the console shows, of both connections."""
    teams = (TeamSettings(TEAM, ("stage-key",)), TeamSettings(OTHER_TEAM, ("other-key",)))
    locations = (LocationSettings(LOCATION, ("pit-stage",)), LocationSettings(OTHER_LOCATION, ("pit-other",)))
    more: dict[str, Any] = {"lofty": {"teams": teams}, "ghl": {"locations": locations}, "environ": ENVIRON}
    async with console_on_stage(broker, tmp_path, more=MORE, **more) as on:
        desk_work.seed(on.lofty, desk_work.team_of(on.lofty, OTHER_TEAM), make_team())
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422}))
        own, other = Ids("acme"), Ids(OTHER, mapping="zulumap")
        own.lead = on.new_lead(firstName="Ownmarker")
        fields = {"firstName": "Zulumarker", "lastName": "Person", "emails": ["zulumarker@example.com"]}
        other.lead = on.new_lead(team_id=OTHER_TEAM, **fields)
        who = caller(on)
        for ids in (own, other):
            await _fill(on, who, ids)
        await until_indexed(on, who)
        yield on, own, other


async def _fill(on: Stage, who: Caller, ids: Ids) -> None:
    """A parked record that was sent again in vain, a replay, a comparison, a recipient of messages, and acts in the audit."""
    assert (await who.ask("POST", f"/backfills/{ids.connection}"))[0] == 200
    rows: list[dict[str, Any]] = []

    async def is_parked() -> bool:
        nonlocal rows
        rows = (await who.get("/parked/records", connection=ids.connection))["rows"]
        return bool(rows)

    await on.until(is_parked, 90)
    status, done = await who.ask("POST", "/parked/retry", {"id": rows[0]["id"]})
    assert status == 200, done
    ids.retry = done["retry"]
    await on.until(is_parked, 90)
    ids.parked = rows[0]["id"]
    status, made = await who.ask("POST", "/replays", {"topic": "lofty.snapshots", "connection": ids.connection})
    assert status == 200, made
    ids.run = made["run"]
    status, made = await who.ask("POST", "/verifications", {"connection": ids.connection})
    assert status == 200, made
    ids.verification = made["id"]
    marker = "zulumarker" if ids.connection == OTHER else "ownmarker"
    body = {"label": "the owner", "emails": [f"{marker}@example.com"], "connections": [ids.connection]}
    status, made = await who.ask("POST", "/notifications/recipients", body)
    assert status == 200, made
    ids.recipient = made["name"]


def routes(on: Stage) -> Iterator[tuple[str, str, str]]:
    """Every route: its method, its address with its parts, and what it concerns."""
    console = on.gateway.console
    assert console is not None
    for app in (console.pages, console.api):  # type: ignore[attr-defined]  # it is the console's server
        for route in app.router.routes():
            assert isinstance(route, web.AbstractRoute)
            assert route.resource is not None
            yield route.method, route.resource.canonical, console.guard.routes.concerns(route)  # type: ignore[attr-defined]  # as above


@asynccontextmanager
async def signed_in(on: Stage, name: str, password: str) -> AsyncIterator[Browser]:
    """A browser in which somebody has signed in."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        browser = Browser(on.gateway.url, http)
        assert await browser.sign_in(name, password) == 200
        yield browser


QUERIES = (
    {},
    {"q": "Zulumarker"},
    {"q": "zulumarker@example.com"},
    {"who": "zulumarker@example.com"},
    {"who": "robot"},
    {"topic": "lofty.snapshots"},
)


async def test_a_limited_viewer_sees_nothing_of_another_connection(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Lists and figures are without it; whatever is asked by its id is not there."""
    async with two_connections(embedded_kafka, tmp_path) as (on, own, other), signed_in(on, "sue", SUES) as sue:
        await is_there_for_others(on, other)
        found: list[tuple[str, int, str]] = []
        not_refused, seen = [], 0
        for method, path, concerns in routes(on):
            if method != "GET":
                continue
            for query in QUERIES:
                address = own.address(path) + (f"?{urlencode(query)}" if query else "")
                status, text = await look(sue, address, *query.values())
                found += [(address, status, mark[0]) for mark in MARKS.finditer(text)]
                seen += status == 200
                if concerns == "deployment" and status != 403:
                    not_refused.append((address, status))
            for address in (other.address(path), f"{own.address(path)}?{urlencode({'connection': OTHER})}"):
                if address == own.address(path) or concerns == "person":
                    continue
                status, text = await look(sue, address)
                found += [(address, status, mark[0]) for mark in CONTENT.finditer(text)]
                if status not in (403, 404, 422):
                    not_refused.append((address, status))
        assert found == []
        assert not_refused == []
        assert seen > 50
        _, overview, _ = await sue.ask("GET", "/api/v1/overview")
        assert (overview["index"]["contacts"], overview["parked"]["total"]) == (1, 1)
        _, hits, _ = await sue.ask("GET", "/api/v1/contacts?q=Ownmarker")
        assert [one["lead"] for one in hits["found"]] == [own.lead]


async def look(who: Browser, address: str, *asked: str) -> tuple[int, str]:
    """Status and text of an answer, without what was asked for: as it is, and as the page's own addresses repeat it."""
    status, body, _ = await who.ask("GET", address)
    text = body if isinstance(body, str) else json.dumps(body)
    for one in asked:
        text = text.replace(one, "").replace(quote_plus(one), "")
    return status, text


OF_ONES_OWN = "/api/v1/doctor"
"""Takes no connection, changes nothing, and asks the vendors of one's own connections alone."""


async def test_a_limited_operator_changes_nothing_of_another_connection(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Every route that changes something, with the other connection in the address, in the body, or by the id of what it has."""
    async with two_connections(embedded_kafka, tmp_path) as (on, own, other):
        otto = caller(on, token=OTTOS)
        before = (await caller(on).get("/audit", limit=500))["acts"]
        taken = []
        for method, path, concerns in routes(on):
            if method in ("GET", "HEAD") or concerns == "person" or not path.startswith("/api/v1"):
                continue
            bodies: list[Any] = [{"connection": OTHER}, None, {}, {"id": other.parked}]
            for body in bodies:
                for ids in (own, other):
                    if ids is own and body != {"connection": OTHER}:
                        continue
                    address = ids.address(path)
                    headers = {"Authorization": f"Bearer {OTTOS}"}
                    async with on.http.request(method, on.gateway.url + address, json=body, headers=headers) as answer:
                        text = await answer.text()
                        assert not CONTENT.search(text), (address, text)
                        is_taken = answer.status < 400 and body != {"id": other.parked}
                        if is_taken and (path != OF_ONES_OWN or body == {"connection": OTHER}):
                            taken.append((method, address, body, answer.status))
        status, done = await otto.ask("POST", "/parked/retry", {"id": other.parked})
        assert (status, done["count"]) == (200, 0)
        assert (await otto.ask("POST", "/replays", {"topic": "lofty.snapshots"}))[0] == 422
        known = {one["id"] for one in before}
        after: list[Any] = []

        async def is_checked() -> bool:
            nonlocal after
            after = (await caller(on).get("/audit", limit=500))["acts"]
            return any(one["action"] == "doctor" for one in after)

        await on.until(is_checked)
        acts = [one for one in after if one["id"] not in known and one["who"] == "otto" and one["outcome"] == "done"]
        checks = [one["about"] for one in after if one["action"] == "doctor"]
        assert all(about == {"connection": own.connection} for about in checks)
        acts = [one for one in acts if one["action"] != "doctor"]
        assert [one for one in acts if one["about"].get("records") != "0"] == []
        assert taken == []


async def test_a_limited_operator_changes_nothing_of_another_connection_by_forms(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Every form of the pages, as a browser sends it: with the other connection in the address or in any field that names one."""
    async with two_connections(embedded_kafka, tmp_path) as (on, own, other), signed_in(on, "opal", OPALS) as opal:
        foreign: tuple[list[tuple[str, str]], ...] = (
            [("connection", OTHER)],
            [("connection", "acme"), ("connection", OTHER)],
            [("connection", OTHER), ("connection", "acme")],
            [*(("id", one) for one in (other.parked, other.retry)), ("run", other.run), ("lead", other.lead)],
            [(name, OTHER) for name in ("chosen", "of", "name", "connections")],
        )
        taken, asked = [], 0
        for method, path, concerns in routes(on):
            if method != "POST" or concerns == "person" or not path.startswith("/console"):
                continue
            for ids, fields in [(own, fields) for fields in foreign] + [(other, [])]:
                address = ids.address(path)
                if ids is other and address == own.address(path):
                    continue
                status, text = await send(opal, address, fields)
                asked += 1
                assert not CONTENT.search(text), (address, fields, text)
                must_refuse = ids is other or fields == foreign[0] or concerns == "deployment"
                if must_refuse and status not in (403, 404):
                    taken.append((address, fields, status))
        assert taken == []
        assert asked > 50
        who = caller(on)
        await until_indexed(on, who)
        acts = [one for one in (await who.get("/audit", limit=500))["acts"] if one["who"] == "opal"]
        named = [one for one in acts if one["outcome"] == "done" and MARKS.search(json.dumps(one["about"]))]
        assert named == []


async def send(who: Browser, address: str, fields: list[tuple[str, str]]) -> tuple[int, str]:
    """Send a form of our own pages; status, and what the answer says: its text, where it leads, and the message for there."""
    headers = {"Origin": who.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    data = urlencode([("csrf", who.csrf), *fields])
    async with who.http.post(who.url + address, data=data, headers=headers, allow_redirects=False) as answer:
        message = answer.cookies[MESSAGE].value if MESSAGE in answer.cookies else ""
        words = base64.urlsafe_b64decode(message).decode()
        return answer.status, f"{await answer.text()} {answer.headers.get('Location', '')} {words}"


async def is_there_for_others(on: Stage, other: Ids) -> None:
    """What is looked for is there to be seen by somebody who sees all: otherwise the search would prove nothing."""
    shown = set()
    async with signed_in(on, "ann", PASSWORDS["ann"]) as ann:
        for method, path, _ in routes(on):
            if method == "GET":
                status, text = await look(ann, other.address(path))
                if status == 200 and MARKS.search(text):
                    shown.add(path)
    assert len(shown) > 25, sorted(shown)
