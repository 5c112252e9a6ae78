"""An empty deployment: no connection in its configuration, two teams at Lofty, two locations at GHL, and a mail server.

Everything else is done by a person in a browser. `as_person` brings them there with a mouse, a keyboard or a telephone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.lofty import LoftyClientSettings, TeamSettings
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_leads, make_team
from streams.mapping_versions.store import MappingVersions
from tests.browser.chrome import DESKTOP, accessibility, browser, overflow, take_picture
from tests.browser.hands import Finger, Hands
from tests.deadlines import within_ms
from tests.integration.console import Caller, caller, console_on_stage
from tests.integration.edited_connections import supervised
from tests.integration.mailbox import Mailbox, mailbox
from tests.integration.stage import Stage
from tests.integration.test_oauth import APPS, GHL_CLIENTS, SECRETS
from tests.kafka.broker import Broker
from tests.kafka.node import free_ports
from tests.unit.streams.console.stage import cheap_hash

ADMIN, PASSWORD = "olga", "the admin's own password"
HARBOR, SUMMIT = 7_100_001, 7_100_002
"""Two teams of Lofty, and beneath them the keys that their owners may make: of Lofty, and of GHL."""
HARBOR_KEYS = "harbor-key-that-is-pasted", "pit-harbor-that-is-pasted"
SUMMIT_KEYS = "summit-key-that-is-pasted", "pit-summit-that-is-pasted"
LEADS = 200
SLOW_MS = within_ms(90)
"""What the sync engine does meanwhile: it reads all leads, and writes them."""

CONFIG = f"""
{APPS.replace("{server}", "help_centre")}
[notifications]
after_seconds = 2
group_seconds = 1
[notifications.smtp]
host = "127.0.0.1"
port = {{port}}
security = "none"
sender = "sync@example.com"
[[notifications.recipients]]
name = "ops"
emails = ["ops@example.com"]
[[console.users]]
name = "{ADMIN}"
role = "admin"
password_hash = "{cheap_hash(PASSWORD)}"
"""

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}


@dataclass
class Deployment:
    """The parts. `box` is what the mail server took."""

    on: Stage
    who: Caller
    box: Mailbox
    chrome: Browser

    def give_leads(self, team_id: int, count: int) -> None:
        """Leads that were in Lofty before anybody connected it, without what hangs on them."""
        team = desk_work.team_of(self.on.lofty, team_id)
        leads = [{**lead, "notes": (), "tasks": ()} for lead in make_leads(count, team_id)]
        desk_work.seed(self.on.lofty, team, {**make_team(), "leads": leads})


@asynccontextmanager
async def empty_deployment(broker: Broker, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A gateway, and a worker that has nothing to do yet."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    lofty_client = LoftyClientSettings("lofty-app", "lofty-client-secret", f"{url}/oauth/lofty/callback")
    async with mailbox() as box, browser() as chrome:
        more: dict[str, Any] = {
            "is_empty": True,
            "port": port,
            "public_url": url,
            "lofty": {
                "teams": (TeamSettings(HARBOR, HARBOR_KEYS[:1]), TeamSettings(SUMMIT, SUMMIT_KEYS[:1])),
                "clients": (lofty_client,),
            },
            "ghl": {
                "locations": (
                    LocationSettings("loc-harbor", HARBOR_KEYS[1:]),
                    LocationSettings("loc-summit", SUMMIT_KEYS[1:]),
                ),
                "clients": GHL_CLIENTS,
            },
            "environ": SECRETS,
            "restarts": True,
            "session": 10.0,  # a busy machine must not take its partitions away
            "more": CONFIG.replace("{port}", str(box.port)),
        }
        async with (
            console_on_stage(broker, tmp_path, **more) as on,
            MappingVersions(on.settings) as versions,
            supervised(on, versions, ()),
        ):
            yield Deployment(on, caller(on), box, chrome)


class Person:
    """An admin at a browser. `hands` act and count, `complaints` are of the browser's console, and of axe."""

    def __init__(self, at: Deployment, page: Page, hands: Hands, name: str) -> None:
        self.at, self.page, self.hands, self.name = at, page, hands, name
        self.complaints: list[str] = []
        self.has_scripts = True
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: ConsoleMessage) -> None:
        url = said.location["url"]
        is_known = url.endswith("/favicon.ico") or "503" in said.text  # the vendors' pages have none; a busy machine
        if said.type in {"error", "warning"} and not is_known:
            self.complaints.append(f"{said.text} {url}")

    async def try_again(self, link: Locator) -> None:
        """A page that a busy machine could not show in time is asked for again, as a person does."""
        self.hands.acts += 1
        await link.click()

    async def sees(self, words: str) -> None:
        """Wait until the page says so."""
        await expect(self.page.get_by_text(words).locator("visible=true").first).to_be_visible(timeout=SLOW_MS)

    async def gone(self, words: str) -> None:
        """Wait until the page says so no longer."""
        await expect(self.page.get_by_text(words).locator("visible=true")).to_have_count(0, timeout=SLOW_MS)

    async def heading(self, words: str) -> None:
        """Wait until a heading says so."""
        await expect(self.page.get_by_role("heading", name=words).first).to_be_visible(timeout=SLOW_MS)

    async def step(self, title: str, state: str) -> None:
        """Wait until a step is done, or next."""
        row = self.page.get_by_role("listitem").filter(has=self.page.get_by_role("heading", name=title))
        await expect(row.locator(".state").first).to_have_text(state, timeout=SLOW_MS)

    async def look(self, what: str) -> None:
        """Take the picture of what is shown. What is wider than the screen, and what axe finds, is a complaint."""
        await take_picture(self.page, f"way-in/{self.name}-{what}")
        found = [*await overflow(self.page), *(await accessibility(self.page) if self.has_scripts else [])]
        self.complaints += [f"{what}: {one}" for one in found]


