"""Writes GHL: plans the next request for one entity from its desired state and its link. `ghl_sender.py` sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from streams.core.progress.repeats import Failure
from streams.core.rows import LinkRow, OutboxRow
from streams.core.scheduling.dispatcher import Item
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import Blocked, Call, NotBefore, Settled, Stuck
from streams.core.to_ghl.planning import doubts, overruled, prepare
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.telemetry.tracing import take_in_hand
from streams.worker.dispatch.ghl_failures import GhlFailures
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, BLOCKED, DONE, PARKED, RequestSlot, WorkResult
from streams.worker.dispatch.receipts import Receipts

STAGES_SECONDS = 5.0
"""Pipelines that were read so long ago are read again before an opportunity is parked for the want of a stage."""


@dataclass(frozen=True, slots=True)
class GhlWriter:
    """Everything that planning needs. `lacks` asks for custom fields that the location has not, `reads_stages_again` for
    its pipelines, unless they were just read.

    `close_channels` writes a contact's opt-outs (`opt_out_writer.py`).
    `look` does a request that searches for all that waits for a contact. `leave` is asked before what hangs on one is deleted: it is
    true where another lead has it now.
    `lofty_was_edited` is called with the fields that GHL owns and that Lofty holds differently.
    """

    locations: Mapping[str, Location]
    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    receipts: Receipts
    directory: Callable[[str], Directory]
    lacks: Callable[[str, dict[str, str]], bool]
    reads_stages_again: Callable[[str, float], bool]
    lofty_was_edited: Callable[[Entity, Mapping[str, str]], Awaitable[None]]
    sender: GhlSender
    close_channels: Callable[[GhlWrite, LinkRow | None], Awaitable[WorkResult]]
    failures: GhlFailures
    look: Callable[[GhlWrite], Awaitable[WorkResult]]
    leave: Callable[[GhlWrite], Awaitable[bool]]

    def handles(self, item: Item) -> bool:
        """Every item that no other part handles is a write."""
        return True

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Bring one entity one request closer to its desired state."""
        entity = Entity.from_key(item.key)
        location = self.locations[entity.connection]
        partition = location.partition
        row = self.outbox.get(partition, entity.key)
        if row is None:
            return DONE
        if row.parked:
            return PARKED
        take_in_hand(trace=row.snapshot.trace, failures=row.attempts)
        link = self.links.get(partition, entity.key)
        if await self.sender.identities.recall(partition, row, link):
            return AGAIN
        prepared = prepare(row, location.rules, self.directory(entity.connection), link)
        if prepared.missing and self.lacks(entity.connection, prepared.missing):
            return AGAIN  # the location gets its fields first; the entity is planned again after that
        if row.before:
            return await self._doubt_before(entity, location, row, link)
        if wanted := overruled(prepared, link, location.rules.owners):
            await self.lofty_was_edited(entity, wanted)
        is_linked = entity.kind == "contact" and link is not None
        if is_linked and await self.sender.identities.shared.put_right(entity, location, row, link, prepared.contact):
            return AGAIN
        contact = None if entity.kind == "contact" else self.links.get(partition, entity.owner.key)
        retry = self.failures.retry
        now_ms = retry.now_ms()
        match prepared.plan(link, contact, now_ms):
            case Settled(because):
                slot.answered(was_sent=False)
                return await self.sender.successes.record_unchanged(partition, row, because, prepared, link)
            case Blocked():
                # The contact is on its way, or parked; or nobody has asked for it yet.
                if self.outbox.get(partition, entity.owner.key) is None:
                    self.failures.request_contact(partition, entity, row)
                return BLOCKED
            case Stuck() as stuck:
                return await self._stuck(entity, partition, row, stuck)
            case NotBefore(at_ms):
                return WorkResult.retry(retry.due_in_seconds(at_ms))
            case Call(step="write opt-outs") as call:
                return await self.close_channels(GhlWrite(entity, location, row, prepared, call, slot, now_ms), link)
            case Call() as call:
                write = GhlWrite(entity, location, row, prepared, call, slot, now_ms)
                return await self._request(write)

    async def _stuck(self, entity: Entity, partition: int, row: OutboxRow, stuck: Stuck) -> WorkResult:
        """Park what cannot be written. A stage that is lacking may have been made since the pipelines were read.

        Whoever tries again has just made it, and each try reads the lead again.
        """
        age_seconds = max(0.0, (self.failures.retry.now_ms() - row.snapshot.read_ms) / 1000)
        seconds = age_seconds if row.snapshot.origin == "replay" else STAGES_SECONDS
        if entity.kind == "opportunity" and self.reads_stages_again(entity.connection, seconds):
            return AGAIN
        park, step = self.failures.park, f"create {entity.kind}"
        return await park(partition, row, step, stuck.reason, stuck.because, outcome="parked")

    async def _request(self, write: GhlWrite) -> WorkResult:
        if write.call.is_look:
            return await self.look(write)
        if write.call.is_delete and write.entity.kind != "contact" and await self.leave(write):
            return AGAIN
        return await self.sender.send(write)

    async def _doubt_before(
        self, entity: Entity, location: Location, row: OutboxRow, link: LinkRow | None
    ) -> WorkResult:
        """An earlier owner may have been writing other states of this entity when it ended: what they touch is unknown."""
        partition = location.partition
        if link is not None and link.ghl_id is not None:
            facts = doubts(row, location.rules, self.directory(entity.connection), link)
            await self.receipts.settle(partition, self.receipts.make(row, "doubtful", "compare", **facts))
        current = self.outbox.get(partition, entity.key)
        if current is not None:
            self.outbox.put(partition, entity.key, current.model_copy(update={"before": ()}))
            await self.outbox.flush()
        return AGAIN

    async def give_up(self, item: Item, failure: Failure) -> WorkResult:
        """Park a write that fails in the same way again and again. A create that is in doubt stays in doubt."""
        partition = self.locations[item.tenant].partition
        row = self.outbox.get(partition, item.key)
        if row is None:
            return DONE
        if row.parked:
            return PARKED
        return await self.failures.park(partition, row, "write", failure.cause, failure.message, outcome="parked")
