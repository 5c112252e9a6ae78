"""A part of a long list, with the links to the parts before and after. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from streams.console.pages.views.page_view import Hyperlink
from streams.console.pages.wording import counted, grouped

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Paged(Generic[Item]):
    """The items of one page. `words` say which of how many they are."""

    items: tuple[Item, ...]
    words: str
    before: Hyperlink | None = None
    after: Hyperlink | None = None


def paged(items: Sequence[Item], page: int, size: int, what: str, to: Callable[[int], str]) -> Paged[Item]:
    """A page of so many items, counted from 0; one beyond the last is the last. `to` gives the address of a page."""
    page = min(page, max(0, len(items) - 1) // size)
    first = page * size
    part = tuple(items[first : first + size])
    words = counted(len(items), what)
    if len(part) < len(items):
        words = f"{grouped(first + 1)} to {grouped(first + len(part))} of {words}"
    return Paged(
        *(part, words),
        Hyperlink("Back", to(page - 1)) if page else None,
        Hyperlink("More", to(page + 1)) if first + size < len(items) else None,
    )


def page_number(query: Mapping[str, str]) -> int:
    """The page that an address asks for; the first where it asks for none."""
    page = query.get("page", "")
    return int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 0
