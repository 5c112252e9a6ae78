"""The same way in by keyboard alone and on a telephone, and what can be read without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from streams.console.pages import error_pages
from tests.browser.hands import Finger, Keys, Mouse
from tests.browser.way_in import (
    HARBOR,
    HARBOR_KEYS,
    SUMMIT,
    SUMMIT_KEYS,
    Deployment,
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
MOST_KEYS, MOST_TAPS = 40, 40
"""Of one connection, by its keys: presses of Enter and texts, without those of Tab; and taps."""
PAGES = (
    "/",
    "/connections",
    "/connections/harbor/settings",
    "/connections/harbor/steps",
    "/connections/harbor/mapping",
    "/connections/harbor/rehearsal",
    "/mapping",
    "/mapping/default/table",
    "/contacts",
    "/parked",
    "/conflicts",
    "/backfill",
    "/verify",
    "/notifications",
    "/audit",
)
"""What somebody reads who changes nothing."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page waits for Kafka as long as a busy machine takes."""
    monkeypatch.setattr(error_pages, "PAGE_SECONDS", within(8))


async def bring_in(person: Person, name: str, team: int, keys: tuple[str, str]) -> None:
    """One connection by its keys, from the page that is shown until it is live."""
    await add(person, name, team, f"loc-{name}", keys)
    await person.look("steps-new")
    await rehearse(person)
    await go_live(person, FEW)
    await person.look("live")


async def read_without_scripts(at: Deployment) -> None:
    """Every page that only shows something, and from the list of leads to one of them."""
    async with as_person(at, Mouse, "no-scripts", java_script_enabled=False) as person:
        await sign_in(person)
        for path in PAGES:
            answer = await person.page.goto(f"{at.on.gateway.url}/console{path}")
            assert (path, answer and answer.status) == (path, 200)
            await expect(person.page.locator("main h1").first).to_be_visible()
            await person.look(f"page{path.replace('/', '-')}")
        await person.page.goto(f"{at.on.gateway.url}/console/connections/harbor/steps")
        await person.hands.press("See what was found")
        await person.sees("Nothing is wrong")
        await person.page.goto(f"{at.on.gateway.url}/console/contacts")
        await person.hands.act_on(person.page.locator("main tbody a").first)
        await person.heading("It is in GHL, as Lofty has it")
        await person.look("lead")
        assert person.complaints == []


async def test_a_connection_is_brought_in_by_keyboard_alone(embedded_kafka: Broker, tmp_path: Path) -> None:
    """With Tab, Enter and texts; the focus is always seen. What came of it is then read without scripts."""
    async with empty_deployment(embedded_kafka, tmp_path) as at:
        at.give_leads(HARBOR, FEW)
        async with as_person(at, Keys, "keys") as person:
            await sign_in(person)
            await person.hands.press("Add a connection")
            await bring_in(person, "harbor", HARBOR, HARBOR_KEYS)
            print(f"by keyboard: {person.hands.acts} presses and texts, {person.hands.moves} times Tab")
            assert (person.complaints, person.hands.acts <= MOST_KEYS) == ([], True)
        await read_without_scripts(at)


async def test_a_connection_is_brought_in_on_a_telephone(embedded_kafka: Broker, tmp_path: Path) -> None:
    """390 pixels wide, with a finger: nothing lies above what it taps, and no page scrolls sideways."""
    async with empty_deployment(embedded_kafka, tmp_path) as at, as_person(at, Finger, "phone") as person:
        at.give_leads(SUMMIT, FEW)
        await sign_in(person, "/connections")
        await person.hands.press("Add a connection")
        await bring_in(person, "summit", SUMMIT, SUMMIT_KEYS)
        print(f"on a telephone: {person.hands.acts} taps and texts")
        assert (person.complaints, person.hands.acts <= MOST_TAPS) == ([], True)
