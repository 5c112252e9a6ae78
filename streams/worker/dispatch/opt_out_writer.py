"""Closes a contact's channels in GHL. GHL replaces all channels at once, so the contact is read, and the union is written.

Reading and writing are two requests, so two turns of the contact. What was read is kept in memory for the next turn, and counts
for `FRESH_SECONDS` only: later, somebody may have closed another channel, and our write would open it again. So the write goes
before the other contacts: behind some hundreds of them, what each has read would be too old each time, and none would be written.

Where it is not known what we carried before (an adopted contact, a lost answer, a difference that a search or verify found),
the read counts for Lofty, too: what GHL has closed is closed there.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.ghl.wire import GhlContact
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.mapping.opt_outs import OPT_OUTS, closed_in_ghl, to_close_in_ghl
from streams.messages import Entity
from streams.worker.dispatch.ghl_calls import Performed
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.loop import NEXT, WorkResult

log = logging.getLogger("lofty_ghl.opt_outs")

FRESH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class OptOutWriter:
    """`close_in_lofty(entity, channels)` makes a Lofty command."""

    sender: GhlSender
    close_in_lofty: Callable[[Entity, frozenset[str]], Awaitable[None]]
    now_ms: Callable[[], int]
    _reads: dict[tuple[str, str], tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    """When a contact was read for an entity, and what it held."""

    async def send(self, write: GhlWrite, link: LinkRow | None) -> WorkResult:
        """One request: read the contact, or write what follows from a read of just now."""
        call, key = write.call, (write.entity.key, write.call.contact_id or "")
        wanted = frozenset(call.body[OPT_OUTS])
        at_ms, held = self._reads.pop(key, (0, {}))
        if at_ms > self.now_ms() - FRESH_SECONDS * 1000 and (body := to_close_in_ghl(wanted, held)):
            log.info("%s: GHL gets its opt-outs: %s", write.entity.key, ", ".join(sorted(wanted)))
            return await self.sender.send(replace(write, call=replace(call, body={OPT_OUTS: body})))
        reading = write.location.client.get_contact(call.contact_id or "")
        return await self.sender.request(write, reading, lambda contact: self._has_read(write, link, contact))

    async def _has_read(self, write: GhlWrite, link: LinkRow | None, contact: GhlContact) -> WorkResult:
        wanted, contact_id = frozenset(write.call.body[OPT_OUTS]), write.call.contact_id or ""
        held = {"dnd": contact.dnd, OPT_OUTS: contact.dnd_settings}
        is_unknown = (link or LinkRow()).fields.get(OPT_OUTS) == UNKNOWN
        if is_unknown and (others := closed_in_ghl(held) - wanted):
            await self.close_in_lofty(write.entity, others)
        if to_close_in_ghl(wanted, held) is None:
            return await self.sender.successes.succeeded(write, Performed(contact_id))
        fresh_ms = self.now_ms() - FRESH_SECONDS * 1000
        for key in [key for key, (at_ms, _) in self._reads.items() if at_ms <= fresh_ms]:
            del self._reads[key]  # of contacts whose write never came
        self._reads[write.entity.key, contact_id] = (self.now_ms(), held)
        return NEXT
