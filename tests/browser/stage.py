"""A person at the console of the whole pipeline: gateway, worker, both sandboxes, OAuth, on the embedded broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.chrome import DESKTOP, accessibility, browser, everywhere
from tests.deadlines import within_ms
from tests.integration.console import Caller, caller, console_on_stage
from tests.integration.stage import Stage
from tests.integration.test_oauth import APPS, GHL_CLIENTS, LOFTY_CLIENTS, SECRETS
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import PASSWORDS

PUBLIC = "https://hooks.example.com"
LONG_MS = within_ms(30)


@dataclass
class Person:
    """Somebody at a browser. `complaints` is what its console says, `looked` the pages whose pictures were taken."""

    on: Stage
    chrome: Browser
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)

    async def open(self, path: str = "/") -> None:
        """Go to a page of the console."""
        await self.page.goto(f"{self.on.gateway.url}/console{path}")

    async def sign_in(self, name: str) -> None:
        """Submit the form of the page that is shown."""
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(PASSWORDS[name])
        await self.page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(self.page.get_by_role("navigation", name="Console").first).to_be_attached()

    async def menu(self, name: str) -> None:
        """By the menu at the side."""
        await self.page.locator(".side").get_by_role("link", name=name).click()

    async def look(self, name: str) -> None:
        """Take the page's pictures, and ask axe. How pages are in the dark is the gallery's to show."""
        self.looked.append(name)
        await everywhere(self.page, f"stage/{name}", ["light"])
        assert await accessibility(self.page) == [], name

    async def heading(self, words: str) -> None:
        """Wait until a heading says this."""
        await expect(self.page.get_by_role("heading", name=words).first).to_be_visible(timeout=LONG_MS)

    async def send_to_gateway(self, route: Route) -> None:
        """The public address is this gateway's, as a proxy would have it."""
        url = urlsplit(route.request.url)
        here = f"{self.on.gateway.url}{url.path}?{url.query}"
        await route.fulfill(status=302, headers={"Location": here})


@asynccontextmanager
async def somebody(broker: Broker, tmp_path: Path, **more: Any) -> AsyncIterator[tuple[Person, Caller]]:
    """A person, and a program with a token that looks at the same console."""
    options = {
        "more": APPS.replace("{server}", "help_centre"),
        "ghl_auth": "oauth",
        "environ": SECRETS,
        "ghl": {"clients": GHL_CLIENTS},
        "lofty": {"clients": LOFTY_CLIENTS},
        **more,
    }
    async with browser() as chrome, console_on_stage(broker, tmp_path, **options) as on:
        context = await chrome.new_context(viewport=DESKTOP, reduced_motion="reduce", timezone_id="America/Los_Angeles")
        context.set_default_timeout(LONG_MS)
        page = await context.new_page()
        person = Person(on, chrome, context, page)
        page.on(
            "console",
            lambda said: person.complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: person.complaints.append(str(error)))
        await context.route(f"{PUBLIC}/**", person.send_to_gateway)
        try:
            yield person, caller(on)
        finally:
            await context.close()
