"""A receipt: what became of one attempt to bring an entity to its desired state."""

from __future__ import annotations

from typing import Literal

from streams.messages.entity import Entity, Kind
from streams.messages.message import Message

Outcome = Literal["intended", "applied", "unchanged", "failed", "doubtful", "refused", "parked"]


IdentityDecision = Literal["same", "apart"]
"""What a person says of a lead and a GHL contact: one person, or two."""


class Conflict(Message):
    """A value of a contact that another GHL contact has, so that it was left out.

    `hash` is that of the value, `contact_id` is the other contact, `lead` the key of the living lead that has it, or empty.
    """

    hash: str
    contact_id: str
    lead: str = ""


class Receipt(Message):
    """One line of an entity's history. Times are epoch milliseconds.

    - `intended`: a create is about to be sent; until another receipt follows, it is in doubt.
    - `applied`: the vendor did it. `link` fields say what GHL holds now.
    - `unchanged`: nothing to do; no call was made. Without `settled` it only says that this state was read once more.
    - `failed`: it certainly did not happen, and is tried again.
    - `doubtful`: an update left and no answer came: GHL may or may not hold what it was to write.
    - `refused`: the vendor said no, for good: the entity waits for its next change, or a person.
    - `parked`: we could not go on, for a reason of our own.

    `settled` is not empty when the entity now is as the snapshot of `version_ms` wants it: the fingerprint of both.
    `fields` maps each field that we own to a short hash of the value that GHL holds, `tags` are the tags that we own.
    `fingerprint` is that of the state that was to be written.
    `doubtful_tags`: GHL may or may not have them.
    None for `ghl_id`, `fields`, `tags` or `doubtful_tags` means: as before.
    `is_forgotten` says that GHL no longer holds anything, so the link starts again.
    `is_recalled`: the contact had the lead's Lofty id already, so an earlier memory wrote it, and what it wrote there is not known.
    `is_new`: GHL certainly had no such contact before. Without it, a contact's id counts as one that was there before us.
    `refers_to` is the GHL id of the contact, for notes, tasks and appointments.
    `identifiers` are the e-mail and phone of a contact that is about to be created.
    `refused` are the fields of which GHL refused or dropped the value, with its hash: what remains is written without them.
    An empty hash ends an earlier refusal. `lacks` names what the location lacks for a value that was left out; None: as before.
    `conflicts` are the fields whose value another contact has. `shares` is the key of the lead whose contact this one is, too.
    `parted_from` is the contact that a lead has left, because it is another's: what hangs on it moves.
    `decided` is what a person said of the lead and a contact, by the contact's id.
    `is_gone` says that the lead was deleted in Lofty.
    `reads_again`: the entity is read from Lofty once this is recorded, since what its link says has changed.
    `heard` are fields that are as GHL has them, by another's hand, each with the hash of what we had written before; an empty one ends it.
    `trace` is that of the oldest change that the write answers; `trace_id` is the vendor's own id of the request.
    `epoch` grows with each owner of the partition: by it a late receipt of an earlier owner is recognised.
    `connection`, `lead`, `kind` and `id` name the entity. `outcome` is what became of the attempt `at_ms`, `step` the request, or what else was done.
    `is_deleted`: GHL no longer holds it, because we deleted it there. `status` is the HTTP status, `message` the vendor's words or ours.
    `attempt` counts from 1. `flags` say what could not be written as it is in Lofty.
    `update_time_ms` and `accepted_ms` are those of the oldest change that the write answers; None where freshness is not measured.
    """

    connection: str
    lead: str
    kind: Kind
    id: str
    outcome: Outcome
    step: str
    at_ms: int
    version_ms: int
    settled: str = ""
    fingerprint: str = ""
    ghl_id: str | None = None
    refers_to: str | None = None
    fields: dict[str, str] | None = None
    tags: tuple[str, ...] | None = None
    doubtful_tags: tuple[str, ...] | None = None
    is_deleted: bool = False
    is_forgotten: bool = False
    is_new: bool = False
    is_recalled: bool = False
    status: int | None = None
    message: str | None = None
    trace_id: str | None = None
    attempt: int = 1
    flags: tuple[str, ...] = ()
    update_time_ms: int | None = None
    accepted_ms: int | None = None
    identifiers: dict[str, str] | None = None
    heard: dict[str, str] | None = None
    refused: dict[str, str] | None = None
    conflicts: dict[str, Conflict] | None = None
    shares: str | None = None
    parted_from: str | None = None
    decided: dict[str, IdentityDecision] | None = None
    is_gone: bool = False
    reads_again: bool = False
    lacks: tuple[str, ...] | None = None
    epoch: int = 0
    trace: str = ""

    @property
    def entity(self) -> Entity:
        """What was written."""
        return Entity(self.connection, self.lead, self.kind, self.id)

    def problem(self) -> str | None:
        """An id that would make a key that does not read back."""
        return self.entity.problem()
