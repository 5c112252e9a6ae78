"""Every page, filled and empty and with hostile values, in a real browser: how it looks, and who can use it."""

from __future__ import annotations

import pytest

from streams.console.pages.render import render
from tests.browser.chrome import COLOURS, DESKTOP, TELEPHONE, accessibility, browser, everywhere, overflow
from tests.browser.gallery import gallery
from tests.browser.samples import HOSTILE, SAMPLES, page_context

pytestmark = pytest.mark.thorough

GROUPS = 4
"""The pages are looked at in so many tests: one for all would take longer than a test may."""
each_group = pytest.mark.parametrize("group", range(GROUPS))


@each_group
async def test_every_page_fits_every_screen_and_axe_finds_nothing_serious(group: int) -> None:
    """Filled and empty, on desktop and telephone, light and dark. The pictures are in .cache/console/gallery."""
    async with browser() as chrome, gallery(chrome) as on:
        found = {}
        for sample in SAMPLES[group::GROUPS]:
            await on.open(sample.name)
            await everywhere(on.page, f"gallery/{sample.name}")
            for colours in COLOURS:
                await on.page.emulate_media(color_scheme=colours)
                if serious := await accessibility(on.page):
                    found[f"{sample.name}, {colours}"] = serious
        assert found == {}
        assert on.complaints == []


@each_group
async def test_hostile_values_are_text_and_break_no_layout(group: int) -> None:
    """Script, quotes, right-to-left marks, words of 400 letters and emoji, in every free text of every page."""
    async with browser() as chrome, gallery(chrome) as on:
        for number in range(0, len(HOSTILE), 2):
            for sample in SAMPLES[group::GROUPS]:
                await on.open(f"{sample.name}/hostile/{number}")
                for size in (DESKTOP, TELEPHONE):
                    await on.page.set_viewport_size(size)
                    assert await overflow(on.page) == [], f"{sample.name}, {number}"
                assert await on.page.evaluate("window.hacked") is None
                assert await on.page.locator("main img, main script").count() == 0
        assert on.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_colours_are_in_the_first_byte_of_the_page(theme: str) -> None:
    """No flash: the server writes the reader's choice, no script has to."""
    text = render(
        "overview.html", next(one.view for one in SAMPLES if one.name == "overview"), page_context(theme=theme)
    )
    assert f'<html lang="en" data-theme="{theme}">' in text
