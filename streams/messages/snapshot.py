"""A snapshot: the full state of one entity as read from Lofty."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.http.json_reader import MOST_DEPTH
from streams.messages.change import Origin
from streams.messages.entity import Entity, Kind
from streams.messages.message import Message


class Snapshot(Message):
    """What Lofty said of one entity at `read_ms`. Times are epoch milliseconds.

    `state` is Lofty's own JSON, or None when the entity is gone; `moved_to` is the lead on which it hangs now, if it is not gone from Lofty.
    `version_ms` orders snapshots of one entity: a smaller one never replaces a greater one.
    `fingerprint` is the content's hash; equal fingerprints mean equal states.
    `update_time_ms` and `accepted_ms` are those of the oldest change that this snapshot answers: freshness is measured from them. `trace` is its trace.
    `connection`, `lead`, `kind` and `id` name the entity. `origin` is why it was read.
    """

    deepest: ClassVar[int] = MOST_DEPTH + 4

    connection: str
    lead: str
    kind: Kind
    id: str
    state: dict[str, Any] | None
    version_ms: int
    fingerprint: str
    read_ms: int
    update_time_ms: int
    accepted_ms: int
    origin: Origin = "webhook"
    trace: str = ""
    moved_to: str = ""

    @property
    def entity(self) -> Entity:
        """What was read."""
        return Entity(self.connection, self.lead, self.kind, self.id)

    def problem(self) -> str | None:
        """An id that would make a key that does not read back."""
        return self.entity.problem()

    @property
    def is_gone(self) -> bool:
        """The entity is deleted in Lofty."""
        return self.state is None
