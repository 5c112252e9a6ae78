"""Reads what hangs on the contact of a lead that no link names, before Lofty is asked about that lead (`unknown_leads.py`, `identities.py`).

By what hangs there a lead is known that was merged into another one (`core/to_ghl/hanging.py`). It is work of the location's budget,
after everything else that waits for it, a request at a time. What waits is in memory only: after a restart it is looked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.errors import ConnectorError, NotSent
from connectors.outcome import Disposition, classify
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.to_ghl.hanging import hanging_on
from streams.messages import Entity, Inspection
from streams.worker.dispatch.inspection_reads import InspectionReads, OpenInspection
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.dispatch.repair import NotRepaired

log = logging.getLogger("lofty_ghl.unknown_leads")

PREFIX = "@hanging:"
RANK = 2
"""After the contact (0) and after its notes and tasks (1)."""
AGAIN_SECONDS = 30.0
MOST_FAILURES = 5

Then = Callable[[tuple[str, ...] | None], Awaitable[object]]
"""Called with what hangs on a contact, each as `kind:id`; with None if GHL could not say. It may raise `NotRepaired`: the lead is known meanwhile."""


@dataclass(slots=True)
class _Waiting:
    question: OpenInspection
    then: Then


@dataclass(slots=True)
class UnknownContacts:
    """Those whose leads are about to be asked about, by the lead's key."""

    loop: DispatchLoop
    locations: Mapping[str, Location]
    reads: InspectionReads
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def read(self, location: Location, lead: Entity, contact_id: str, then: Then) -> bool:
        """Read what hangs on the contact, and go on with it. False: it is being read already."""
        if lead.key in self._waiting:
            return False
        asked = Inspection(
            run="",
            number=0,
            connection=lead.connection,
            question="contact",
            expires_ms=0,
            lead=lead.lead,
            ghl_id=contact_id,
            with_children=True,
        )
        self._waiting[lead.key] = _Waiting(OpenInspection(asked, step=1), then)
        key = f"{PREFIX}{lead.key}"
        self.loop.offer_item(Item(key, lead.lane, location.budget, lead.connection, Priority.VERIFY, RANK))
        return True

    def forget(self, connection: str) -> None:
        """Another worker has the connection from now on, or it is another."""
        for key in [key for key in self._waiting if key.startswith(f"{connection}:")]:
            del self._waiting[key]

    def handles(self, item: Item) -> bool:
        """Whether an item is such a contact."""
        return item.key.startswith(PREFIX)

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """GHL could not say."""
        await self._end(item.key.removeprefix(PREFIX), None)
        return DONE

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """One request; after the last one Lofty is asked."""
        key = item.key.removeprefix(PREFIX)
        waiting = self._waiting.get(key)
        if waiting is None:
            return DONE
        question, location = waiting.question, self.locations[waiting.question.inspection.connection]
        try:
            is_last = await self.reads.read_next(question, location, question.inspection.ghl_id or "", slot)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            result = await self._failed(key, question, location, error)
            if result is not None:
                return result
            is_last = True
        if not is_last:
            return AGAIN
        found = (question.found.get(name, ()) for name in ("notes", "tasks", "appointments"))
        await self._end(key, hanging_on(*found))
        return DONE

    async def _end(self, key: str, hanging: tuple[str, ...] | None) -> None:
        """Go on with what was found. Where that fails, it may be read again."""
        if (waiting := self._waiting.get(key)) is None:
            return
        try:
            with suppress(NotRepaired):
                await waiting.then(hanging)
        finally:
            self._waiting.pop(key, None)

    async def _failed(
        self, key: str, question: OpenInspection, location: Location, error: ConnectorError
    ) -> WorkResult | None:
        """What follows a failure; None: nothing more can be read. Only a 429 pauses the budget: a refused look says nothing of live changes."""
        question.failures += 1
        match classify(error).disposition:
            case Disposition.THROTTLED:
                self.loop.failures.is_paused(location.budget, error, location.window_seconds)
                return AGAIN
            case Disposition.RETRY if question.failures < MOST_FAILURES:
                return WorkResult.retry(AGAIN_SECONDS)
            case Disposition.RETRY:
                log.warning("what hangs on contact %s was not read: %s", question.inspection.ghl_id, error)
                await self._end(key, None)
                return DONE
        return None
