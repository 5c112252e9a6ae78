"""Looks once through a location for contacts that have a Lofty id already, before the first contact is created there.

Where our memory does not reach (a new connection, another prefix, a lost table, imported links), a lead may have a contact that
GHL does not name as a duplicate: both its e-mail and its telephone have changed since. By its Lofty id it is found, and read before
anything is written on it (`identities.py`). One request shows up to `PAGE` such contacts, and only such, so a location with
none costs one request; one that had no field for the Lofty id costs none.

The search lags. Where no link is known, another worker may have written a moment ago, so a lag is waited first. What it shows is
no more than a hint, because the contact is read by its id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.ghl.wire import GhlContact
from streams.core.rows import LinkRow
from streams.core.to_lofty.rows import BacklinkRow, looked_through, own_contact
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.messages.entity import is_id
from streams.worker.dispatch.location import Location

log = logging.getLogger("lofty_ghl.own_contacts")

PAGE = 500
"""GHL's largest page of a search."""


@dataclass(slots=True)
class _Run:
    """A search that begins at `due_ms`: what it has found, and where its next page begins."""

    due_ms: int
    found: int = 0
    after: tuple[Any, ...] | None = None


@dataclass(slots=True)
class OwnContacts:
    """That a location was looked through is kept in `backlinks`; a search that breaks off begins again."""

    links: Table[LinkRow]
    backlinks: Table[BacklinkRow]
    now_ms: Callable[[], int]
    _runs: dict[str, _Run] = field(default_factory=dict)

    def is_due(self, location: Location) -> bool:
        """Whether the location is still to be looked through."""
        return self.backlinks.get(location.partition, looked_through(location.connection)) is None

    def wait_seconds(self, location: Location) -> float:
        """How long until the search may begin."""
        return (self._run(location).due_ms - self.now_ms()) / 1000

    async def read_page(self, location: Location, field_id: str) -> bool:
        """Do one request; True when it was the last. Raises `ConnectorError`."""
        run = self._run(location)
        search: dict[str, Any] = {
            "locationId": location.location_id,
            "pageLimit": PAGE,
            "filters": [{"field": f"customFields.{field_id}", "operator": "exists"}],
            "sort": [{"field": "dateAdded", "direction": "asc"}],
        }
        if run.after:
            search["searchAfter"] = list(run.after)
        page = await location.client.search_contacts(search)
        run.found += sum(self._keep(location, contact, field_id) for contact in page.contacts)
        run.after = page.search_after if len(page.contacts) == PAGE else None
        if run.after is None:
            await self.end(location)
        return run.after is None

    async def end(self, location: Location) -> None:
        """There is nothing (more) to look for."""
        run = self._runs.pop(location.connection, None)
        if run is not None and run.found:
            log.info("connection %s: %d contacts in GHL have a Lofty id already", location.connection, run.found)
        key = looked_through(location.connection)
        self.backlinks.put(location.partition, key, BacklinkRow(entity=key))
        await self.backlinks.flush()

    def _run(self, location: Location) -> _Run:
        run = self._runs.get(location.connection)
        if run is None:
            has_memory = any(True for _ in self.links.items(location.partition, f"{location.connection}:"))
            lag_ms = 0 if has_memory else location.rules.search_lag_ms
            run = self._runs[location.connection] = _Run(self.now_ms() + lag_ms)
        return run

    def _keep(self, location: Location, contact: GhlContact, field_id: str) -> bool:
        """Note whose a contact is. Of several with one Lofty id the oldest counts."""
        lofty_id = str(contact.custom(field_id) or "")
        if not is_id(lofty_id):
            return False
        entity, partition = Entity.contact(location.connection, lofty_id), location.partition
        link = self.links.get(partition, entity.key)
        if (link is None or link.ghl_id is None) and self.backlinks.get(partition, own_contact(entity)) is None:
            row = BacklinkRow(entity=entity.key, contact_id=contact.id, at_ms=self.now_ms())
            self.backlinks.put(partition, own_contact(entity), row)
        return True
