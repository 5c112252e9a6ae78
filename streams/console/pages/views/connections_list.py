"""The list of connections when there are many: a search, chips of states, an order, and pages. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streams.console.pages.render import href
from streams.console.pages.views.connection_acts_view import ACTS
from streams.console.pages.views.connections_view import ConnectionCard
from streams.console.pages.views.page_view import Hyperlink, Level
from streams.console.pages.views.paged import page_number, paged

PAGE_SIZE = 20
FEW = 3
"""So many are shown whole, one beneath the other."""


@dataclass(frozen=True, slots=True)
class ListChoice:
    """What the reader wants to see. `state` is a level, empty for all; `sort` is a name of `SORTS`; `page` begins at 0."""

    text: str = ""
    state: str = ""
    sort: str = "name"
    page: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> ListChoice:
        """By the address of the page; what is no choice is left out."""
        state, sort = query.get("state", ""), query.get("sort", "")
        return cls(
            text=query.get("name", "").strip()[:100],
            state=state if state in set[str](_STATES) else "",
            sort=sort if sort in SORTS else "name",
            page=page_number(query),
        )

    @property
    def href(self) -> str:
        """The address of this choice."""
        sort = "" if self.sort == "name" else self.sort
        return href("/connections", name=self.text, state=self.state, sort=sort, page=self.page or "")


@dataclass(frozen=True, slots=True)
class StateChip:
    """A state with the number of connections in it."""

    words: str
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """The part of all connections that is shown. `is_needed` is false where there are so few that nobody searches.

    `fitting` counts those that fit the search and the state, on all pages; `acts` can be done on several of them.
    """

    choice: ListChoice
    cards: tuple[ConnectionCard, ...]
    chips: tuple[StateChip, ...]
    sorts: tuple[tuple[str, str], ...]
    words: str
    before: Hyperlink | None
    after: Hyperlink | None
    is_needed: bool
    fitting: int = 0
    acts: tuple[tuple[str, str], ...] = ()


_STATES: Mapping[Level, str] = {
    "bad": "Broken",
    "warn": "Waiting",
    "busy": "Working",
    "ok": "Up to date",
    "idle": "Idle",
}
_WORST: Mapping[Level, int] = {"bad": 0, "warn": 1, "busy": 2, "idle": 3, "ok": 4}
SORTS: Mapping[str, tuple[str, Callable[[ConnectionCard], Any]]] = {
    "name": ("Name", lambda card: ()),
    "state": ("State, the worst first", lambda card: _WORST[card.state.level]),
    "problems": ("Most that needs attention", lambda card: -card.connection.parked),
    "leads": ("Most leads", lambda card: -(card.connection.leads or 0)),
    "waiting": ("Most on the way", lambda card: -(card.waiting or 0)),
}


def connection_list(cards: Sequence[ConnectionCard], choice: ListChoice) -> ConnectionList:
    """What a choice shows of all connections. A page beyond the last is the last."""
    found = [card for card in cards if choice.text.lower() in _searched(card)]
    counts = Counter(card.state.level for card in found)
    shown = matching(cards, choice)
    shown.sort(key=lambda card: (SORTS[choice.sort][1](card), _title(card)))

    def to(**changes: Any) -> str:
        return replace(choice, **{"page": 0, **changes}).href

    part = paged(shown, choice.page, PAGE_SIZE, "connection", lambda page: to(page=page))
    return ConnectionList(
        choice=choice,
        cards=part.items,
        chips=(
            StateChip("All", len(found), to(state=""), not choice.state),
            *(
                StateChip(words, counts[level], to(state=level), choice.state == level)
                for level, words in _STATES.items()
                if counts[level] or choice.state == level
            ),
        ),
        sorts=tuple((name, words) for name, (words, _) in SORTS.items()),
        words=part.words,
        before=part.before,
        after=part.after,
        is_needed=len(cards) > FEW,
        fitting=len(shown),
        acts=tuple((act, button) for act, (button, _) in ACTS.items()),
    )


def matching(cards: Sequence[ConnectionCard], choice: ListChoice) -> list[ConnectionCard]:
    """The connections that fit a search and a state, on whatever page they are."""
    return [card for card in cards if choice.text.lower() in _searched(card) and choice.state in ("", card.state.level)]


def _searched(card: ConnectionCard) -> str:
    """What a search looks through: names and accounts."""
    one = card.connection
    return " ".join((one.name, one.label, one.region, one.mapping, one.lofty.account, one.ghl.account)).lower()


def _title(card: ConnectionCard) -> str:
    """The name that is shown."""
    return (card.connection.label or card.connection.name).lower()
