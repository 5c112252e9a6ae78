"""Leads: the list with its filters, and all that fit as a CSV file."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from streams.console.auth.audit_log import Actor, AuditWriter, Result
from streams.console.auth.scope import is_visible, no_such_connection, visible
from streams.console.errors import Unavailable, WrongInput
from streams.console.services.lead import Lead
from streams.console.services.lead_export import HEADER, csv_lines
from streams.console.vendor_links import ghl_href, lofty_href
from streams.operations.history.index import lead_list
from streams.operations.history.index.hits import Hit
from streams.operations.history.index.lead_list import Cursor, LeadFilter
from streams.operations.history.index.lead_rows import LeadState
from streams.operations.history.index.reader import IndexReader, NoIndex, TooBroad
from streams.settings import Settings

SHORTEST = 2
DEEPEST = 5_000
"""At most so many leads of a search are shown or exported; without words to search for, all are."""
CHOICES_SECONDS = 60.0
EXPORT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Some leads. `after` is what the next page is asked with; empty on the last.

    `counts` are the leads of the chosen connections by state, whatever else was chosen; `known` is their sum.
    `is_complete` is false while the index is being built, `behind` records.
    """

    leads: tuple[Lead, ...]
    after: str
    counts: dict[LeadState, int]
    known: int
    took_ms: float
    is_complete: bool
    behind: int


@dataclass(frozen=True, slots=True)
class LeadChoices:
    """What a filter may ask for: the names of agents, and tags."""

    agents: tuple[str, ...]
    tags: tuple[str, ...]


class Leads:
    """`reader` is None where the index is switched off. `settings` gives those that are in force now."""

    def __init__(self, settings: Callable[[], Settings], reader: IndexReader | None, audit: AuditWriter) -> None:
        self._settings = settings
        self._reader = reader
        self._audit = audit
        self._choices: dict[tuple[str, ...], tuple[float, LeadChoices]] = {}

    async def page(self, wanted: LeadFilter, *, connection: str = "", after: str = "", limit: int = 50) -> LeadPage:
        """A page of leads, those that were read last first; of a search, those that fit exactly first."""
        chosen, cursor, began = self._chosen(connection), _cursor(after), time.monotonic()
        if wanted.text.strip():
            check_searchable(wanted.text)
        reader = self._index()
        try:
            fresh = await reader.freshness()
            counts = await reader.ask(lambda db: lead_list.leads_by_state(db, chosen))
            found = await reader.ask(lambda db: lead_list.page_of_leads(db, chosen, wanted, cursor, limit))
        except NoIndex as error:
            raise Unavailable(f"The list of leads is being built: {error}.") from error
        except TooBroad:
            raise WrongInput("That finds too many leads: choose one connection, or type more of the name.") from None
        next_page = found.after if found.after is None or found.after.offset < DEEPEST else None
        return LeadPage(
            leads=tuple(lead for hit in found.leads if (lead := self._lead(hit)) is not None),
            after=str(next_page) if next_page is not None else "",
            counts=counts,
            known=sum(counts.values()),
            took_ms=round((time.monotonic() - began) * 1000, 1),
            is_complete=fresh.is_current,
            behind=fresh.behind,
        )

    async def choices(self, connection: str = "") -> LeadChoices:
        """Agents and tags, read again after a minute. Empty while there is no index."""
        chosen = self._chosen(connection)
        at, known = self._choices.get(chosen, (0.0, LeadChoices((), ())))
        if self._reader is None or (at and time.monotonic() - at < CHOICES_SECONDS):
            return known
        try:
            known = LeadChoices(
                await self._reader.ask(lambda db: lead_list.agents_of(db, chosen)),
                await self._reader.ask(lambda db: lead_list.tags_of(db, chosen)),
            )
        except (NoIndex, TooBroad):
            return known
        self._choices = {
            key: kept for key, kept in self._choices.items() if time.monotonic() - kept[0] < CHOICES_SECONDS
        }
        self._choices[chosen] = (time.monotonic(), known)
        return known

    async def export(self, by: Actor, wanted: LeadFilter, *, connection: str = "") -> AsyncIterator[bytes]:
        """All leads that fit, as the lines of a CSV file, some hundred at a time.

        The audit log says who takes them before the first line, and how many they were at the end.
        """
        chosen, reader = self._chosen(connection), self._index()
        if wanted.text.strip():
            check_searchable(wanted.text)
        about = {
            "connection": connection,
            "search": wanted.text,
            "state": wanted.state or "",
            "agent": wanted.agent,
            "tag": wanted.tag,
        }
        async with AsyncExitStack() as stack:
            acting = self._audit.acting(by, "export leads", {key: value for key, value in about.items() if value})
            result = await stack.enter_async_context(acting)
            try:
                await reader.freshness()
            except NoIndex as error:
                raise Unavailable(f"The list of leads is being built: {error}.") from error
            return self._lines(reader, chosen, wanted, stack.pop_all(), result)

    async def _lines(
        self, reader: IndexReader, chosen: tuple[str, ...], wanted: LeadFilter, act: AsyncExitStack, result: Result
    ) -> AsyncIterator[bytes]:
        count = 0
        cursor: Cursor | None = Cursor()
        async with act:
            try:
                yield HEADER
                while cursor is not None and cursor.offset < DEEPEST:
                    found = await reader.ask(
                        lambda db, at=cursor: lead_list.leads_in_order(db, chosen, wanted, at, EXPORT_CHUNK)  # type: ignore[misc]  # mypy cannot infer a lambda's default
                    )
                    leads = [lead for hit in found.leads if (lead := self._lead(hit)) is not None]
                    yield csv_lines(leads)
                    count, cursor = count + len(leads), found.after
                result.detail = _leads(count)
            except GeneratorExit:  # whoever downloads them has left
                result.detail = f"{_leads(count)}, then the download was stopped"

    def _index(self) -> IndexReader:
        if self._reader is None:
            raise Unavailable("The index is switched off (console.index), so leads cannot be listed.")
        return self._reader

    def _chosen(self, connection: str) -> tuple[str, ...]:
        known = self._settings().connections
        if connection and (connection not in known or not is_visible(connection)):
            raise no_such_connection(connection)
        return (connection,) if connection else visible(sorted(known), str)

    def _lead(self, hit: Hit) -> Lead | None:
        name, _, lead = hit.lane.partition(":")
        connection = self._settings().connections.get(name)
        if connection is None:
            return None  # removed this moment
        return Lead(
            connection=name,
            label=connection.label,
            lead=lead,
            name=hit.name,
            emails=hit.emails,
            phones=hit.phones,
            state=hit.state,
            agent=hit.agent,
            tags=hit.tags,
            ghl_id=hit.ghl_id,
            read_ms=hit.read_ms,
            pending=hit.pending,
            parked=hit.parked,
            lofty_url=lofty_href(lead),
            ghl_url=ghl_href(connection.ghl.location_id, hit.ghl_id) if hit.ghl_id else "",
        )


def _leads(count: int) -> str:
    return f"{count} lead{'' if count == 1 else 's'}"


def check_searchable(text: str) -> None:
    """Raises `WrongInput` for too few letters; digits may be an id."""
    if len(text.strip()) < SHORTEST and not text.strip().isdigit():
        raise WrongInput(f"Type at least {SHORTEST} characters.")


def _cursor(after: str) -> Cursor | None:
    if not after:
        return None
    found = Cursor.read(after)
    if found is None:
        raise WrongInput("after: expected what the last page gave as after.")
    return found
