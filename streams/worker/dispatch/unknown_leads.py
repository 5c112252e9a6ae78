"""Asks Lofty about a lead that only a contact in GHL names, by its Lofty id: it may have been deleted while nothing knew of it.

Where our memory was lost, a lead that is deleted by then is in no list of Lofty, and no link names its contact. Lofty's trash
alone tells it from a lead that is hidden from us, or was never this team's. If it is there, the contact becomes the lead's again
(`Identities.recall`), and then what the policy says of deleted leads is done. If Lofty shows the lead, it is written as any other.
A lead that was merged into another one is nowhere in Lofty: what hangs on its contact tells it, if that hangs on the other lead now
(`core/to_ghl/hanging.py`, `merged_leads.py`). It counts as deleted then, as it does where a merge is seen in time.
If Lofty does not know it, and nothing tells, nothing happens.

`verify --repair` asks about what it finds. By itself a worker asks once a full sweep should have read every lead there is: of
what the location was looked through for (`own_contacts.py`), and of contacts of ours whose links are gone, some at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_lofty.rows import BacklinkRow, own_contact
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.due_timers import DueTimers
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.repair import STEP, NotRepaired
from streams.worker.dispatch.unknown_contacts import UnknownContacts

log = logging.getLogger("lofty_ghl.unknown_leads")

SWEEPS = 1.5
"""After so many intervals of full sweeps a lead that lives has been read."""
LOOKS = 4
"""So many times in that time the rows are looked through, at most once an hour."""
MOST_LOOK_SECONDS = 3600.0
MOST_ASKED = 100
"""At one time: each costs two requests to Lofty, and to GHL, as a rule."""
YIELD_ROWS = 500
"""After so many rows others get their turn."""


class RequestRead(Protocol):
    """Asks Lofty for a lead of at least this version. `hanging` is what hangs on its contact; `is_known_gone`: it was deleted."""

    def __call__(self, entity: Entity, update_time_ms: int, *, hanging: tuple[str, ...], is_known_gone: bool) -> object:
        """What Lofty does not show is not parked."""


@dataclass(slots=True)
class UnknownLeads:
    """`ages_ms`: how old a row must be before its lead is asked about, by connection; one without full sweeps is not there.

    `request_read` asks Lofty for a lead of at least this version; what Lofty does not show is not parked. `contacts` reads what
    hangs on a contact before.
    """

    locations: Mapping[str, Location]
    ages_ms: Mapping[str, int]
    links: Table[LinkRow]
    outbox: Table[OutboxRow]
    backlinks: Table[BacklinkRow]
    receipts: Receipts
    request_read: RequestRead
    contacts: UnknownContacts
    _due: DueTimers = field(default_factory=DueTimers)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _noted: set[int] = field(default_factory=set)
    """The partitions that were looked through for contacts whose links are lost."""

    async def ask(
        self,
        location: Location,
        entity: Entity,
        contact_id: str,
        hanging: tuple[str, ...],
        *,
        is_known_gone: bool = False,
    ) -> None:
        """Ask about a lead, for the sake of this contact. Raises `NotRepaired` for one that our tables know meanwhile.

        `hanging` is what hangs on the contact, each as `kind:id`. `is_known_gone`: Lofty has said so before.
        """
        partition = location.partition
        link = self._known(location, entity, contact_id)
        row = BacklinkRow(entity=entity.key, contact_id=contact_id, asked_ms=self.receipts.now_ms())
        self.backlinks.put(partition, own_contact(entity), row)
        await self.backlinks.flush()
        if link is not None and link.settled:  # else its state would count as written
            await self.receipts.settle(partition, self.receipts.about(entity, "doubtful", STEP))
        is_gone = is_known_gone or (link is not None and link.is_gone)
        self.request_read(entity, link.version_ms if link is not None else 0, hanging=hanging, is_known_gone=is_gone)

    def _known(self, location: Location, entity: Entity, contact_id: str) -> LinkRow | None:
        link = self.links.get(location.partition, entity.key)
        if entity.kind != "contact" or not contact_id:
            raise NotRepaired(f"{entity.key} is no lead, or no contact was named")
        if self.outbox.get(location.partition, entity.key) is not None:
            raise NotRepaired("a newer state is on its way, or parked")
        if link is not None and link.ghl_id is not None:
            raise NotRepaired(f"the lead has contact {link.ghl_id}")
        return link

    # -- by itself ----------------------------------------------------------------------------------------

    def acquire(self, connection: str) -> None:
        """This worker owns the connection's GHL budget now."""
        if connection in self.ages_ms:
            self._due.acquire(connection)
            self._later(connection)

    def release(self, connection: str) -> None:
        """Another worker owns the connection's GHL budget from now on, or the connection is another."""
        self._due.release(connection)
        self.contacts.forget(connection)
        if (running := self._tasks.pop(connection, None)) is not None:
            running.cancel()

    async def look(self, connection: str) -> int:
        """Look through the rows of a connection once. Returns how many leads were asked about."""
        location, asked = self.locations[connection], 0
        until_ms = self.receipts.now_ms() - self.ages_ms[connection]
        for number, (_, row) in enumerate(self.backlinks.items(location.partition, f"own:{connection}:")):
            if number % YIELD_ROWS == 0:
                await asyncio.sleep(0)
            if row.asked_ms or row.at_ms > until_ms or asked == MOST_ASKED:
                continue
            if self._is_anothers(location.partition, row):
                self.backlinks.delete(location.partition, own_contact(Entity.from_key(row.entity)))
                continue
            lead = Entity.from_key(row.entity)
            with suppress(NotRepaired):  # it is being written
                self._known(location, lead, row.contact_id)
                ask = partial(self._ask_by_itself, location, lead, row.contact_id)
                asked += self.contacts.read(location, lead, row.contact_id, ask)
        if location.partition not in self._noted:
            await self._note_unlinked(location.partition)
            self._noted.add(location.partition)
        if asked:
            log.info("connection %s: Lofty is asked about %d leads that only contacts in GHL name", connection, asked)
        return asked

    async def _ask_by_itself(
        self, location: Location, lead: Entity, contact_id: str, hanging: tuple[str, ...] | None
    ) -> None:
        """What GHL cannot say now is read again at the next look: Lofty is asked once, and not without what tells a merge."""
        if hanging is not None:
            await self.ask(location, lead, contact_id, hanging)

    def _is_anothers(self, partition: int, row: BacklinkRow) -> bool:
        """Whether another lead has the contact, as one of another connection of the location."""
        held = self.backlinks.get(partition, f"contact:{row.contact_id}")
        link = self.links.get(partition, held.entity) if held is not None and held.entity != row.entity else None
        return link is not None and link.ghl_id == row.contact_id

    async def _note_unlinked(self, partition: int) -> None:
        """Contacts of ours whose links are lost, and whose leads nobody has read since: of all connections of a partition.

        Once in the life of a process, as a table is lost only between two: the rows of a partition may be millions.
        """
        now_ms = self.receipts.now_ms()
        for number, (key, row) in enumerate(self.backlinks.items(partition, "contact:")):
            if number % YIELD_ROWS == 0:
                await asyncio.sleep(0)
            entity, contact_id = Entity.from_key(row.entity), key.removeprefix("contact:")
            location = self.locations.get(entity.connection)
            if location is None or location.partition != partition or entity.connection not in self.ages_ms:
                continue
            if not _lost(self.links.get(partition, entity.key), contact_id):
                continue
            if self.backlinks.get(partition, own_contact(entity)) is None:
                noted = BacklinkRow(entity=entity.key, contact_id=contact_id, at_ms=now_ms)
                self.backlinks.put(partition, own_contact(entity), noted)
        await self.backlinks.flush()

    def _later(self, connection: str) -> None:
        wait = min(MOST_LOOK_SECONDS, self.ages_ms[connection] / LOOKS / 1000)
        self._due.later(connection, wait, self._begin)

    def _begin(self, connection: str) -> None:
        if self._due.begins(connection):
            task = asyncio.create_task(self._look(connection), name=f"unknown leads {connection}")
            self._tasks[connection] = task

    async def _look(self, connection: str) -> None:
        try:
            await self.look(connection)
        except Exception:  # whatever it is: the next look may do better
            log.exception("connection %s: its contacts without a link were not looked through", connection)
        self._later(connection)


def _lost(link: LinkRow | None, contact_id: str) -> bool:
    """Whether a lead may have this contact though no link says so: it has none, or was read as deleted since it was lost."""
    return link is None or (link.is_gone and link.ghl_id is None and link.parted_from != contact_id)