@asynccontextmanager
async def as_person(at: Deployment, hands: Callable[[Page], Hands], name: str, **options: Any) -> AsyncIterator[Person]:
    """A browser of their own. A finger comes with a telephone."""
    shape = PHONE if hands is Finger else {"viewport": DESKTOP}
    given = {"reduced_motion": "reduce", "timezone_id": "America/Los_Angeles", **shape, **options}
    context: BrowserContext = await at.chrome.new_context(**given)
    context.set_default_timeout(within_ms(30))
    try:
        page = await context.new_page()
        try:
            person = Person(at, page, hands(page), name)
            person.has_scripts = bool(given.get("java_script_enabled", True))
            await page.add_locator_handler(page.get_by_role("link", name="Try again"), person.try_again)
            yield person
        except Exception:
            await take_picture(page, f"way-in/{name}-failed")
            raise
    finally:
        await context.close()


# -- what a person does, step by step ---------------------------------------------------------------------------------


async def sign_in(person: Person, path: str = "/") -> None:
    """As the admin, from the address that they were given."""
    await person.page.goto(f"{person.at.on.gateway.url}/console{path}")
    await person.hands.write("Name", ADMIN)
    await person.hands.write("Password", PASSWORD)
    await person.hands.press("Sign in", exact=True)


async def add(person: Person, name: str, team: int, location: str, keys: tuple[str, str] | None) -> None:
    """Fill the form of a new connection; without keys, both sides are given access by their owners."""
    hands, on = person.hands, person.at.on
    await person.heading("Add a connection")
    await hands.write_into(person.page.locator("#name"), name)
    await hands.write_into(person.page.locator("#lofty-team_id"), str(team))
    await hands.write_into(person.page.locator("#ghl-location_id"), location)
    if keys is None:
        for side in ("lofty", "ghl"):
            await hands.choose(person.page.locator(f"#{side}-auth"), "oauth")
    # Only here: the vendors are sandboxes, and the import should not take the minutes that their limits cost.
    before = hands.acts
    await hands.act_on(person.page.get_by_text("Advanced", exact=True))
    for field, text in {
        "lofty-requests_per_minute": "100000",
        "lofty-base_url": on.lofty_url,
        "ghl-requests_per_window": "100000",
        "ghl-base_url": on.ghl_url,
    }.items():
        await hands.write_into(person.page.locator(f"#{field}"), text)
    hands.acts = before
    if keys is not None:
        await hands.write_into(person.page.locator("#lofty_api_key"), keys[0])
        await hands.write_into(person.page.locator("#ghl_token"), keys[1])
    await hands.press("Add connection", exact=True)
    await person.heading(name)
    await person.sees("steps are done")


async def rehearse(person: Person) -> None:
    """From the steps, and back to them."""
    await person.hands.press("Rehearse the import")
    await person.hands.press("Rehearse with all leads")
    await person.heading("What an import would do")
    await person.look("rehearsal")
    await person.hands.press("Go on")
    await person.step("Rehearsal", "Done")


async def go_live(person: Person, leads: int) -> None:
    """Switch on, import, compare: from the steps, and back to them, until all are done."""
    await person.hands.press("Switch it on")
    await person.step("Switch on", "Done")
    await person.hands.press("Import existing leads")
    await person.hands.press("Start it")
    await person.look("importing")
    await person.step("Import existing leads", "Done")
    await person.sees(f"{leads} leads were read")
    await person.hands.press("Compare now")
    await person.sees("Nothing is wrong")
    await person.look("compared")
    await person.hands.press("Go on")
    await person.sees("This connection is live")
