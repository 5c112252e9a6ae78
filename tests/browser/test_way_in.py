"""From an empty deployment to two connections that are live and watched: a person in a browser, without a terminal."""

from __future__ import annotations

import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.async_api import expect

from streams.console.pages import error_pages
from streams.core.scheduling import pauses
from tests.browser.hands import Mouse
from tests.browser.way_in import (
    HARBOR,
    HARBOR_KEYS,
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
from tests.deadlines import within
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

FEW = 5
MOST_BY_KEY, MOST_BY_CONSENT = 45, 45
"""Clicks and texts from the sign-in until a connection is live: with a mapping, and with access that is given again."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Access that was refused is tried again twice a second; and a page waits for Kafka as long as a busy machine takes."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(error_pages, "PAGE_SECONDS", within(8))


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
    at = person.at

    def messages() -> list[EmailMessage]:
        """Those about its access: that changes are late on a busy machine is reported, too."""
        subjects = ((one, str(one["Subject"]).casefold()) for one in at.box.letters)
        return [one for one, subject in subjects if "summit" in subject and "access" in subject]

    assert [(one["Subject"], one.get_content()) for one in messages()] == []
    async with at.on.http.post(f"{at.on.ghl_url}/_sandbox/oauth/revoke", json={}) as answer:
        assert answer.status == 200
    at.on.new_lead(team_id=SUMMIT)
    await at.on.until(messages, 90)
    body = messages()[0].get_content()
    link = next(word for word in body.split() if word.startswith(at.on.gateway.url))
    person.hands.acts += 1  # the link in the message
    await person.page.goto(link)
    await person.look("no-access")
    await give_ghl(person, "Connect again GHL of summit")
    await at.on.until(lambda: len(messages()) > 1, 90)
    assert [one["Subject"] for one in messages()] == [
        "summit: GoHighLevel refuses our access",
        "Solved: summit: Access to GoHighLevel is back",
    ]


async def test_a_person_brings_an_agency_in_by_its_keys(embedded_kafka: Broker, tmp_path: Path) -> None:
    """From an empty deployment: 200 leads are rehearsed, imported and compared, and the connection is live."""
    async with empty_deployment(embedded_kafka, tmp_path) as at, as_person(at, Mouse, "mouse") as person:
        at.give_leads(HARBOR, LEADS)
        began, hands = time.monotonic(), person.hands
        await sign_in(person)
        await person.heading("No connection works yet")
        await person.look("empty")
        await hands.press("Add a connection")
        await add(person, "harbor", HARBOR, "loc-harbor", HARBOR_KEYS)
        await person.look("steps-new")
        await hands.press("Check access")
        await person.sees(f"{LEADS} leads")
        await person.look("checked")
        await map_a_field(person)
        await rehearse(person)
        await go_live(person, LEADS)
        await person.look("live")
        print(f"by key: {hands.acts} clicks and texts, {time.monotonic() - began:.0f} s")
        assert len(at.on.contacts("loc-harbor")) == LEADS
        assert (person.complaints, hands.acts <= MOST_BY_KEY) == ([], True)


async def test_a_person_brings_an_agency_in_by_consent_and_is_told_when_access_is_lost(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Both owners agree. GHL's takes the app away later: a message comes, and another once access was given again."""
    async with empty_deployment(embedded_kafka, tmp_path) as at, as_person(at, Mouse, "consent") as person:
        at.give_leads(SUMMIT, FEW)
        began, hands = time.monotonic(), person.hands
        await sign_in(person, "/connections")
        await hands.press("Add a connection")
        await add(person, "summit", SUMMIT, "loc-summit", None)
        await consent(person)
        await rehearse(person)
        await go_live(person, FEW)
        live = hands.acts
        await lose_and_give_access(person)
        await at.on.until(lambda: len(at.on.contacts("loc-summit")) == FEW + 1, 90)
        seconds = time.monotonic() - began
        print(f"by consent: {live} clicks and texts, {hands.acts - live} to give access again, {seconds:.0f} s")
        assert (person.complaints, hands.acts <= MOST_BY_CONSENT) == ([], True)
