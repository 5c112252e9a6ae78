"""Every page, filled and empty and with hostile values, in a real browser: how it looks, who can use it, what it weighs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Route

from streams.console.pages.render import ASSETS, asset, render
from tests.browser.chrome import DESKTOP, TELEPHONE, accessibility, browser, everywhere, overflow
from tests.browser.samples import HOSTILE, SAMPLES, around, hostile

ORIGIN = "http://console.example"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@asynccontextmanager
async def opened(browser: Browser, *, with_scripts: bool = True) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page that is served from the samples, and what the browser complains of."""
    context = await browser.new_context(reduced_motion="reduce", viewport=DESKTOP, java_script_enabled=with_scripts)  # type: ignore[arg-type]  # a plain dict of two numbers
    page, complaints = await context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    async def serve(route: Route) -> None:
        url = urlsplit(route.request.url)
        _, _, path = url.path.partition("/console/")
        if path.startswith("assets/"):
            name = path.removeprefix("assets/")
            await route.fulfill(body=asset(name), content_type=ASSETS[name])
            return
        name, _, word = path.partition("/hostile/")
        sample = next(one for one in SAMPLES if one.name == name)
        view = hostile(sample.view, HOSTILE[int(word)]) if word else sample.view
        text = render(sample.template, view, around(name), **sample.more)
        await route.fulfill(body=text, content_type="text/html", headers={"Content-Security-Policy": CSP})

    await context.route(f"{ORIGIN}/**", serve)
    try:
        yield page, complaints
    finally:
        await context.close()


async def test_every_page_fits_every_screen_and_axe_finds_nothing_serious() -> None:
    """Filled and empty, at desk and telephone, light and dark. The pictures are in .cache/console."""
    async with browser() as chrome, opened(chrome) as (page, complaints):
        found = {}
        for sample in SAMPLES:
            await page.goto(f"{ORIGIN}/console/{sample.name}")
            await everywhere(page, f"gallery/{sample.name}")
            for colours in ("light", "dark"):
                await page.emulate_media(color_scheme=colours)
                if serious := await accessibility(page):
                    found[f"{sample.name}, {colours}"] = serious
        assert found == {}
        assert complaints == []


async def test_hostile_values_are_text_and_break_no_layout() -> None:
    """Script, quotes, right-to-left marks, words of 400 letters and emoji, in every free text of every page."""
    async with browser() as chrome, opened(chrome) as (page, complaints):
        for number in range(len(HOSTILE)):
            for sample in SAMPLES:
                await page.goto(f"{ORIGIN}/console/{sample.name}/hostile/{number}")
                for size in (DESKTOP, TELEPHONE):
                    await page.set_viewport_size(size)  # type: ignore[arg-type]  # a plain dict of two numbers
                    assert await overflow(page) == [], f"{sample.name} with {HOSTILE[number][:40]!r}"
                assert await page.evaluate("window.hacked") is None
                assert await page.locator("main img, main script").count() == 0
        assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_colours_are_in_the_first_byte_of_the_page(theme: str) -> None:
    """No flash: the server writes the reader's choice, no script has to."""
    text = render("overview.html", next(one.view for one in SAMPLES if one.name == "overview"), around(theme=theme))
    assert f'<html lang="en" data-theme="{theme}">' in text
