"""A browser for tests: Debian's Chromium, headless. Where there is none the test is skipped and says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Error, Page, ViewportSize, async_playwright, expect

from tests.deadlines import within_ms

PICTURES = Path(__file__).resolve().parents[2] / ".cache" / "console"
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
TELEPHONE: ViewportSize = {"width": 375, "height": 740}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SERIOUS = {"serious", "critical"}
ATTEMPTS = 3
"""A busy Chromium sometimes has no frame to take a picture of, just after its window was resized."""

_AXE = Axe()
expect.set_options(timeout=within_ms(15))


def chromium() -> str:
    """Where the browser is; skips the test where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no chromium on this machine: apt-get install chromium, or name one in CHROMIUM")
    return found


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser; close what you open in it."""
    path = chromium()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield opened
        finally:
            await opened.close()


async def take_picture(page: Page, name: str) -> None:
    """The whole page, as a PNG among `.cache/console/`."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
            return
        except Error as error:
            if "Unable to capture screenshot" not in error.message or not attempts_left:
                raise
            await page.wait_for_load_state()


async def everywhere(page: Page, name: str, colours: Iterable[Literal["light", "dark"]] = COLOURS) -> None:
    """Pictures of a page on desktop and telephone, light and dark; none may be wider than its screen."""
    for where, size in (("desktop", DESKTOP), ("phone", TELEPHONE)):
        await page.set_viewport_size(size)
        for colour in colours:
            await page.emulate_media(color_scheme=colour)
            await take_picture(page, f"{name}-{where}-{colour}")
        assert await overflow(page) == [], f"{name} is wider than the {where}"
    await page.set_viewport_size(DESKTOP)
    await page.emulate_media(color_scheme="light")


async def overflow(page: Page) -> list[str]:
    """What makes the page scroll sideways: the tags and classes of elements that end beyond the screen."""
    found: list[str] = await page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
           [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
           .slice(0, 5).map(e => `${e.tagName}.${e.getAttribute("class") ?? ""}`).concat(["page"])"""
    )
    return found


async def accessibility(page: Page) -> list[str]:
    """What axe finds serious or critical: rule, and where."""
    results = await _AXE.run(page)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in results.response["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
