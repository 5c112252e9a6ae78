"""What the tables hold: one row for each entity, as JSON like everything else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.messages.change import Operation, Origin
from streams.messages.entity import Entity, Kind
from streams.messages.message import Message
from streams.messages.receipt import Conflict, IdentityDecision
from streams.messages.snapshot import Snapshot


class SeenRow(Message):
    """`seen`: the newest change of an entity that was let through."""

    update_time_ms: int
    operation: Operation


class FetchRow(Message):
    """`fetches`: an entity that must be read from Lofty.

    `generation` counts the changes merged into it, so that a read that was overtaken does not clear it.
    The oldest times, and the trace of the oldest change, are kept for freshness, the newest for the snapshot's version.
    """

    connection: str
    lead: str
    kind: Kind
    id: str
    operation: Operation
    newest_update_ms: int
    oldest_update_ms: int
    accepted_ms: int
    origin: Origin
    generation: int = 1
    attempts: int = 0
    not_before_ms: int = 0
    last_error: str = ""
    parked: str = ""
    trace: str = ""
    confirms: bool = False
    """The entity was not found: the next read asks whether it is in Lofty's trash."""
    only_moved: bool = False
    """The lead is gone: the read asks whether this hangs on another lead now, and leaves everything else as it is."""
    may_be_unknown: bool = False
    """Whether the team has such a lead, or had it, is not known: what Lofty does not show is not parked."""
    hanging: tuple[str, ...] = ()
    """What hangs on its contact in GHL, each as `kind:id`: by it a lead is known that was merged into another one."""

    @property
    def entity(self) -> Entity:
        """What is to be read."""
        return Entity(self.connection, self.lead, self.kind, self.id)


class Candidate(Message):
    """A GHL contact that may be the lead's: GHL named it as a duplicate, by `field`. Without an id, we looked and found none.

    `named_ms` is when the request that named it was planned. `passed` is a contact that had nothing in common with the lead when
    it was read, or was gone: it is not passed a second time.
    `asked_ms` is when Lofty was asked whether the lead whose id it has is alive, which no link of ours knows.
    """

    contact_id: str = ""
    field: str = ""
    named_ms: int = 0
    passed: str = ""
    asked_ms: int = 0


class OutboxRow(Message):
    """`outbox`: the desired state of an entity that is not yet written.

    `candidate` has to be judged before this state is written. `parked` is the reason why it waits for its next change.
    `epoch` is that of the owner who put the row. `before` are states that this one replaced while they were being
    written, or that an earlier owner may have been writing when it ended: they may or may not have reached GHL.
    """

    snapshot: Snapshot
    attempts: int = 0
    not_before_ms: int = 0
    last_error: str = ""
    candidate: Candidate | None = None
    parked: str = ""
    epoch: int = 0
    before: tuple[Snapshot, ...] = ()


class Intent(Message):
    """A create that may or may not have happened. `fields` are the hashes of what it was to write.

    `identifiers` are the e-mail and phone of a contact: by them it is looked for where no custom field holds the Lofty id.
    `is_repeated` says that an earlier create was in doubt already when this one was sent.
    `refers_to` is the contact on which a note, task or appointment was to be created; rows of older releases lack it.
    """

    at_ms: int
    step: str
    fields: dict[str, str] = Field(default_factory=dict)
    identifiers: dict[str, str] = Field(default_factory=dict)
    is_repeated: bool = False
    refers_to: str = ""


