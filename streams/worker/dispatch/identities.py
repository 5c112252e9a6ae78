"""Whose a contact in GHL is, by our tables, and what follows for a lead whose contact GHL names as a duplicate.

`core/to_ghl/identity.py` decides; here is what it decides on, and the receipts that come of it.
`holders.py` says who has a contact. Of `backlinks`, `wanted:ID:KEY` leads from a contact to those that go without an e-mail or
phone because it has them, and `own:KEY` from a lead without a link to the contact that has its Lofty id (`own_contacts.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, VendorError
from connectors.outcome import Disposition, classify, names_missing_contact
from streams.core.rows import Candidate, LinkRow, OutboxRow
from streams.core.to_ghl.contact_identity import (
    adopted_by_gone,
    adopted_contact,
    conflict_about,
    kept_words,
    named_in_common,
    shared_contact,
)
from streams.core.to_ghl.identity import family_of, has_in_common, judge, person_of
from streams.core.to_ghl.plan import IDENTIFIERS, DesiredContact
from streams.core.to_lofty.rows import BacklinkRow, own_contact
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.holders import Holders, holds
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, WorkResult
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.shared_contacts import SharedContacts

ASKED_AGAIN_SECONDS, MOST_ASKED_MS = 3.0, 60_000
"""How often, and for how long, an answer of Lofty about a lead that no link knows is waited for."""

REMEMBERED_MS = 600_000
"""How long it is remembered that a contact gave something up: longer than a request and its answer take."""

LOFTY_ID = "Lofty id"
"""The field of a candidate that GHL did not name: the location was looked through for Lofty ids."""

FREE_AGAIN = "may have its own again"


@dataclass(frozen=True, slots=True)
class Identities:
    """`request_read` asks Lofty for an entity's state, so that it is planned again. `ask_about` asks about a lead that no link knows,
    and `read_hanging` reads before what hangs on its contact (`unknown_contacts.py`)."""

    holders: Holders
    shared: SharedContacts
    links: Table[LinkRow]
    outbox: Table[OutboxRow]
    backlinks: Table[BacklinkRow]
    receipts: Receipts
    request_read: Callable[[Entity, int], object]
    ask_about: Callable[[Entity, tuple[str, ...]], object]
    read_hanging: Callable[[Location, Entity, str, Callable[[tuple[str, ...] | None], Awaitable[None]]], object]
    _given_up_ms: dict[str, int] = field(default_factory=dict)
    """When a contact last gave up an e-mail or phone, by its id. A crash may lose it: what was under way then is sent again."""

    # -- who has a contact --------------------------------------------------------------------------------

    def _bearer(self, location: Location, lofty_id: str, contact_id: str, but: Entity) -> tuple[Entity | None, bool]:
        """The living lead whose Lofty id a contact has that no link names as its own, and whether any link knows that lead.

        A lead that no link knows may live: our memory may be lost, or it is still to be read.
        """
        at = [one for one in self.holders.locations.values() if one.location_id == location.location_id]
        is_known = False
        for one in at:
            entity = Entity.contact(one.connection, lofty_id)
            link = self.links.get(location.partition, entity.key)
            is_known = is_known or link is not None
            if entity != but and link is not None and not link.is_gone and link.ghl_id in (None, contact_id):
                return entity, True
        return (None, True) if is_known else (Entity.contact(but.connection, lofty_id), False)

    def _left_by(self, location: Location, lofty_id: str, contact_id: str) -> Entity | None:
        """The deleted lead whose Lofty id a contact has, and that still has it by its link."""
        at = (one.connection for one in self.holders.locations.values() if one.location_id == location.location_id)
        for lead in (Entity.contact(connection, lofty_id) for connection in at):
            link = self.links.get(location.partition, lead.key)
            if link is not None and link.is_gone and link.ghl_id == contact_id:
                return lead
        return None

    def linked(self, partition: int, entity: Entity, link: LinkRow) -> bool:
        """A contact's link has changed. False: another living lead writes the same contact, and stays the one that does.

        `record` waits for the rows before the receipt counts as read.
        """
        is_alone = True
        if link.ghl_id is not None:
            key = f"shared:{link.ghl_id}:{entity.key}" if link.shares else f"contact:{link.ghl_id}"
            row = self.backlinks.get(partition, key)
            # One that writes it stays until it leaves: another link to the same contact does not take it away.
            if (
                row is None
                or row.entity == entity.key
                or not self.holders.is_holder(partition, Entity.from_key(row.entity), link.ghl_id)
            ):
                self._put(partition, key, entity)
            else:
                is_alone = not holds(link, link.ghl_id)
        for conflict in link.conflicts.values():
            self._put(partition, f"wanted:{conflict.contact_id}:{entity.key}", entity)
        return is_alone

    def _put(self, partition: int, key: str, entity: Entity) -> None:
        row = BacklinkRow(entity=entity.key)
        if self.backlinks.get(partition, key) != row:
            self.backlinks.put(partition, key, row)

    # -- before a contact is written ----------------------------------------------------------------------

    def is_won_back(self, partition: int, row: OutboxRow) -> bool:
        """Whether what was to settle a contact has not: meanwhile another gave up a value, or the contact. It is planned once more."""
        key = row.snapshot.entity.key
        link, current = self.links.get(partition, key), self.outbox.get(partition, key)
        is_same = current is not None and not current.parked and current.snapshot.version_ms == row.snapshot.version_ms
        return row.snapshot.kind == "contact" and is_same and link is not None and not link.settled

    async def recall(self, partition: int, row: OutboxRow, link: LinkRow | None) -> bool:
        """Make the contact that had the lead's Lofty id the candidate, before one is created. True: it is planned again.

        Of a lead that was deleted, only where Lofty was asked for that contact's sake: as long as leads are being read for the
        first time, another one may have the contact, and what is deleted by policy does not come back.
        """
        entity = row.snapshot.entity
        if entity.kind != "contact" or row.candidate is not None or (link is not None and link.ghl_id is not None):
            return False
        own = self.backlinks.get(partition, own_contact(entity))
        if own is None or (row.snapshot.is_gone and not own.asked_ms):
            return False
        candidate = Candidate(contact_id=own.contact_id, field=LOFTY_ID, named_ms=self.receipts.now_ms())
        self.outbox.put(partition, entity.key, row.model_copy(update={"candidate": candidate}))
        await self.outbox.flush()
        return True

    # -- after GHL named a duplicate ----------------------------------------------------------------------

    async def refused(self, write: GhlWrite, error: ConnectorError) -> WorkResult | None:
        """What follows a refusal as duplicate, or a candidate that is gone; None for every other failure.

        Whose the contact is that GHL names gets decided before anything is written on it. A contact that the lead has already
        stays its own: what the other one has is left out.
        """
        call, disposition = write.call, classify(error).disposition
        if disposition is Disposition.GONE and call.contact_id and _is_contact_gone(write, error):
            await self.gave_up(write.partition, call.contact_id)
            if write.location.contact_deleted_in_ghl == "recreate":
                await self.shared.forget_gone(write.partition, call.contact_id, write.entity.owner)
        known = write.row.candidate or Candidate()
        if call.step == "read contact" and disposition is Disposition.GONE:
            if known.field == LOFTY_ID:
                await self._judged(write)
                return AGAIN
            if known.passed == known.contact_id:
                return None  # GHL names again what it does not have: it is tried later, and parked in the end
            await self.named(write, Candidate(passed=known.contact_id))
            return AGAIN
        is_duplicate = disposition is Disposition.ADOPT and write.entity.kind == "contact"
        if not is_duplicate or not isinstance(error, VendorError):
            return None
        candidate = Candidate(
            contact_id=str(error.meta["contactId"]),
            field=str(error.meta.get("matchingField") or ""),
            named_ms=write.planned_ms,
            passed=known.passed,
        )
        if call.is_create and not any(call.body.get(one) for one in IDENTIFIERS):
            return None  # by what GHL matched it is not ours to know: it is parked
        if call.is_create:
            facts = {"message": str(error), "status": error.status, "trace_id": error.trace_id}
            await self.receipts.settle(write.partition, self.receipts.make(write.row, "failed", call.step, **facts))
            await self.named(write, candidate)
            return AGAIN
        if candidate.field not in call.body:
            return None
        await self.leave_out(write, candidate, self.holders.holder(write.partition, candidate.contact_id, write.entity))
        return AGAIN

    async def named(self, write: GhlWrite, candidate: Candidate) -> None:
        """Keep what GHL named, or that a look found nothing (no id), for the next plan of this very state."""
        row = self.outbox.get(write.partition, write.entity.key)
        if row is not None and row.snapshot.fingerprint == write.row.snapshot.fingerprint:
            self.outbox.put(write.partition, write.entity.key, row.model_copy(update={"candidate": candidate}))
            await self.outbox.flush()

    async def leave_out(self, write: GhlWrite, candidate: Candidate, holder: Entity | None) -> None:
        """Another contact has the value of this field: it is left out from now on."""
        desired = write.prepared.contact
        lead = holder.key if holder is not None else ""
        conflict = conflict_about(desired, candidate.field, candidate.contact_id, lead)
        words = f"contact {candidate.contact_id} has this {candidate.field}"
        facts: dict[str, Any] = {"conflicts": {candidate.field: conflict}, "message": words}
        await self.receipts.settle(write.partition, self.receipts.make(write.row, "failed", write.call.step, **facts))
        # From here on `gave_up` finds this lead. What was given up between the request and now, nobody would tell it.
        if self._given_up_ms.get(candidate.contact_id, -1) >= candidate.named_ms:
            receipt = self.receipts.about(write.entity, "doubtful", "compare", conflicts={}, message=FREE_AGAIN)
            await self.receipts.settle(write.partition, receipt)

    async def decide(self, write: GhlWrite, contact: Mapping[str, Any]) -> WorkResult:
        """Judge the candidate that was just read, and record whose it is. It waits while Lofty is asked about another lead."""
        candidate = write.row.candidate
        if candidate is None:
            return AGAIN
        async with self.holders.turn(candidate.contact_id):  # who has it does not leave it while it is decided
            return await self._decide(write, contact, candidate)

    async def _decide(self, write: GhlWrite, contact: Mapping[str, Any], candidate: Candidate) -> WorkResult:
        row, entity, location = write.row, write.entity, write.location
        desired = write.prepared.contact
        if desired is None:
            return await self._decide_gone(write, contact, candidate)
        custom = contact.get("customFields") or {}
        lofty_id = str(custom.get(desired.external_id_field) or "")
        if candidate.field == LOFTY_ID and lofty_id != entity.lead:
            await self._judged(write)  # it had the id when the location was looked through
            return AGAIN
        mine = person_of(desired.fields, entity.lead, family_of(row.snapshot.state or {}))
        found, rules = person_of(contact, lofty_id), location.rules
        decided = (self.links.get(write.partition, entity.key) or LinkRow()).decided.get(candidate.contact_id)
        if not decided and candidate.passed != candidate.contact_id and not has_in_common(mine, found):
            await self.named(write, Candidate(passed=candidate.contact_id))  # it has given up what GHL named it by
            return AGAIN
        holder = self.holders.holder(write.partition, candidate.contact_id, entity)
        if holder is None and lofty_id and lofty_id != entity.lead:
            holder, is_known = self._bearer(location, lofty_id, candidate.contact_id, entity)
            if holder is not None and not is_known and await self._asks_about(write, candidate, holder):
                return WorkResult.retry(ASKED_AGAIN_SECONDS)
        verdict = judge(
            mine,
            found,
            is_living=holder is not None,
            shared_email=rules.shared_email,
            shared_phone=rules.shared_phone,
            decided=decided,
        )
        name = named_in_common(candidate.field, desired)
        if verdict == "own":
            if holder is not None:
                await self.shared.part(write.partition, holder)
            left_by = self._left_by(location, lofty_id, candidate.contact_id)
            await self._adopt(write, desired, contact, left_by, is_recalled=lofty_id == entity.lead)
        elif verdict == "shared" and holder is not None:
            await self._share(write, holder, candidate.model_copy(update={"field": name}))
        elif write.prepared.directory.takes_duplicates:
            await self.named(write, Candidate())  # it is another person's, and the location lets both have it
            return AGAIN
        else:
            await self.leave_out(write, candidate.model_copy(update={"field": name}), holder)
        await self._judged(write)
        return AGAIN

    async def _decide_gone(self, write: GhlWrite, contact: Mapping[str, Any], candidate: Candidate) -> WorkResult:
        """The lead was deleted: the contact is treated as its own only if it has its id, and no other lead has it, or may."""
        facts = adopted_by_gone(write.entity.lead, contact, write.prepared.directory, rules=write.location.rules)
        if facts is not None and not self._is_claimed(write, candidate.contact_id):
            await self._record(write, "was in GHL before; its lead was deleted", is_recalled=True, **facts)
        await self._judged(write)
        return AGAIN

    def _is_claimed(self, write: GhlWrite, contact_id: str) -> bool:
        """Whether a living lead has this contact, shares it, or waits for a decision whether it is its own.

        The last is asked only where it would be deleted: a tag goes again once another lead adopts the contact.
        """
        partition, entity = write.partition, write.entity
        if self.holders.holder(partition, contact_id, entity) is not None:
            return True
        if next(self.holders.sharing(partition, contact_id, entity), None) is not None:
            return True
        if write.location.rules.lead_deleted != "delete":
            return False
        waiting = (row.candidate for key, row in self.outbox.items(partition) if key != entity.key)
        return any(one is not None and one.contact_id == contact_id for one in waiting)

    async def _asks_about(self, write: GhlWrite, candidate: Candidate, lead: Entity) -> bool:
        """Ask Lofty about a lead that no link knows. False: that took too long, and the lead counts as alive.

        It may have been merged: what hangs on the contact tells into which lead. Where GHL cannot say it, Lofty is asked all the same.
        """
        if candidate.asked_ms:
            return self.receipts.now_ms() < candidate.asked_ms + MOST_ASKED_MS

        async def ask(hanging: tuple[str, ...] | None) -> None:
            row = self.outbox.get(write.partition, write.entity.key)
            if row is None or row.candidate != candidate:
                return  # it is decided otherwise meanwhile
            self.ask_about(lead, hanging or ())
            await self.named(write, candidate.model_copy(update={"asked_ms": self.receipts.now_ms()}))

        self.read_hanging(write.location, lead, candidate.contact_id, ask)
        return True

    async def _adopt(
        self,
        write: GhlWrite,
        desired: DesiredContact,
        contact: Mapping[str, Any],
        left_by: Entity | None,
        *,
        is_recalled: bool,
    ) -> None:
        """The contact is the lead's. What it holds already is not written again; of the rest we do not know whether it is ours.

        `left_by` is a lead that was deleted: what the contact holds as we wrote it for that one is not to stay, nor what hangs on it.
        `is_recalled`: the contact has the lead's own Lofty id, so an earlier memory wrote it.
        """
        before = (self.links.get(write.partition, left_by.key) if left_by else None) or LinkRow()
        link = self.links.get(write.partition, write.entity.key) or LinkRow()
        facts = adopted_contact(desired, contact, link, rules=write.location.rules, before=before)
        flags = kept_words(desired, contact, facts["fields"], facts["doubtful_tags"]) if is_recalled else ()
        await self._record(write, "was in GHL before", is_recalled=is_recalled, flags=flags, **facts)
        if left_by is not None:
            await self.shared.part(write.partition, left_by)

    async def _share(self, write: GhlWrite, holder: Entity, candidate: Candidate) -> None:
        desired = write.prepared.contact
        facts = shared_contact(desired, candidate.contact_id, candidate.field, holder.key)
        await self._record(write, f"has one contact with {holder.key}, by its {candidate.field}", **facts)

    async def _record(self, write: GhlWrite, message: str, **facts: Any) -> None:
        receipt = self.receipts.make(write.row, "applied", write.call.step, message=message, **facts)
        await self.receipts.settle(write.partition, receipt)

    async def _judged(self, write: GhlWrite) -> None:
        own = self.backlinks.get(write.partition, own_contact(write.entity))
        if own is not None:
            self.backlinks.delete(write.partition, own_contact(write.entity))
            if write.row.snapshot.is_gone:
                self._drop_stale(write, f"contact:{own.contact_id}")
            await self.backlinks.flush()
        row = self.outbox.get(write.partition, write.entity.key)
        if row is not None and row.candidate is not None:
            self.outbox.put(write.partition, write.entity.key, row.model_copy(update={"candidate": None}))
            await self.outbox.flush()

    def _drop_stale(self, write: GhlWrite, key: str) -> None:
        """Where a deleted lead turned out not to have a contact, no row says that it has: nobody asks about it once more."""
        row, link = self.backlinks.get(write.partition, key), self.links.get(write.partition, write.entity.key)
        if row is not None and row.entity == write.entity.key and (link is None or link.ghl_id is None):
            self.backlinks.delete(write.partition, key)

    # -- after a contact gave something up ----------------------------------------------------------------

    async def gave_up(self, partition: int, contact_id: str) -> None:
        """This contact's e-mail or phone has changed, or it is gone: who went without them tries again."""
        now_ms = self.receipts.now_ms()
        for one in [one for one, at_ms in self._given_up_ms.items() if at_ms < now_ms - REMEMBERED_MS]:
            del self._given_up_ms[one]
        self._given_up_ms[contact_id] = now_ms
        for entity in self.holders.behind(partition, f"wanted:{contact_id}:"):
            self.backlinks.delete(partition, f"wanted:{contact_id}:{entity.key}")
            link = self.links.get(partition, entity.key)
            if link is None or not any(one.contact_id == contact_id for one in link.conflicts.values()):
                continue
            await self.shared.plan_again(partition, entity, conflicts={}, message=FREE_AGAIN)


def _is_contact_gone(write: GhlWrite, error: ConnectorError) -> bool:
    """Whether what is gone is the contact, not what hangs on it."""
    return write.entity.kind == "contact" or (isinstance(error, VendorError) and names_missing_contact(error))
