"""Asks the workers for one request to a vendor at a time, which only reads: of Lofty whose key it is, its leads; of GHL its contacts.

The worker that owns the budget does each, within its limit and after all other work, also while the connection is paused.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

from streams.core.agents_by_name import AgentsByName
from streams.core.to_ghl.directory import Directory
from streams.messages import Observation
from streams.messages.inspection import OF_LOFTY, Subject
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.operations.worker_queries.errors import NoWorker, Refused
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions

TIMEOUTS = Timeouts(retry=4.0, silence=30.0, expires=120.0)
FIRST_SECONDS = 45.0
"""How long the first answer of a vendor may take: a budget that is paused, or has no access, answers nothing."""
OPEN_QUESTIONS = 8
"""How many questions to one vendor are open at a time."""
MEMBERS_PAGE = 25
"""Lofty's default; it documents no maximum."""
PIECES = (100, 10, 1)
"""A page of leads that Lofty, or one record, cannot bring is asked for in ever smaller pieces."""


@dataclass(frozen=True, slots=True)
class ReadLeads:
    """Some leads of Lofty's list, raw. `unreadable` of them cannot be read; `total` is how many the list has."""

    leads: tuple[dict[str, Any], ...]
    total: int | None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class ReadLocation:
    """What GHL says of the location itself, and of what it knows. `remarks` say what it did not let us read."""

    name: str
    directory: Directory
    remarks: tuple[str, ...]


class VendorReader:
    """`async with VendorReader(settings, connection) as reader:` of one connection."""

    def __init__(self, settings: Settings, connection: Connection, timeouts: Timeouts = TIMEOUTS) -> None:
        self._settings = settings
        self._name = connection.name
        self._timeouts = timeouts
        partitions = ConnectionPartitions(settings)
        self._partitions = {"lofty": partitions.lofty(connection), "ghl": partitions.ghl(connection)}
        self._clients: dict[str, WorkerQueryClient] = {}
        self._has_answered: set[str] = set()
        self.requests = {"lofty": 0, "ghl": 0}
        """How many requests to each vendor the answers took."""

    async def __aenter__(self) -> Self:
        run = f"read-{uuid.uuid4().hex[:8]}"
        async with AsyncExitStack() as stack:
            for vendor, partition in self._partitions.items():
                client = WorkerQueryClient(
                    *(self._settings, {self._name: partition}, f"{run}-{vendor}"),
                    timeouts=self._timeouts,
                    most=OPEN_QUESTIONS,
                )
                self._clients[vendor] = await stack.enter_async_context(client)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self, subject: Subject, **facts: Any) -> Observation:
        """One request. Raises `Refused` in the vendor's words, and `NoWorker`."""
        vendor = "lofty" if subject in OF_LOFTY else "ghl"
        seconds = None if vendor in self._has_answered else FIRST_SECONDS
        try:
            async with asyncio.timeout(seconds):
                found = await self._clients[vendor].query(self._name, "read", subject=subject, **facts)
        except TimeoutError:
            raise NoWorker(
                f"connection {self._name}: its worker runs, but {'Lofty' if vendor == 'lofty' else 'GHL'} was not asked for "
                f"{FIRST_SECONDS:.0f} s: the limit is used up, or access is missing. `lofty-ghl status` shows why"
            ) from None
        self._has_answered.add(vendor)
        self.requests[vendor] += found.requests
        return found

    # -- Lofty --------------------------------------------------------------------------------------------

    async def agents(self) -> AgentsByName:
        """The team's members."""
        found, after = AgentsByName(), None
        while True:
            page = await self.ask("members", limit=MEMBERS_PAGE, after=after)
            found.add(page.rows)
            after = page.after
            if after is None:
                return found

    async def leads(self, most: int | None = None) -> AsyncIterator[ReadLeads]:
        """Lofty's leads, the oldest first, page by page: all, or the first `most`."""
        offset, total, has_read = 0, None, False
        while most is None or offset < most:
            limit = PIECES[0] if most is None else min(PIECES[0], most - offset)
            page = await self._leads_at(offset, limit, can_skip=has_read)
            if page is None:
                yield ReadLeads((), total, 1)
                offset += 1
                if total is not None and offset >= total:
                    return
                continue
            has_read, total = True, page.total
            yield ReadLeads(page.rows, page.total)
            offset += len(page.rows)
            if page.after is None:
                return

    async def _leads_at(self, offset: int, limit: int, *, can_skip: bool) -> Observation | None:
        """As many as can be read there, `limit` at most. None: the lead at this place cannot be read."""
        refused: Refused | None = None
        for size in dict.fromkeys(min(limit, piece) for piece in PIECES):
            try:
                return await self.ask("leads", limit=size, after=(offset,))
            except Refused as error:
                refused = error
        if refused is not None and not can_skip:
            raise refused
        return None

    async def children(self, lead: str) -> int:
        """How many notes, tasks and appointments a lead has."""
        subjects: tuple[Subject, ...] = ("notes", "tasks", "appointments")
        found = await asyncio.gather(*(self.ask(subject, lead=lead) for subject in subjects))
        return sum(one.total or 0 for one in found)

    # -- GHL ----------------------------------------------------------------------------------------------

    async def location(self) -> ReadLocation:
        """The location with its custom fields and users. What GHL refuses is left out, as the worker does."""
        remarks: list[str] = []

        async def may(subject: Subject, without: str) -> Observation | None:
            try:
                return await self.ask(subject)
            except Refused as error:
                remarks.append(f"{without}: {error.words}")
                return None

        fields, location, users = await asyncio.gather(
            self.ask("fields"),
            may("location", "whether it allows duplicate contacts cannot be read"),
            may("users", "its users cannot be read, so contacts stay unassigned"),
        )
        row = location.rows[0] if location is not None and location.rows else {}
        directory = Directory(
            fields.custom_fields,
            users.users if users is not None else {},
            types=fields.field_types,
            options=fields.field_options,
            takes_duplicates=row.get("takesDuplicates") is not False,
        )
        return ReadLocation(str(row.get("name") or ""), directory, tuple(remarks))

    async def contacts(self) -> AsyncIterator[Observation]:
        """All contacts of the location, the oldest first, page by page."""
        after = None
        while True:
            page = await self.ask("contacts", after=after)
            yield page
            after = page.after
            if after is None:
                return

    async def contact(self, contact_id: str) -> dict[str, Any] | None:
        """One contact as GHL holds it now; None if GHL does not show it."""
        try:
            return (await self.ask("one contact", ghl_id=contact_id)).contact
        except Refused:
            return None
