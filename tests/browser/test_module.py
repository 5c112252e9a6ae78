"""What the module adds to pages, and what stays without it: up-to-date regions, dialogs, colours, the reader's clock, keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Page, expect

from streams.console.pages.views.page_view import StatusText
from tests.browser.chrome import TELEPHONE, browser
from tests.browser.gallery import gallery
from tests.browser.samples import EDITOR_WRONG, OVERVIEW, REPLAY, TIMELINE
from tests.deadlines import within_ms

pytestmark = pytest.mark.thorough


async def test_a_page_takes_over_what_changed_and_nothing_else() -> None:
    """Open details stay open, focus and what was typed stay, and the page is not loaded again."""
    async with browser() as chrome, gallery(chrome) as on:
        await on.open("timeline")
        page = on.page
        await page.evaluate("window.mark = 1")
        second = page.locator(".step details").nth(1)
        await second.locator("summary").click()
        newest = TIMELINE.steps[0]
        new = replace(newest, title="A new line", event=replace(newest.event, place="x/1@1"))
        on.changed["timeline"] = replace(TIMELINE, steps=(new, *TIMELINE.steps))
        await expect(page.get_by_text("A new line")).to_be_visible(timeout=within_ms(20))
        is_open = await page.locator(".step details").evaluate_all("all => all.map(one => one.open)")
        assert is_open[:4] == [False, False, True, False]
        assert await page.evaluate("window.mark") == 1
        assert await page.evaluate("document.activeElement.tagName") == "SUMMARY"


async def test_what_was_typed_stays_while_a_page_keeps_itself_up_to_date() -> None:
    async with browser() as chrome, gallery(chrome) as on:
        await on.open("replay")
        await on.page.locator("#contact").fill("600123")
        await on.page.get_by_label("Connection").select_option("borealis")
        on.changed["replay"] = replace(REPLAY, runs=(replace(REPLAY.runs[0], what="Another run"),))
        await expect(on.page.get_by_role("heading", name="Another run")).to_be_visible(timeout=within_ms(20))
        assert await on.page.locator("#contact").input_value() == "600123"
        assert await on.page.get_by_label("Connection").input_value() == "borealis"


async def test_a_gateway_that_is_away_is_told_and_forgotten_when_it_is_back() -> None:
    async with browser() as chrome, gallery(chrome) as on:
        await on.open("overview")
        told = on.page.get_by_text("The gateway does not answer")
        on.is_down = True
        await expect(told).to_be_visible(timeout=within_ms(20))
        on.is_down = False
        on.changed["overview"] = replace(OVERVIEW, verdict=StatusText("warn", "Back again"))
        await expect(on.page.get_by_role("heading", name="Back again")).to_be_visible(timeout=within_ms(20))
        await expect(told).to_be_hidden()


async def test_a_question_is_a_dialog_that_escape_closes_and_focus_returns() -> None:
    async with browser() as chrome, gallery(chrome) as on:
        await on.open("parked-group")
        link = on.page.get_by_role("link", name="Discard all")
        await link.focus()
        await on.page.keyboard.press("Enter")
        await expect(on.page.get_by_role("dialog", name="Discard 18 records?")).to_be_visible()
        await on.page.keyboard.press("Escape")
        await expect(on.page.get_by_role("dialog")).to_have_count(0)
        await expect(link).to_be_focused()


async def test_colours_change_at_once_and_are_remembered() -> None:
    async with browser() as chrome, gallery(chrome) as on:
        await on.open("audit")
        await on.page.evaluate("window.mark = 1")
        await on.page.get_by_role("button", name="Dark").click()
        ground = "getComputedStyle(document.body).backgroundColor"
        assert await on.page.evaluate(ground) == "rgb(19, 20, 24)"
        assert await on.page.evaluate("window.mark") == 1
        await on.open("audit")
        assert await on.page.evaluate(ground) == "rgb(19, 20, 24)"


async def test_times_are_those_of_the_readers_clock_with_utc_on_focus() -> None:
    async with browser() as chrome, gallery(chrome, zone="America/Los_Angeles") as on:
        await on.open("audit")
        time = on.page.locator("main time").first
        await expect(time).to_have_text("19:39:00")
        await time.focus()
        shown = "e => [getComputedStyle(e, '::after').display, getComputedStyle(e, '::after').content]"
        assert await time.evaluate(shown) == ["block", '"2025-11-25 03:39:00.000 UTC"']


async def test_lines_of_the_editor_are_numbered_and_a_fault_leads_to_its_line() -> None:
    async with browser() as chrome, gallery(chrome) as on:
        await on.open("editor-wrong")
        await expect(on.page.locator(".lines .bad")).to_have_text("9")
        await on.page.get_by_role("link", name="Line 9").click()
        chosen = "() => { const t = document.querySelector('textarea'); return t.value.slice(t.selectionStart, t.selectionEnd); }"
        assert await on.page.evaluate(chosen) == EDITOR_WRONG.text.split("\n")[8]


async def test_everything_is_reached_by_the_keyboard_and_nothing_traps_it() -> None:
    """The first stop skips to the content; each stop can be seen; the last leads out of the page."""
    async with browser() as chrome, gallery(chrome) as on:
        for name in ("overview", "timeline", "editor", "replay", "parked", "connections"):
            await on.open(name)
            stops = await on.page.evaluate(f"({_STOPS})().length")
            seen = await _walk(on.page, stops + 20)  # a field of a date has several stops
            assert seen[0]["text"] == "Skip to the content"
            assert {one["stop"] for one in seen if one} == set(range(stops)), name
            assert [one["text"] for one in seen if one and not one["visible"]] == [], name
        await on.open("overview")
        await on.page.keyboard.press("Tab")
        await on.page.keyboard.press("Enter")
        assert await on.page.evaluate("document.activeElement.id") == "main"


async def test_without_scripts_everything_can_be_read_and_sent() -> None:
    """The telephone's menu opens, questions are pages, forms are there."""
    async with browser() as chrome, gallery(chrome, with_scripts=False) as on:
        await on.page.set_viewport_size(TELEPHONE)
        await on.open("parked-group")
        await on.page.locator(".top summary").click()
        await expect(on.page.locator(".top").get_by_role("link", name="Audit")).to_be_visible()
        await on.page.locator(".top summary").click()
        await on.page.get_by_role("link", name="Discard all").click()
        await expect(on.page.get_by_role("heading", name="Discard 18 records?")).to_be_visible()
        form = on.page.locator("main form")
        assert await form.get_attribute("method") == "post"
        assert await form.locator("input[name=csrf]").get_attribute("value") == "a-token"


_STOPS = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
  .filter(e => e.checkVisibility() && !e.closest("details:not([open]) > :not(summary)"))"""

_HERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), around = e.closest(".editor");
  const isDrawn = s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1;
  const box = e.getBoundingClientRect();
  return {stop: (%s)().indexOf(e), text: (e.textContent || e.name).trim().slice(0, 60),
          visible: (isDrawn(style) || (around && isDrawn(getComputedStyle(around)))) && box.bottom > 0 && box.top < innerHeight};
}""".replace("%s", _STOPS)
"""Where the focus is. The stops are counted each time, as a page that keeps itself up to date exchanges them."""


async def _walk(page: Page, stops: int) -> list[dict[str, Any]]:
    seen = []
    for _ in range(stops):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(_HERE))
    return seen
