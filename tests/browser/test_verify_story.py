"""A person compares GHL with Lofty, sees what somebody changed by hand, and repairs it with one click."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.stage import somebody
from tests.deadlines import within_ms
from tests.integration.console import until_indexed
from tests.integration.stage import LOCATION
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

READ_MS = within_ms(120)
"""A comparison comes after all other work, and reads once more after ten seconds what seems wrong."""


async def test_a_person_compares_and_repairs_by_clicks(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What is wrong is named with both values; the repair is written by the worker; the API says the same."""
    async with somebody(embedded_kafka, tmp_path, ghl_auth="token", more="", environ={}) as (person, who):
        on, page = person.on, person.page
        lead = on.new_lead(firstName="Ada", lastName="Lovelace", source="Zillow")
        other = on.new_lead(firstName="Bob")
        await on.until(lambda: {lead, other} <= on.contacts().keys())
        await until_indexed(on, who)
        await person.open("/verify")
        await person.sign_in("ann")
        await person.look("verifications")
        await page.get_by_role("button", name="Compare now").click()
        await expect(page.get_by_text("Nothing is wrong")).to_be_visible(timeout=READ_MS)
        await expect(page.get_by_text("2 leads,")).to_be_visible()

        on.ghl.location(LOCATION).contacts[on.contacts()[lead]["id"]].fields["source"] = "by hand"
        await person.open(f"/contacts/acme/{lead}")
        await page.get_by_role("button", name="Compare now").click()
        await expect(page.get_by_role("heading", name="What is wrong")).to_be_visible(timeout=READ_MS)
        row = page.get_by_role("row").filter(has_text="source")
        await expect(row).to_contain_text("Zillow")
        await expect(row).to_contain_text("by hand")
        await person.look("verification-wrong")
        await page.get_by_role("button", name="Repair 1 finding").click()
        await expect(page.get_by_role("heading", name="Repaired")).to_be_visible(timeout=READ_MS)
        assert on.contacts()[lead]["source"] == "Zillow"
        await person.look("verification-repaired")

        await person.open("/runs?connection=acme&kind=comparison")
        await expect(page.get_by_role("row")).to_have_count(4)
        await expect(page.get_by_role("row").nth(1)).to_contain_text("0 wrong, 1 repaired")
        await person.look("runs")
        await page.get_by_label("What").select_option("Imports")
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_text("Nothing here yet")).to_be_visible()

        status, found = await who.ask("GET", "/verifications")
        assert (status, [one["is_repair"] for one in found]) == (200, [True, False, False])
        status, wrong = await who.ask("POST", "/verifications", {"connection": "nobody"})
        assert (status, wrong["detail"]) == (404, "There is no connection 'nobody'.")
        status, wrong = await who.ask("GET", "/verifications/nothing")
        assert status == 404
        status, entries = await who.ask("GET", "/audit")
        actions = [(one["action"], one["detail"]) for one in entries["acts"] if one["action"] in ("verify", "repair")]
        assert ("repair", "0 wrong, 1 repaired") in actions
        assert ("verify", "1 wrong, 0 repaired") in actions
        assert person.complaints == []
