"""The samples as a site in a browser, without a server: addresses are answered by the renderer, as the gateway would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.async_api import Browser, Page, Route

from streams.console.auth.headers import CSP
from streams.console.pages.render import ASSETS, asset, render, zone_of
from tests.browser.chrome import DESKTOP
from tests.browser.samples import SAMPLES, hostile, page_context

ORIGIN = "http://console.example"


@dataclass
class Gallery:
    """What the site shows now. `changed` views go before the samples; `asked` are the paths of pages that were asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    is_down: bool = False
    asked: list[str] = field(default_factory=list)

    async def open(self, name: str) -> None:
        """Go to a page by its sample's name."""
        await self.page.goto(f"{ORIGIN}/console/{name}")

    async def serve(self, route: Route) -> None:
        """Answer one request."""
        request = route.request
        path = urlsplit(request.url).path.removeprefix("/console/")
        if self.is_down:
            await route.abort()
        elif path.startswith("assets/"):
            name = path.removeprefix("assets/")
            await route.fulfill(body=asset(name), content_type=ASSETS[name])
        else:
            self.asked.append(path)
            cookies = (await request.all_headers()).get("cookie", "")
            known = dict(one.partition("=")[::2] for one in cookies.split("; "))
            await route.fulfill(
                body=self._drawn(path, known), content_type="text/html", headers={"Content-Security-Policy": CSP}
            )

    def _drawn(self, path: str, cookies: dict[str, str]) -> str:
        name, _, word = path.partition("/hostile/")
        if name.startswith(("parked/discard", "parked/retry")):
            name = "question"
        sample = next(one for one in SAMPLES if one.name == name)
        view = self.changed.get(name, sample.view)
        if word:
            view = hostile(view, int(word))
        zone = zone_of(unquote(cookies.get("lofty_ghl_zone", "")))
        looks = replace(page_context(name, theme=cookies.get("lofty_ghl_theme", "auto")), zone=zone)
        return render(sample.template, view, looks)


@asynccontextmanager
async def gallery(browser: Browser, *, with_scripts: bool = True, zone: str = "UTC") -> AsyncIterator[Gallery]:
    """Open a gallery. `complaints` is what the browser says in its console."""
    context = await browser.new_context(
        reduced_motion="reduce",
        viewport=DESKTOP,
        java_script_enabled=with_scripts,
        timezone_id=zone,
    )
    made = Gallery(await context.new_page())
    made.page.on(
        "console", lambda said: made.complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    await context.route(f"{ORIGIN}/**", made.serve)
    try:
        yield made
    finally:
        await context.close()
