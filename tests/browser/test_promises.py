"""What the console promises beside its pages: it is light and quick, viewers only look, the answer is two clicks away."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Request, Response, expect

from connectors.sandbox.shared.faults import parse_fault
from tests.browser.stage import LONG_MS, Person, somebody
from tests.deadlines import within_ms
from tests.integration.console import until_indexed
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

FIRST_LOAD_BYTES = 300_000
INTERACTIVE_MS = within_ms(1)
BY_KEY = {"ghl_auth": "token", "more": "", "environ": {}}


async def first_load(person: Person, path: str) -> tuple[int, float]:
    """Bytes and milliseconds until interactive of a page in a browser that has nothing of us but the session."""
    context = await person.chrome.new_context(storage_state=await person.context.storage_state())
    page, loaded = await context.new_page(), list[Request]()

    def finished(one: Request) -> None:
        loaded.append(one)

    page.on("requestfinished", finished)
    await page.goto(f"{person.on.gateway.url}/console{path}", wait_until="networkidle")
    took = await page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    weights = [await one.sizes() for one in list(loaded)]
    await context.close()
    assert len(weights) >= 3
    return sum(one["responseBodySize"] + one["responseHeadersSize"] for one in weights), float(took)


async def buttons(page: Page) -> list[str]:
    """What can be pressed in the page's own part, but for the search."""
    found: list[str] = await page.locator("main button, main a.button").all_inner_texts()
    return found


async def test_a_first_load_is_light_and_quick_and_the_answer_is_two_clicks_away(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Measured on the real gateway; then "why is this lead not in GHL?" from the overview."""
    async with somebody(embedded_kafka, tmp_path, **BY_KEY) as (person, who):
        on, page = person.on, person.page
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422}))
        on.new_lead(firstName="Grace", lastName="Hopper")
        await person.open("/")
        await person.sign_in("ann")
        await until_indexed(on, who)
        for path in ("/", "/contacts?q=hopper", "/parked", "/conflicts", "/connections", "/notifications", "/audit"):
            tries = [await first_load(person, path) for _ in range(3)]
            assert max(size for size, _ in tries) < FIRST_LOAD_BYTES, path
            assert min(took for _, took in tries) < INTERACTIVE_MS, (path, tries)

        await person.open("/")
        await page.get_by_role("searchbox").fill("grace")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Grace Hopper").click()
        await person.heading("It is not in GHL")
        await expect(page.get_by_text("422").first).to_be_visible()


async def test_a_viewer_looks_and_has_no_button_and_the_server_refuses(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What a page does not show, its address does not do either."""
    async with somebody(embedded_kafka, tmp_path, **BY_KEY) as (person, who):
        on, page = person.on, person.page
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422}))
        on.new_lead(firstName="Grace", lastName="Hopper")
        await person.open("/parked")
        await person.sign_in("vera")
        await until_indexed(on, who)
        await person.heading("GHL refuses it")
        assert await buttons(page) == ["Look at it"]
        for path in ("/connections", "/backfill", "/audit"):
            await person.open(path)
            await expect(page.locator("main h1")).to_be_visible(timeout=LONG_MS)
            acts = [one for one in await buttons(page) if not one.startswith(("Steps", "History"))]  # those may be read
            assert acts == [], path
        for path in ("/parked/retry?stage=deliver", "/parked/discard?stage=deliver", "/backfill/start?connection=acme"):
            await person.open(path)
            await person.heading("Another role is needed")
        token = await page.locator("input[name=csrf]").first.get_attribute("value")
        answer = await page.request.post(
            f"{on.gateway.url}/console/parked/discard",
            form={"csrf": token or "", "stage": "deliver"},
            headers={"Origin": on.gateway.url, "Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status == 403
        status, left = await who.ask("GET", "/parked")
        assert (status, left["total"]) == (200, 1)


async def test_an_open_page_is_sent_again_only_when_something_changed(embedded_kafka: Broker, tmp_path: Path) -> None:
    """While nothing happens it is answered 304; what happens then is on it without a reload."""
    async with somebody(embedded_kafka, tmp_path, **BY_KEY) as (person, who):
        on, page = person.on, person.page
        await person.open("/parked")
        await person.sign_in("ann")
        await until_indexed(on, who)
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/console/parked") else None)
        await on.until(lambda: [one.status for one in answers].count(304) >= 3)
        assert {one.status for one in answers} <= {200, 304}
        whole = next(one for one in answers if one.status == 200)
        assert "content-encoding" in await whole.all_headers()
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422}))
        on.new_lead(firstName="Grace", lastName="Hopper")
        await person.heading("GHL refuses it")
        assert person.complaints == []


async def test_without_scripts_a_person_signs_in_and_retries(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Forms and pages alone."""
    async with somebody(embedded_kafka, tmp_path, **BY_KEY) as (person, who):
        on = person.on
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        lead = on.new_lead(firstName="Grace", lastName="Hopper")
        await until_indexed(on, who)
        context = await person.chrome.new_context(java_script_enabled=False)
        plain = Person(on, person.chrome, context, await context.new_page())
        await plain.open("/parked")
        await plain.sign_in("ann")

        async def is_parked() -> bool:
            return bool((await who.get("/parked"))["total"])

        await on.until(is_parked)
        await plain.open("/parked")
        await plain.page.get_by_role("link", name="Retry GHL refuses it").click()
        await plain.page.get_by_role("button", name="Retry 1 record").click()
        await expect(plain.page.get_by_text("1 record was sent again.")).to_be_visible()
        await on.until(lambda: lead in on.contacts())
        await context.close()


async def test_without_scripts_a_person_says_who_is_who(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A couple with one telephone, side by side; the page then says what was decided, and a viewer has no buttons."""
    async with somebody(embedded_kafka, tmp_path, **BY_KEY) as (person, _):
        on = person.on
        for name in ("Ann", "Ben"):
            on.new_lead(firstName=name, lastName="Vale", emails=[f"{name}@example.com"], phones=["(530) 555-0104"])
            await on.until_quiet()
        context = await person.chrome.new_context(java_script_enabled=False)
        plain = Person(on, person.chrome, context, await context.new_page())
        await plain.open("/conflicts")
        await plain.sign_in("ann")
        await plain.heading("One telephone: +15305550104")
        for name in ("Ann Vale", "Ben Vale"):
            await expect(plain.page.get_by_role("link", name=name)).to_be_visible()
        await plain.page.get_by_role("button", name="They are two people").click()
        await expect(plain.page.get_by_text("Decided. What follows")).to_be_visible(timeout=LONG_MS)
        await plain.page.reload()
        await expect(plain.page.get_by_text("decided: two people")).to_be_visible(timeout=LONG_MS)
        await context.close()
        await person.open("/conflicts")
        await person.sign_in("vera")
        await person.heading("One telephone")
        assert await buttons(person.page) == []
