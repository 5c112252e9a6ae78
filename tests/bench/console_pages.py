"""How quick the console is with many connections and leads: each page at the server, and its first paint in a browser.

The connections are added by a table and served by a worker. Then snapshots and links of leads are put on the topics as the
pipeline would have left them, spread evenly, and some records on `parked`. One real gateway serves everything. Every page that can
be fetched is fetched, as its routes list them: a new page is held to it, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from confluent_kafka import Producer
from playwright.async_api import Browser, BrowserContext, Page, Response, async_playwright

from connectors.sandbox.lofty.people import make_leads
from connectors.sandbox.lofty.shapes import blank_lead
from streams.console.server import ConsoleServer
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.delivery import settled_as
from streams.demo.percentiles import percentile
from streams.kafka.parking import Parking
from streams.messages import Parked, Receipt
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import LINKS_TABLE, SNAPSHOTS
from tests.bench.connections import OTHERS, PASSWORD, TOKEN, growing_town, import_table, name_of
from tests.bench.made_snapshots import contact_snapshot
from tests.bench.replay import put_record, skip_snapshots
from tests.bench.town import Town, processor_seconds

REQUESTS, WARM, PAINTS = 24, 2, 8
PARKED = 300
AT_MS = time.time_ns() // 1_000_000
SLOW_MS = 100.0
SAME = ("connection", "lead", "kind", "id", "update_time_ms", "accepted_ms", "version_ms", "fingerprint")
"""What a receipt has from the snapshot that was written."""


async def console(bootstrap: str, connections: int, leads: int, *, only_browser: bool = False) -> dict[str, Any]:
    """Add, fill, and look: at each page at the server, and then in a browser."""
    async with growing_town(bootstrap, connections) as on:
        await import_table(on, connections)
        await _until_served(on, connections + OTHERS)
        on.children["worker"].stop()
        await asyncio.to_thread(_fill, on, connections, leads)
        await skip_snapshots(on)
        on.children["worker"] = on.start_worker("second")
        await on.children["worker"].until_ready(on.http, f"{on.worker}/readyz")
        began = time.monotonic()
        await _until_indexed(on, leads)
        await _until_served(on, connections + OTHERS)
        await on.until_still(2.0, most=120.0)
        found: dict[str, Any] = {"connections": connections + OTHERS, "leads": leads}
        found["index_seconds"] = time.monotonic() - began
        load = os.getloadavg()[0]
        if only_browser:
            return {**found, "browser": await _browser(on), "load": f"{load:.1f} to {os.getloadavg()[0]:.1f}"}
        pages = await _pages(on, leads)
        found["load"] = f"{load:.1f} to {os.getloadavg()[0]:.1f}"
        found["pages"] = len(pages)
        found["slow_pages"] = sum(one["p95_ms"] >= SLOW_MS for one in pages.values())
        found["each"] = {name: " ".join(f"{k} {v}" for k, v in one.items()) for name, one in pages.items()}
        print(json.dumps(found), file=sys.stderr)
        found["browser"] = await _browser(on)
        return found


# -- data -----------------------------------------------------------------------------------------------------


def _fill(on: Town, connections: int, leads: int) -> None:
    """Snapshots, their links, and records that are parked."""
    producer = Producer({"bootstrap.servers": on.settings.kafka.bootstrap_servers, "acks": "all", "linger.ms": 20})
    partitions, people = on.settings.kafka.partitions, make_leads(400)
    mapping = on.settings.connections["pair0"].mapping_fingerprint

    for one in range(leads):
        number = OTHERS + one % connections
        name, lead = name_of(number), str(20_000_000 + one)
        partition = partition_of(ghl_budget(f"loc{number}"), partitions)
        person = {k: v for k, v in people[one % len(people)].items() if k not in ("notes", "tasks", "appointments")}
        state = {**blank_lead(int(lead), int(on.plan.team(number)), AT_MS), **person, "leadId": int(lead), "tags": []}
        state["emails"] = [f"lead{one}@example.com"]
        snapshot = contact_snapshot(name, lead, state, AT_MS)
        settled = settled_as(snapshot.fingerprint, mapping)
        about = snapshot.model_dump(include={*SAME})
        receipt = Receipt(
            **about, outcome="applied", step="create contact", at_ms=AT_MS + 5, settled=settled, ghl_id=f"ghl{one}"
        )
        key = snapshot.entity.key.encode()
        put_record(producer, on.names.of(SNAPSHOTS), snapshot.to_bytes(), key, partition)
        put_record(producer, on.names.changelog(LINKS_TABLE), record_link(None, receipt).to_bytes(), key, partition)
    parking = Parking(on.names, partitions)
    for one in range(PARKED):
        name, why = name_of(OTHERS + one % connections), ("unknown shape", "not json", "too large")[one % 3]
        made = Parked(
            stage="intake", reason=why, message="Lofty sent this", at_ms=AT_MS, source="bench", connection=name
        )
        record = parking.record(made)
        put_record(producer, record.topic, record.value or b"", record.key or b"", record.partition)
    if left := producer.flush(300):
        raise TimeoutError(f"{left} records were not acknowledged by Kafka")


async def _api(on: Town, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with on.http.request(method, f"{on.gateway}/api/v1{path}", json=body, headers=headers) as answer:
        return await answer.json()


async def _until_ended(on: Town, *runs: str) -> None:
    """What was started works beside the pages, so it ends first."""
    async with asyncio.timeout(180):
        while not all([(await _api(on, "GET", run))["ended_ms"] for run in runs]):
            await asyncio.sleep(0.5)


async def _until_served(on: Town, connections: int) -> None:
    async with asyncio.timeout(180):
        while True:
            found = await _api(on, "GET", "/overview")
            rows = found.get("deployment", {}).get("connections", ())
            if sum(bool(one["reading"] and one["writing"]) for one in rows) >= connections:
                return
            await asyncio.sleep(0.5)


async def _until_indexed(on: Town, leads: int) -> None:
    async with asyncio.timeout(600):
        while True:
            index = (await _api(on, "GET", "/overview")).get("index", {})
            if index.get("is_complete") and index["behind"] == 0 and index["contacts"] >= leads:
                return
            await asyncio.sleep(1.0)


# -- pages at the server --------------------------------------------------------------------------------------


def page_routes(on: Town) -> Iterator[str]:
    """The path of every page, with its parts in braces."""
    made = ConsoleServer(on.settings, lambda: None, lambda: 0)  # type: ignore[arg-type,return-value]  # it is not started
    made.mount(web.Application())
    for route in made.pages.router.routes():
        if route.method == "GET" and route.resource is not None and "assets" not in route.resource.canonical:
            yield route.resource.canonical


async def _pages(on: Town, leads: int) -> dict[str, dict[str, Any]]:
    name = name_of(OTHERS + 1)
    ids = {"connection": name, "lead": str(20_000_001), "vendor": "lofty", "name": "default", "location": "loc5"}
    verification = await _api(on, "POST", "/verifications", {"connection": name})
    doctor = await _api(on, "POST", "/doctor")
    parked = (await _api(on, "GET", "/parked/records"))["rows"][0]["id"]
    await _until_ended(on, f"/verifications/{verification['id']}", f"/doctor/{doctor['id']}")
    async with signed_in(on) as http:
        found: dict[str, dict[str, Any]] = {}
        for route in page_routes(on):
            owner = {"verify": verification, "doctor": doctor}.get(route.split("/")[2] if "/" in route[9:] else "", {})
            known = {**ids, "id": parked if "parked" in route else str(owner.get("id", "none"))}
            path = re.sub(r"{(\w+)}", lambda part: known.get(part[1], "none"), route)  # noqa: B023  # used at once
            for query in QUERIES.get(path.removeprefix("/console"), ("",)):
                found[path + query] = await _timed(on, http, path + query)
        return found


QUERIES = {
    "/contacts": ("", "?q=lead77@example.com", "?state=in", "?connection=agency-010"),
    "/connections": ("", "?name=agency-1", "?sort=leads", "?page=2"),
    "/mapping/default/field": ("?field=firstName",),
    "/parked/cause": ("?stage=intake&reason=not+json",),
}
"""What a page is asked with, too."""


@asynccontextmanager
async def signed_in(on: Town) -> AsyncIterator[aiohttp.ClientSession]:
    """A person's session."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(f"{on.gateway}/console/sign-in") as answer:
            csrf = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
        form = {"csrf": csrf[1] if csrf else "", "name": "ann", "password": PASSWORD, "go_on": ""}
        headers = {"Origin": on.gateway, "Sec-Fetch-Site": "same-origin"}
        async with http.post(f"{on.gateway}/console/sign-in", data=form, headers=headers) as answer:
            await answer.read()
        yield http


