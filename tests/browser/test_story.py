"""A person works with the console, from the first sign-in to a repaired lead, on the real pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import expect

from connectors.sandbox.shared.faults import parse_fault
from tests.browser.stage import LONG_MS, Person, somebody
from tests.integration.console import Caller
from tests.kafka.broker import Broker


async def until_found(person: Person, who: Caller, words: str) -> dict[str, Any]:
    """Wait until the search finds one lead."""
    found: dict[str, Any] = {}

    async def is_found() -> bool:
        nonlocal found
        status, found = await who.ask("GET", "/contacts", query={"q": words})
        return status == 200 and len(found["found"]) == 1

    await person.on.until(is_found)
    return found


async def connect(person: Person) -> None:
    """Through GHL's page of consent, and back to the console."""
    await person.menu("Connections")
    await expect(person.page.get_by_text("Waiting for access to GHL")).to_be_visible()
    await person.look("connections-waiting")
    await person.page.get_by_role("link", name="Connect GHL of acme").click()
    await person.heading("Give app1-acme access to GoHighLevel")
    await person.page.get_by_role("button", name="Approve").click()
    await person.heading("Connected")
    await person.page.get_by_role("link", name="Back to the console").click()
    await person.heading("acme")
    await person.menu("Connections")
    await expect(person.page.get_by_text("Permissions (")).to_be_visible()
    await person.look("connections")


async def test_a_person_connects_sees_a_lead_arrive_and_mends_one_that_does_not(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Sign-in, OAuth, search, timeline, a parked record, its retry, the audit. Every page is looked at, and asked by axe."""
    async with somebody(embedded_kafka, tmp_path) as (person, who):
        on, page = person.on, person.page
        await person.open("/parked")
        await person.look("sign-in")
        await person.sign_in("ann")
        await person.heading("Nothing needs attention")
        await connect(person)

        on.new_lead(firstName="Ada", lastName="Lovelace", phones=["(206) 555-0142"])
        await until_found(person, who, "lovelace")
        await page.get_by_role("searchbox").fill("lovelace")
        await page.keyboard.press("Enter")
        await person.look("contacts")
        await page.get_by_role("link", name="Ada Lovelace").click()
        await person.heading("It is in GHL, as Lofty has it")
        await expect(page.get_by_text("Written to GHL").first).to_be_visible()
        await page.locator(".step summary").first.click()
        await person.look("timeline")

        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422}))
        on.new_lead(firstName="<script>window.hacked=1</script>", lastName="Hopper")
        await page.get_by_role("searchbox").fill("hopper")
        await until_found(person, who, "hopper")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Hopper").click()
        await person.heading("It is not in GHL")
        await page.wait_for_function("window.hacked === undefined")  # the page may follow its news at this moment
        await person.look("timeline-parked")
        await page.get_by_role("link", name="Open the problem").click()
        await person.heading("GHL refuses it")
        await person.look("parked-record")
        await person.menu("Needs attention")
        await person.heading("GHL refuses it")
        await person.look("parked")

        on.ghl.faults.clear()
        await page.get_by_role("link", name="Retry GHL refuses it").click()
        dialog = page.get_by_role("dialog", name="Retry 1 record?")
        await dialog.get_by_role("button", name="Retry 1 record").click()
        await expect(page.get_by_text("1 record was sent again.")).to_be_visible()
        await page.get_by_role("searchbox").fill("hopper")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Hopper").click()
        await person.heading("It is in GHL, as Lofty has it")

        await person.menu("Audit")
        await expect(page.get_by_text("retried problems")).to_be_visible(timeout=LONG_MS)
        await person.look("audit")
        await person.menu("Import leads")
        await person.look("backfill")
        await person.menu("Overview")
        await person.look("overview")
        await person.open("/no-such-page")
        await person.look("trouble")
        # 503: on a busy machine a page may not have its news in time, says so, and asks again.
        assert [one for one in person.complaints if "404" not in one and "503" not in one] == []
