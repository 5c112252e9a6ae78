"""Contacts: the search, and the story of one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from streams.console.auth.audit_log import AuditWriter
from streams.console.auth.scope import current_scope, is_visible, no_such_connection, visible
from streams.console.errors import NotFound, Unavailable, WrongInput
from streams.console.services.kafka_errors import on_kafka
from streams.console.services.leads import DEEPEST, Leads, check_searchable
from streams.console.services.verdict import Answer, answer_of
from streams.operations.history.from_index import IndexedFinder
from streams.operations.history.from_topics import TopicFinder
from streams.operations.history.holds import ConnectionHolds, holds_of
from streams.operations.history.index.hits import Hit
from streams.operations.history.index.reader import Freshness, IndexReader, NoIndex, TooBroad
from streams.operations.history.timeline import Event, Pending
from streams.operations.status.overview import Overview
from streams.settings import Settings

COUNTED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of a search. `parked` and `pending` count what of it waits."""

    connection: str
    lead: str
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    ghl_id: str
    read_ms: int
    is_gone: bool
    pending: int
    parked: int


@dataclass(frozen=True, slots=True)
class Search:
    """What was found. `known` are all contacts; `is_complete` is false while the index is being built, `behind` records."""

    found: tuple[Contact, ...]
    has_more: bool
    known: int
    took_ms: float
    is_complete: bool
    behind: int


