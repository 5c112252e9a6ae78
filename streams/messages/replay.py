"""A replay on its topics: what was asked for, how far it is, and the snapshots that are brought to GHL once more."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from streams.messages.message import Message
from streams.messages.snapshot import Snapshot

State = Literal["running", "stopped", "done"]


class Selection(BaseModel):
    """Which records of a topic are replayed; what is empty does not restrict. Times are Kafka's, in epoch milliseconds.

    `since_ms` and `from_offset` are the first, `until_ms` and `to_offset` the last that are meant.
    `contact` is a lead's id, or for `ghl.changes` the id of the GHL contact. `stage` and `reason` are for `parked` alone.
    `topic` is the topic without its prefix, `connection` restricts to one connection, `partition` to one partition.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: str
    connection: str = ""
    contact: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    partition: int | None = None
    from_offset: int | None = None
    to_offset: int | None = None
    stage: str = ""
    reason: str = ""

    def takes_place(self, partition: int, offset: int, at_ms: int) -> bool:
        """Whether the selection includes a record, by its position and time on the topic."""
        return (
            self.partition in (None, partition)
            and (self.from_offset is None or offset >= self.from_offset)
            and (self.to_offset is None or offset <= self.to_offset)
            and (self.since_ms is None or at_ms >= self.since_ms)
            and (self.until_ms is None or at_ms <= self.until_ms)
        )

    def takes_contact(self, connection: str, contact: str | None) -> bool:
        """Whether a record is meant by what it is about."""
        return self.connection in ("", connection) and self.contact in ("", contact)


class Replay(Message):
    """`replays`: one replay and how far it is; its key is `run`.

    Records are taken in the order of their keys; all up to `position` are with Kafka, none after it is counted.
    `chosen` is how many were meant when it was last counted, `handed` how many went on, `passed` how many needed nothing,
    `left` how many could not go on. `holder` is the process that carries it on: another that takes it over writes its own
    name, and the one before stops. `mapping` identifies the mappings under which snapshots were sent, empty for other
    topics: what was done under others does not count. Times are epoch milliseconds.
    `selection` says which records, `by` is who asked for it, at `began_ms`. `moved_ms` is when this was written. `state` is how far it is.
    """

    run: str
    selection: Selection
    by: str
    began_ms: int
    moved_ms: int
    holder: str = ""
    mapping: str = ""
    state: State = "running"
    position: str = ""
    chosen: int = 0
    handed: int = 0
    passed: int = 0
    left: int = 0

    @property
    def is_open(self) -> bool:
        """Whether there is something to go on with."""
        return self.state != "done"


class Redelivery(Message):
    """`lofty.replays`: a snapshot to write to GHL once more, under the mapping in force.

    It is not put on `lofty.snapshots` again: there it would be behind one that was read later, and be taken for the newest.
    `run` is the replay, `snapshot` the state to write.
    """

    run: str
    snapshot: Snapshot

    def problem(self) -> str | None:
        """As of its snapshot."""
        return self.snapshot.problem()
