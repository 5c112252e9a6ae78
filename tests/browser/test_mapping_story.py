"""A person works with a mapping: creates it, makes a mistake, fixes it, tries it on real leads, saves while another saves, replays."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from streams.console.auth.audit_log import Actor
from streams.operations.mapping_preview.editor import MappingEditor
from tests.browser.stage import LONG_MS, Person, somebody
from tests.integration.console import until_indexed
from tests.integration.test_mapping_edits import shift, until_version
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

HEAD = '[mappings.sellers]\nextends = "default"\n[mappings.sellers.fields]\n'
RIGHT = HEAD + 'firstName = { from = "firstName", transform = ["upper"] }\n'
WRONG = HEAD + 'website = "facebok"\n' + RIGHT.removeprefix(HEAD)


async def write(person: Person, text: str) -> None:
    """Put a text into the editor."""
    await person.page.get_by_label("The mapping’s text").fill(text)  # noqa: RUF001  # an apostrophe as people write it


async def test_a_person_edits_a_mapping_with_an_error_and_then_rightly(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Errors by line, a preview of a real lead, somebody else's save in between, and the replay that is offered."""
    async with (
        somebody(embedded_kafka, tmp_path, ghl_auth="token", more="", environ={}) as (person, who),
        MappingEditor(person.on.settings) as desk,
        shift(person.on, desk) as shifts,
    ):
        on, page = person.on, person.page
        lead = on.new_lead(firstName="Ada", lastName="Lovelace")
        await on.until(lambda: lead in on.contacts())
        await until_indexed(on, who)
        await person.open("/mapping")
        await person.sign_in("ann")
        await page.get_by_label("Name", exact=True).fill("sellers")
        await page.get_by_label("Used by", exact=True).select_option("acme")
        await person.look("mappings")
        await page.get_by_role("button", name="Create mapping").click()
        await person.heading("sellers")
        await page.get_by_role("link", name="Advanced: as text").click()

        await write(person, WRONG)
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("1 problem to fix before it can be saved")).to_be_visible()
        await expect(page.get_by_text("did you mean 'facebook'?")).to_be_visible()
        await page.get_by_role("link", name="Line 4").click()
        await person.look("editor-wrong")

        await write(person, RIGHT)
        await page.locator("#leads").fill("lovelace")
        await page.get_by_role("button", name="Preview").click()
        row = page.get_by_role("row").filter(has_text="firstName")
        await expect(row).to_contain_text("ADA", timeout=LONG_MS)
        await expect(row).to_contain_text("is written")
        await expect(page.get_by_text("1 field would be written")).to_be_visible()
        await expect(page.locator("#result")).to_be_in_viewport()
        await expect(page.get_by_text("Not saved yet")).to_be_attached()
        await person.look("editor-preview")

        assert on.gateway.console is not None
        mappings = on.gateway.console.services.mapping
        await mappings.save(Actor("bob", "operator"), "sellers", HEAD, (await mappings.state()).version)
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("bob saved this mapping")).to_be_visible()
        await person.look("editor-conflict")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
        await person.look("editor-saved")
        saved = (await mappings.state()).mapping("sellers")
        assert saved is not None
        assert saved.text == RIGHT

        await until_version(on, shifts, (await mappings.state()).version)
        await page.get_by_role("link", name="See what would change").click()
        await person.heading("Apply mapping to existing contacts")
        await page.get_by_role("button", name="See what would change").click()
        await expect(page.get_by_text("and no vendor was asked")).to_be_visible(timeout=LONG_MS)
        await expect(page.locator(".bars")).to_contain_text("firstName")
        await person.look("replay-dry")
        before = len(on.requests("lofty"))
        await page.get_by_role("button", name="Apply now").click()
        await expect(page.get_by_text("It has started.")).to_be_visible()
        await expect(page.locator("main .state.ok", has_text="Done")).to_be_visible(timeout=LONG_MS)
        await on.until(lambda: on.contacts()[lead]["firstName"] == "ADA")
        assert len(on.requests("lofty")) == before
        await person.look("replay")
        assert [one for one in person.complaints if "42" not in one and "409" not in one] == []
