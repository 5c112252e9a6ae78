"""The page of leads: the list with its filters, or the results of a search. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, cast

from streams.console.pages.render import href
from streams.console.pages.views.links import contact_href
from streams.console.pages.views.page_view import Hyperlink, Level, StatusText
from streams.console.pages.wording import counted, grouped
from streams.console.services.lead import STATE_WORDS, Lead
from streams.console.services.leads import LeadChoices, LeadPage
from streams.operations.history.index.lead_list import LeadFilter
from streams.operations.history.index.lead_rows import LeadState

LEVELS: dict[LeadState, Level] = {
    "attention": "bad",
    "conflict": "warn",
    "waiting": "busy",
    "synced": "ok",
    "absent": "idle",
    "deleted": "idle",
}
"""In the order of the chips: what needs somebody comes first."""
LONGEST = 200


@dataclass(frozen=True, slots=True)
class LeadChoice:
    """What the reader wants to see, as the address of the page says it. `since` is a day, `after` the end of the page before."""

    text: str = ""
    connection: str = ""
    state: LeadState | None = None
    agent: str = ""
    tag: str = ""
    since: str = ""
    after: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> LeadChoice:
        """By the address; what is no choice is left out."""
        texts = {
            name: query.get(name, "").strip()[:LONGEST] for name in ("connection", "agent", "tag", "since", "after")
        }
        state = query.get("state", "")
        return cls(
            text=query.get("q", "").strip()[:LONGEST],
            state=cast(LeadState, state) if state in set[str](LEVELS) else None,
            **texts,
        )

    def filter(self, zone: tzinfo) -> LeadFilter:
        """The same for the service; the day begins at midnight of the reader's `zone`."""
        try:
            since_ms = int(datetime.strptime(self.since, "%Y-%m-%d").replace(tzinfo=zone).timestamp() * 1000)
        except (ValueError, OverflowError):  # no day, or none that a calendar has
            since_ms = 0
        return LeadFilter(self.text, self.state, self.agent, self.tag, max(0, since_ms))

    @property
    def is_any(self) -> bool:
        """Whether nothing was chosen but a connection."""
        return not (self.text or self.state or self.agent or self.tag or self.since)

    def href(self, path: str = "/contacts", **changes: Any) -> str:
        """The address of this choice with some changes; it begins with the first page unless `after` is among them."""
        new = replace(self, **{"after": "", **changes})
        state = new.state or ""
        query = {"q": new.text, "connection": new.connection, "state": state, "agent": new.agent, "tag": new.tag}
        return href(path, **query, since=new.since, after=new.after)


@dataclass(frozen=True, slots=True)
class LeadChip:
    """A state with the number of leads in it; None where more was chosen than the number knows of."""

    words: str
    count: int | None
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One lead of the list."""

    lead: Lead
    state: StatusText
    href: str


@dataclass(frozen=True, slots=True)
class LeadsView:
    """The page. `connections` are ids with the names that are shown. `problem` says why there is no list, or is empty.

    `is_filtered` opens the form of the filters; `is_empty` says that no lead is known at all.
    """

    choice: LeadChoice
    connections: tuple[tuple[str, str], ...]
    rows: tuple[LeadRow, ...]
    chips: tuple[LeadChip, ...]
    choices: LeadChoices
    words: str
    first: Hyperlink | None
    after: Hyperlink | None
    export_href: str
    known: int
    is_complete: bool
    is_filtered: bool
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no lead is known at all."""
        return not self.known


def leads_view(
    choice: LeadChoice, connections: tuple[tuple[str, str], ...], found: LeadPage, choices: LeadChoices
) -> LeadsView:
    """A page of leads."""
    rows = tuple(
        LeadRow(lead, StatusText(LEVELS[lead.state], STATE_WORDS[lead.state]), contact_href(lead.connection, lead.lead))
        for lead in found.leads
    )
    return LeadsView(
        choice=choice,
        connections=connections,
        rows=rows,
        chips=_chips(choice, found),
        choices=choices,
        words=_words(choice, found),
        first=Hyperlink("Back to the first", choice.href()) if choice.after else None,
        after=Hyperlink("More", choice.href(after=found.after)) if found.after else None,
        export_href=choice.href("/contacts/export") if rows else "",
        known=found.known,
        is_complete=found.is_complete,
        is_filtered=bool(choice.agent or choice.tag or choice.since or choice.connection),
    )


def no_leads(choice: LeadChoice, connections: tuple[tuple[str, str], ...], problem: str) -> LeadsView:
    """The page without a list: what was asked for is refused, or there is no list now."""
    return LeadsView(
        *(choice, connections, (), (), LeadChoices((), ()), "", None, None, ""),
        known=1,
        is_complete=True,
        is_filtered=False,
        problem=problem,
    )


def _chips(choice: LeadChoice, found: LeadPage) -> tuple[LeadChip, ...]:
    are_known = replace(choice, state=None).is_any
    return (
        LeadChip("All", found.known if are_known else None, choice.href(state=None), choice.state is None),
        *(
            LeadChip(
                STATE_WORDS[state],
                found.counts[state] if are_known else None,
                choice.href(state=state),
                choice.state == state,
            )
            for state in LEVELS
            if found.counts[state] or choice.state == state
        ),
    )


def _words(choice: LeadChoice, found: LeadPage) -> str:
    """How much of what is shown."""
    if choice.text:
        least = "The first " if found.after and not choice.after else ""
        return f"{least}{counted(len(found.leads), 'result')}, found in {found.took_ms:.0f} ms."
    if not replace(choice, state=None).is_any:
        return f"{counted(len(found.leads), 'lead')} on this page."
    of_state = found.counts[choice.state] if choice.state else found.known
    return f"{grouped(len(found.leads))} of {counted(of_state, 'lead')}, the last change first."