async def _timed(on: Town, http: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    took, size, status, before = [], 0, 0, 0.0
    for number in range(REQUESTS + WARM):
        if number == WARM:
            before = processor_seconds(on, "gateway")
        began = time.perf_counter()
        async with http.get(f"{on.gateway}{path}", allow_redirects=False) as answer:
            if answer.content_type == "text/csv":  # a download: how soon it begins
                size, status = len(await answer.content.readany()), answer.status
                answer.close()
            else:
                size, status = len(await answer.read()), answer.status
        if number >= WARM:
            took.append(1000 * (time.perf_counter() - began))
    spent = 1000 * (processor_seconds(on, "gateway") - before) / REQUESTS
    cuts = {f"p{percent}_ms": round(percentile(took, percent), 1) for percent in (50, 95)}
    return {**cuts, "processor_ms": round(spent, 1), "status": status, "kilobytes": round(size / 1000, 1)}


# -- in a browser ---------------------------------------------------------------------------------------------


@dataclass
class Load:
    """One load of a page by a browser that has nothing of us but the session."""

    paint_ms: float
    kilobytes: float


async def _browser(on: Town) -> dict[str, Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        return {"chromium": "there is none here"}
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            return await _looked_at(on, chrome)
        finally:
            await chrome.close()


async def _looked_at(on: Town, chrome: Browser) -> dict[str, Any]:
    context = await chrome.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(60_000)
    page = await context.new_page()
    await page.goto(f"{on.gateway}/console/sign-in")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/console/")
    found: dict[str, Any] = {}
    paths = ("/", "/connections", "/contacts", "/parked", "/connections?name=agency-1", "/connections?sort=leads")
    for path in paths:
        loads = [await _load(on, chrome, context, path) for _ in range(PAINTS)]
        paints = [one.paint_ms for one in loads]
        found[path] = (
            f"first paint p50 {percentile(paints, 50):.0f}, most {max(paints):.0f} ms; first load "
            f"{max(one.kilobytes for one in loads):.0f} kB"
        )
    found |= await _acts(on, page)
    await context.close()
    return found


async def _load(on: Town, chrome: Browser, signed: BrowserContext, path: str) -> Load:
    context = await chrome.new_context(
        storage_state=await signed.storage_state(), viewport={"width": 1280, "height": 860}
    )
    page = await context.new_page()
    answers: list[Response] = []

    def note(one: Response) -> None:
        answers.append(one)  # a method of a list cannot be given: Playwright sets an attribute of it

    page.on("response", note)
    await page.goto(f"{on.gateway}/console{path}", wait_until="networkidle")
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
    async with asyncio.timeout(30):
        while (at := float(await page.evaluate(paint))) < 0:
            await asyncio.sleep(0.05)
        sizes = [await one.request.sizes() for one in answers]
    await context.close()
    return Load(at, sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes) / 1000)


async def _acts(on: Town, page: Page) -> dict[str, Any]:
    """By the pages' own controls: search, order, and pause and resume all that fit; seconds until each page is there."""
    found: dict[str, Any] = {}

    async def took(what: str, act: Callable[[], Awaitable[Any]]) -> None:
        began = time.perf_counter()
        await act()
        found[what] = f"{time.perf_counter() - began:.2f} s"

    async def all_that_fit(act: str) -> None:
        await page.get_by_label("With the chosen connections").select_option(label=act)
        await page.locator("input[name=all]").check()
        await page.get_by_role("button", name="Go on").click()
        await page.locator("form[action$='connection-acts'] button").first.click()
        await page.wait_for_url("**/connection-acts/*")

    async def done() -> None:
        async with asyncio.timeout(120):
            while await page.locator("progress, [role=progressbar]").count():
                await asyncio.sleep(1.0)
                await page.reload()

    await page.goto(f"{on.gateway}/console/connections")
    for act in ("Pause", "Resume"):
        await took("search", lambda: _show(page, "agency-"))
        await took("order", lambda: _show(page, "agency-", "leads"))
        await took(f"{act}, begun", lambda act=act: all_that_fit(act))  # type: ignore[misc]  # a default binds it
        await took(f"{act}, outcome of each", done)
        await page.goto(f"{on.gateway}/console/connections")
    return found


async def _show(page: Page, text: str, sort: str = "name") -> None:
    await page.get_by_label("Name or account").fill(text)
    await page.get_by_label("Order").select_option(sort)
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.wait_for_load_state("load")
