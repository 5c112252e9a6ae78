"""How a person acts on a page, and how often: with a mouse, with a keyboard alone, or with a finger on a telephone."""

from __future__ import annotations

from abc import ABC, abstractmethod

from playwright.async_api import Locator, Page, expect

MOST_TABS = 250
"""No page of the console has so much that can be reached with Tab."""


class Hands(ABC):
    """Acts on one page at a time. `acts` counts what does something (a click, a tap, Enter), `moves` what only moves the focus.

    Typing a text counts as the act of going to its field, whatever its length: it may be pasted.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.acts = 0
        self.moves = 0

    async def press(self, name: str, *, within: Locator | None = None, exact: bool = False) -> None:
        """Press a button or follow a link, by its name."""
        scope = within or self.page.locator("body")
        found = scope.get_by_role("button", name=name, exact=exact).or_(
            scope.get_by_role("link", name=name, exact=exact)
        )
        await self.act_on(found.locator("visible=true").first)

    async def write(self, label: str, text: str) -> None:
        """Fill a field, by its label."""
        await self.write_into(self.page.get_by_label(label, exact=True).locator("visible=true").first, text)

    @abstractmethod
    async def act_on(self, target: Locator) -> None:
        """Press what is found."""

    @abstractmethod
    async def write_into(self, field: Locator, text: str) -> None:
        """Put a text into a field, in place of what it holds."""

    @abstractmethod
    async def choose(self, field: Locator, value: str) -> None:
        """Choose from a list."""


class Mouse(Hands):
    """A mouse, and a keyboard for texts."""

    async def act_on(self, target: Locator) -> None:
        self.acts += 1
        await target.click()

    async def write_into(self, field: Locator, text: str) -> None:
        self.acts += 1
        await field.fill(text)

    async def choose(self, field: Locator, value: str) -> None:
        self.acts += 2  # the list, and what is chosen of it
        await field.select_option(value)


class Finger(Hands):
    """A finger on a telephone: what it taps must be on the screen, and nothing may lie above it."""

    async def act_on(self, target: Locator) -> None:
        self.acts += 1
        await target.tap()

    async def write_into(self, field: Locator, text: str) -> None:
        self.acts += 1
        await field.tap()
        await expect(field).to_be_focused()
        await field.fill(text)

    async def choose(self, field: Locator, value: str) -> None:
        self.acts += 2
        await field.scroll_into_view_if_needed()
        await field.select_option(value)


class Keys(Hands):
    """Tab, Enter, Space, and letters in fields. What has the focus must show it."""

    async def act_on(self, target: Locator) -> None:
        await self._go_to(target)
        self.acts += 1
        is_box = await target.evaluate("e => e.matches('input[type=checkbox], input[type=radio]')")
        await self.page.keyboard.press("Space" if is_box else "Enter")

    async def write_into(self, field: Locator, text: str) -> None:
        await self._go_to(field)  # Tab selects what the field holds
        self.acts += 1
        await self.page.keyboard.insert_text(text)

    async def choose(self, field: Locator, value: str) -> None:
        await self._go_to(field)
        self.acts += 1
        words: str = await field.evaluate("(e, value) => [...e.options].find(o => o.value === value).label", value)
        await self.page.keyboard.type(words)  # a list goes to what begins with the letters
        assert await field.evaluate("e => e.value") == value

    async def _go_to(self, target: Locator) -> None:
        await expect(target).to_be_attached()
        for _ in range(MOST_TABS):
            if await target.evaluate("e => e === document.activeElement"):
                is_seen = (
                    "e => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"
                )
                assert await target.evaluate(is_seen), f"the focus is not shown on {target}"
                return
            self.moves += 1
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {target}")