class LinkRow(Message):
    """`links`: the id of an entity in GHL, and what we last wrote there.

    `fields` maps each field to a short hash of the value we wrote, so that only what changed is sent again.
    `doubtful_tags` were being added or removed when no answer came: GHL may or may not have them.
    `refers_to` is the GHL id of the contact that a note or task hangs on.
    `settled` is the fingerprint of the snapshot *and* the mapping that this row satisfies: equal means nothing to do.
    `refused` are fields of which GHL refused a value, with the hash of that value: it is not sent again.
    `conflicts` are fields whose value another contact has: they are left out until they change, or that contact gives them up.
    `shares` is the key of the lead whose contact this is: this lead only hangs its notes on it. `is_gone`: deleted in Lofty.
    `parted_from` is the contact that the lead had before, and that is another's: what hangs on it is deleted there, then created.
    `decided` is what a person said of this lead and another GHL contact, by the contact's id; it outlives the link.
    `lacks` names what the location lacked for a value, so that it was left out (`core/to_ghl/directory.py`).
    `heard` are fields that somebody changed in GHL, each with the hash of its value before: Lofty holds that value until we write.
    `epoch` is the newest among the receipts that made it.
    `existed_ms`: of a contact, when we found that GHL had it before this memory of ours, so what hangs on it may be there, too;
    0 if we certainly made it. `sought`: of what hangs on a contact, when we last looked for it by its marker without finding it,
    by its form in GHL (`core/to_ghl/adopt.py`). Times are epoch milliseconds.
    `recalled_ms`: of a contact, when we found that an earlier memory had written it, so something may hang there that is no longer
    the lead's; 0 if none had. Its `sought` says when it was last looked through for that, by form.
    """

    ghl_id: str | None = None
    refers_to: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    doubtful_tags: tuple[str, ...] = ()
    version_ms: int = 0
    settled: str = ""
    intent: Intent | None = None
    is_deleted: bool = False
    heard: dict[str, str] = Field(default_factory=dict)
    refused: dict[str, str] = Field(default_factory=dict)
    conflicts: dict[str, Conflict] = Field(default_factory=dict)
    shares: str = ""
    parted_from: str = ""
    decided: dict[str, IdentityDecision] = Field(default_factory=dict)
    is_gone: bool = False
    lacks: tuple[str, ...] = ()
    epoch: int = 0
    existed_ms: int = 0
    recalled_ms: int = 0
    sought: dict[str, int] = Field(default_factory=dict)


SweepKind = Literal["new", "full", "backfill"]


class SweepRow(Message):
    """`sweeps`: how far a connection's sweep is, and when the next one is due. Times are epoch milliseconds, ours.

    `kind` is what runs now, None between two runs; `started_ms` identifies a run.
    `offset` is the place of the next page in Lofty's list, `since_ms` the creation time at which a sweep of new leads ends.
    `is_listed` says that the last page was read, but not yet what is missing worked off.
    `leads` and `changes` count what this run has seen and found, or the last run if none runs; `total` is what Lofty says there is.
    `looks` are the leads of which this run has read the notes, tasks and appointments; `full_leads`, `full_looks` and `full_took_ms`
    are of the last full run that ended. `oldest_look_ms` is the oldest time at which these lists of a lead were last read, as the
    last run found it (0 for not known).
    `ordered` is the id of a backfill that was asked for, by `ordered_by`, `served` of the last one that ended.
    `scheduled_ms` is when the first runs were put off for an interval: an end of that moment is of no run (0 in rows of older releases).
    `team_id` and `location_id` are those of the connection: by them a connection that was renamed is recognised.
    """

    kind: SweepKind | None = None
    started_ms: int = 0
    offset: int = 0
    since_ms: int = 0
    is_listed: bool = False
    leads: int = 0
    changes: int = 0
    looks: int = 0
    total: int | None = None
    full_leads: int = 0
    full_looks: int = 0
    full_took_ms: int = 0
    oldest_look_ms: int = 0
    new_ended_ms: int = 0
    full_ended_ms: int = 0
    ordered: str = ""
    ordered_by: str = ""
    served: str = ""
    scheduled_ms: int = 0
    team_id: str = ""
    location_id: str = ""

    @property
    def new_read_ms(self) -> int:
        """When new leads were last looked for; 0 for not yet."""
        return self.new_ended_ms if self.new_ended_ms > self.scheduled_ms else 0

    @property
    def full_read_ms(self) -> int:
        """When all leads were last read; 0 for not yet."""
        return self.full_ended_ms if self.full_ended_ms > self.scheduled_ms else 0


class SweptRow(Message):
    """`swept`: an entity as the last sweep that saw it found it in Lofty's lists. `run_ms` is that sweep's `started_ms`.

    Of a lead, `children_ms` is the `started_ms` of the last run that read its notes, tasks and appointments, 0 for none;
    `is_active`: something has happened to it since (`core/sweep_rotation.py`). Rows of older releases have neither.
    """

    run_ms: int
    updated_ms: int | None = None
    fingerprint: str = ""
    children_ms: int = 0
    is_active: bool = False


class TokenRow(Message):
    """`tokens`: a sealed pair of OAuth tokens, and when it was granted or renewed (epoch milliseconds)."""

    sealed: str
    at_ms: int
