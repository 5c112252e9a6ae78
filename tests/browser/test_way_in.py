"""From an empty deployment to two connections that are live and watched: a person in a browser, without a terminal."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.async_api import expect

from streams.core.scheduling import pauses
from tests.browser.hands import Mouse
from tests.browser.way_in import (
    HARBOR,
    HARBOR_KEY,
    HARBOR_TOKEN,
    LEADS,
    SUMMIT,
    Person,
    add,
    as_person,
    empty_deployment,
    go_live,
    rehearse,
    sign_in,
)
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

MOST_CLICKS = 90
"""For both connections: from the sign-in until both are live, with a mapping, and with access that is given again."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Access that was refused is tried again twice a second."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)


async def map_a_field(person: Person) -> None:
    """From the steps, and back to them: a mapping of its own, a misspelt name that the page asks about, one undo."""
    hands, page = person.hands, person.page
    await hands.press("Change the mapping")
    await person.heading("Mapping of harbor")
    await person.look("mapping-choice")
    await hands.press("Copy and change it")
    await hands.press("Add a field")
    await hands.write_into(page.locator("#custom"), "Lofty stagee")
    await hands.choose(page.locator("#lofty1"), "source")
    await hands.press("Save", exact=True)
    await person.sees("Did you mean")
    await person.look("did-you-mean")
    await hands.write_into(page.locator("#custom"), "Lead portal")
    await hands.press("Save", exact=True)
    await person.sees("“Lead portal” (Text, one line)")
    await person.gone("Did you mean")
    await hands.press("Create and save")
    await person.sees("Saved. Lead portal: Source.")
    await person.look("mapping")
    await hands.press("Undo this change")
    await person.sees("Undone.")
    await expect(page.get_by_role("row").filter(has_text="Lead portal")).to_have_count(0)
    await hands.press("Go on with the steps")
    await person.sees("Uses the mapping harbor.")


async def consent(person: Person) -> None:
    """From the steps, and back to them: both owners agree, each on a page of theirs. Lofty's answer is copied and pasted."""
    hands, page = person.hands, person.page
    await hands.press("Connect Lofty")
    await person.heading("Connect Lofty of summit")
    await person.look("connect-lofty")
    async with page.context.expect_page() as opened:
        await hands.press("permission page")
    theirs = await opened.value
    await theirs.get_by_label(str(SUMMIT)).check()
    await theirs.get_by_role("button", name="Approve").click()
    await expect(theirs.get_by_role("heading", name="Almost connected")).to_be_visible()
    hands.acts += 3  # the team, the button, and the copy of the address
    address = theirs.url
    await theirs.close()
    await hands.write_into(page.locator("#answer"), address)
    await hands.press("Connect", exact=True)
    await person.sees("Lofty of summit is connected.")
    await give_ghl(person, "Connect GoHighLevel")
    await person.step("GoHighLevel", "Done")
    await person.look("consent-given")


async def give_ghl(person: Person, name: str) -> None:
    """On GHL's page, and back to the steps."""
    await person.hands.press(name)
    await person.heading("Give app1-acme access to GoHighLevel")
    person.hands.acts += 1
    await person.page.get_by_label("loc-summit").check()
    await person.hands.press("Approve")
    await person.heading("Connected")
    await person.hands.press("Back to the console")
    await person.heading("summit")


async def lose_and_give_access(person: Person) -> None:
    """The owner takes the app away in GHL. A message comes; the link in it leads to where access is given again, and another comes."""
    at, box = person.at, person.at.box
    url = f"{at.on.ghl_url}/_sandbox/oauth/revoke"
    async with at.on.http.post(url, json={}) as answer:
        assert answer.status == 200
    at.on.new_lead(team_id=SUMMIT)
    await at.on.until(lambda: box.letters, 90)
    assert box.subjects == ["summit: GHL refuses our access"]
    body = box.letters[0].get_content()
    link = next(word for word in body.split() if word.startswith(at.on.gateway.url))
    person.hands.acts += 1  # the link in the message
    await person.page.goto(link)
    await person.look("no-access")
    await give_ghl(person, "Connect again GHL of summit")
    await at.on.until(lambda: len(box.letters) > 1, 90)
    assert box.subjects[1] == "Solved: summit: Access to GHL is back"


async def test_a_person_brings_two_agencies_in(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One by its keys, one by consent on both sides; both are live, and watched."""
    async with empty_deployment(embedded_kafka, tmp_path) as at, as_person(at, Mouse, "mouse") as person:
        at.give_leads(HARBOR, LEADS)
        at.give_leads(SUMMIT, 3)
        began, hands = time.monotonic(), person.hands
        await sign_in(person)
        await person.heading("No connection works yet")
        await person.look("empty")
        await hands.press("Add a connection")
        await add(person, "harbor", HARBOR, "loc-harbor", (HARBOR_KEY, HARBOR_TOKEN))
        await person.look("steps-new")
        await hands.press("Check access")
        await person.sees(f"{LEADS} leads")
        await person.look("checked")
        await map_a_field(person)
        await rehearse(person)
        await go_live(person, LEADS)
        await person.look("live")
        by_key = hands.acts
        assert len(at.on.contacts("loc-harbor")) == LEADS

        await hands.press("Connections", within=person.page.locator(".side"))
        await hands.press("Add a connection")
        await add(person, "summit", SUMMIT, "loc-summit", None)
        await consent(person)
        await rehearse(person)
        await go_live(person, 3)
        live = hands.acts
        await lose_and_give_access(person)
        await at.on.until(lambda: len(at.on.contacts("loc-summit")) == 4, 90)
        seconds = time.monotonic() - began
        print(
            f"{hands.acts} clicks in {seconds:.0f} s: {by_key} by key with a mapping, {live - by_key} by consent, "
            f"{hands.acts - live} to give access again"
        )
        assert hands.acts <= MOST_CLICKS
        assert [one for one in person.complaints if "422" not in one] == []