@dataclass(frozen=True, slots=True)
class Stands:
    """The state of one entity in GHL."""

    entity: str
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The story of one contact. `is_cut`: there are older records. `source`: `index`, or `topics` where there is no index.

    `mapping` is the one that is in force for its connection, `location` its GHL location."""

    connection: str
    lead: str
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    ghl_id: str
    is_gone: bool
    answer: Answer
    events: tuple[Event, ...]
    standing: tuple[Stands, ...]
    pending: tuple[Pending, ...]
    is_cut: bool
    source: str
    took_ms: float
    is_complete: bool
    parked_ids: tuple[str, ...]
    mapping: str = ""
    location: str = ""


class Contacts:
    """`reader` is None where the index is switched off. `settings` gives those that are in force now. `listing` is the list of leads.

    `deployment` returns the present state of the workers; a story then says why its whole connection is on hold.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        reader: IndexReader | None,
        now_ms: Callable[[], int],
        audit: AuditWriter,
        deployment: Callable[[], Awaitable[Overview]] | None = None,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._now_ms = now_ms
        self._deployment = deployment
        self.listing = Leads(settings, reader, audit)
        self._leads: tuple[float, dict[str, int] | None] = (-COUNTED_SECONDS, None)

    async def search(self, text: str, *, connection: str = "", limit: int = 25, offset: int = 0) -> Search:
        """Contacts by name, e-mail, phone, Lofty id or GHL id."""
        if self._reader is None:
            raise Unavailable("The index is switched off (console.index), so nothing can be searched.")
        check_searchable(text)
        if connection and (connection not in self._settings().connections or not is_visible(connection)):
            raise no_such_connection(connection)
        began = time.monotonic()
        try:
            fresh = await self._theirs(await self._reader.freshness())
            among = visible(self._reader.connections, str) if not connection else (connection,)
            hits = await self._reader.search(text, among, limit=limit + 1, offset=min(offset, DEEPEST))
        except NoIndex as error:
            raise Unavailable(f"The index is being built: {error}.") from error
        except TooBroad:
            raise WrongInput("That finds too many contacts: type more of the name.") from None
        took = (time.monotonic() - began) * 1000
        contacts = tuple(_contact(one) for one in hits[:limit])
        return Search(contacts, len(hits) > limit, fresh.contacts, round(took, 1), fresh.is_current, fresh.behind)

    async def timeline(self, connection: str, lead: str) -> Timeline:
        """The story of one contact. Raises `NotFound` when no topic names it."""
        if connection not in self._settings().connections or not is_visible(connection):
            raise no_such_connection(connection)
        lane, began, now_ms = f"{connection}:{lead}", time.monotonic(), self._now_ms()
        hit, fresh = None, None
        holds = await self._holds()
        if self._reader is None:
            found = await on_kafka(lambda: TopicFinder(self._settings(), now_ms, holds).explain(lane))
        else:
            try:
                fresh = await self._reader.freshness()
                finder = IndexedFinder(self._settings(), self._reader, now_ms, holds)
                found = await on_kafka(lambda: finder.explain(lane))
                hit = await self._reader.hit(lane)
            except NoIndex as error:
                raise Unavailable(f"The index is being built: {error}.") from error
        if not found.is_known:
            raise NotFound(
                f"Nothing is known of lead {lead}: Lofty never reported it, and no check has read it. Import existing leads reads all."
            )
        person = _contact(hit) if hit is not None else None
        return Timeline(
            connection=connection,
            lead=lead,
            name=person.name if person else "",
            emails=person.emails if person else (),
            phones=person.phones if person else (),
            ghl_id=found.ghl_id,
            is_gone=found.is_gone,
            answer=answer_of(found, self._settings().connections[connection].policies),
            events=tuple(found.events),
            standing=tuple(Stands(key, words) for key, words in found.standing.items()),
            pending=tuple(found.pending),
            is_cut=found.is_cut,
            source=found.source,
            took_ms=round((time.monotonic() - began) * 1000, 1),
            is_complete=fresh is None or fresh.is_current,
            location=self._settings().connections[connection].ghl.location_id,
            mapping=self._settings().connections[connection].mapping.name,
            parked_ids=tuple(one.place.rpartition("/")[2] for one in found.events if one.stage == "parked"),
        )

    async def _holds(self) -> Mapping[str, ConnectionHolds]:
        """Why connections are on hold; empty while no status of the workers is known."""
        try:
            return holds_of(await self._deployment()) if self._deployment is not None else {}
        except Unavailable:
            return {}

    async def names(self, lanes: Iterable[str]) -> dict[str, str]:
        """The names of contacts by `connection:lead`, as far as the index knows them."""
        found: dict[str, str] = {}
        with suppress(NoIndex):
            for lane in visible(lanes, _connection_of) if self._reader is not None else ():
                hit = await self._reader.hit(lane) if self._reader is not None else None
                if hit is not None and hit.name:
                    found[lane] = hit.name
        return found

    async def explain(self, who: str, connection: str = "") -> tuple[Timeline, ...]:
        """The stories of whom a text names exactly: a lead's id, a GHL contact's id, an e-mail address."""
        who = who.strip()
        known = visible(self._settings().connections.values(), lambda one: one.name)
        chosen = [one for one in known if connection in ("", one.name)]
        if self._reader is None:
            finder = TopicFinder(self._settings(), self._now_ms())
            lanes = await on_kafka(lambda: finder.leads_of(who, chosen))
        else:
            try:
                names = {one.name for one in chosen}
                lanes = {lane for lane in await self._reader.lanes_of(who) if lane.partition(":")[0] in names}
            except NoIndex as error:
                raise Unavailable(f"The index is being built: {error}.") from error
        found = []
        for lane in sorted(lanes):
            with suppress(NotFound):
                found.append(await self.timeline(*lane.split(":", 1)))
        return tuple(found)

    async def leads(self) -> dict[str, int] | None:
        """How many leads of each connection are known, counted again after ten seconds; None without an index."""
        at, known = self._leads
        if self._reader is not None and time.monotonic() - at > COUNTED_SECONDS:
            try:
                known = await self._reader.leads()
            except (NoIndex, TooBroad):
                known = None
            self._leads = (time.monotonic(), known)
        return known

    async def freshness(self) -> Freshness | None:
        """How good the index is, and how many leads whoever asks may see; None where it is switched off."""
        found = await self.freshness_of_all()
        return None if found is None else await self._theirs(found)

    async def _theirs(self, found: Freshness) -> Freshness:
        scope = current_scope()
        if not scope.is_limited:
            return found
        counts = await self.leads() or {}
        return replace(found, contacts=sum(count for name, count in counts.items() if scope.includes(name)))

    async def freshness_of_all(self) -> Freshness | None:
        """The same with the leads of all connections."""
        if self._reader is None:
            return None
        try:
            return await self._reader.freshness()
        except NoIndex:
            return Freshness(0, False, 0, 0)


def _contact(hit: Hit) -> Contact:
    connection, _, lead = hit.lane.partition(":")
    return Contact(
        *(connection, lead, hit.name, hit.emails, hit.phones, hit.ghl_id),
        *(hit.read_ms, hit.is_gone, hit.pending, hit.parked),
    )


def _connection_of(lane: str) -> str:
    return lane.partition(":")[0]
