"""A change: "this entity of this lead changed at this time". It holds no values, as Lofty's webhooks hold none."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streams.messages.entity import Entity, Kind
from streams.messages.message import Message

Operation = Literal["created", "updated", "finished", "deleted"]
Origin = Literal["webhook", "sweep", "backfill", "replay", "dependency"]

Millis = Annotated[int, Field(gt=-(2**53), lt=2**53)]
"""Epoch milliseconds. Bounded, since anybody may produce changes, and JSON writers refuse or round greater numbers."""

Hanging = Annotated[str, Field(pattern=r"^(note|task|appointment):[A-Za-z0-9_-]{1,64}$")]
"""A note, task or appointment of Lofty by its kind and id."""
MOST_HANGING = 15


class Change(Message):
    """One change of one entity, as announced by `origin`. Times are epoch milliseconds.

    `update_time_ms` is the vendor's time of the change, `accepted_ms` the time at which we promised to carry it.
    `trace` is the `traceparent` of its trace (W3C Trace Context), empty for none.
    `only_moved`: its lead is gone, so only another lead on which it hangs now would change anything.
    `may_be_unknown`: whether the team has, or had, such a lead is not known; if Lofty does not show it, nothing is lost.
    `hanging` is what hangs in GHL on the contact of such a lead, each as `kind:id`: if Lofty has it on another lead, the lead was merged.
    `connection`, `lead`, `kind` and `id` name the entity; of a contact, `id` is the lead's. `operation` is what Lofty says happened to it.
    """

    connection: str
    lead: str
    kind: Kind
    id: str
    operation: Operation
    update_time_ms: Millis
    accepted_ms: Millis
    origin: Origin = "webhook"
    trace: str = ""
    only_moved: bool = False
    may_be_unknown: bool = False
    hanging: tuple[Hanging, ...] = Field(default=(), max_length=MOST_HANGING)

    @property
    def entity(self) -> Entity:
        """What changed."""
        return Entity(self.connection, self.lead, self.kind, self.id)

    def problem(self) -> str | None:
        """An id that would make a key that does not read back."""
        return self.entity.problem()
