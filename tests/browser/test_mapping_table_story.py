"""A person who knows no syntax maps a field by choosing: a misspelt name, a preview, a save, one click back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from streams.console.auth.audit_log import Actor
from streams.operations.mapping_preview.editor import MappingEditor
from tests.browser.stage import LONG_MS, somebody
from tests.integration.console import until_indexed
from tests.integration.test_mapping_edits import shift
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough


async def test_a_person_maps_a_field_without_syntax_and_takes_it_back(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The misspelt name is asked about before GHL gets a second field."""
    async with (
        somebody(embedded_kafka, tmp_path, ghl_auth="token", more="", environ={}) as (person, who),
        MappingEditor(person.on.settings) as editor,
        shift(person.on, editor),
    ):
        on, page = person.on, person.page
        lead = on.new_lead(firstName="Ada", lastName="Lovelace", stage="Hot", source="Zillow")
        await on.until(lambda: lead in on.contacts())
        await until_indexed(on, who)
        await person.open("/mapping")
        await person.sign_in("ann")
        await page.get_by_label("Name", exact=True).fill("sellers")
        await page.get_by_label("Used by", exact=True).select_option("acme")
        await page.get_by_role("button", name="Create mapping").click()
        await person.heading("sellers")
        row = page.get_by_role("row").filter(has_text="Lofty stage")
        await expect(row).to_contain_text("Hot", timeout=LONG_MS)
        await expect(row).to_contain_text("built in")
        await person.look("mapping-table")

        await page.get_by_role("link", name="Add a field").click()
        await person.heading("New field")
        await page.get_by_label("Or a custom field").fill("Lofty stagee")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Choose a field of Lofty, or another source.")).to_be_visible()
        assert await page.get_by_label("Or a custom field").input_value() == "Lofty stagee"
        await page.get_by_label("Lofty field").select_option("source")
        await page.get_by_label("Change", exact=True).select_option("values")
        await page.locator("#with1").fill("Zillow = Portal\n* = Other")
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("row").filter(has_text="Zillow")).to_contain_text("Portal", timeout=LONG_MS)
        await person.look("mapping-field-preview")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Saving creates 1 custom field in GoHighLevel:")).to_be_visible(timeout=LONG_MS)
        await person.look("mapping-field-confirm")

        await page.get_by_label("Or a custom field").fill("Lead portal")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("“Lead portal” (Text, one line) in the location of acme.")).to_be_visible()
        await page.get_by_role("button", name="Create and save").click()
        await expect(page.get_by_text("Saved. Lead portal: Source.")).to_be_visible(timeout=LONG_MS)
        new = page.get_by_role("row").filter(has_text="Lead portal")
        await expect(new).to_contain_text("Replace values: Zillow = Portal; * = Other")
        await expect(new).to_contain_text("here")
        await person.look("mapping-table-saved")

        edited = on.new_lead(firstName="Bob", source="Zillow")
        await on.until(lambda: on.contacts().get(edited, {}).get("custom", {}).get("Lead portal") == "Portal")
        await page.get_by_role("button", name="Undo this change").click()
        await expect(page.get_by_text("Undone. The mapping sellers is as it was")).to_be_visible(timeout=LONG_MS)
        await expect(page.get_by_role("row").filter(has_text="Lead portal")).to_have_count(0)

        # Somebody else changes the same field while the form is open: nothing is replaced without a word.
        await page.get_by_role("link", name="Contact source").click()
        await page.get_by_label("Always the same value").check()
        await page.locator("#value").fill("Lofty")
        assert on.gateway.console is not None
        mappings = on.gateway.console.services.mapping
        theirs = '[mappings.sellers]\n[mappings.sellers.fields]\nsource = { from = "source", transform = ["upper"] }\n'
        await mappings.save(Actor("bob", "operator"), "sellers", theirs, (await mappings.state()).version)
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Somebody changed this field after you had opened it.")).to_be_visible()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Saved. Contact source: always “Lofty”.")).to_be_visible(timeout=LONG_MS)
        saved = (await mappings.state()).mapping("sellers")
        assert saved is not None
        assert saved.text == theirs.replace('{ from = "source", transform = ["upper"] }', '{value = "Lofty"}')

        # Back to what is inherited, and away with the mapping.
        await page.get_by_role("link", name="Contact source").click()
        await page.get_by_role("button", name="Use the inherited setting").click()
        await expect(page.get_by_text("Saved. Contact source: Source.")).to_be_visible(timeout=LONG_MS)
        await expect(page.get_by_role("button", name="Delete this mapping")).to_have_count(0)
        await mappings.use(Actor("bob", "operator"), "acme", "default", (await mappings.state()).version)
        await person.open("/mapping/sellers/table")
        await page.get_by_role("button", name="Delete this mapping").click()
        await expect(page.get_by_text("The mapping sellers was deleted.")).to_be_visible(timeout=LONG_MS)
        assert (await mappings.state()).mapping("sellers") is None
        assert [one for one in person.complaints if "422" not in one and "409" not in one] == []
