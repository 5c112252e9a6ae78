"""Follows what hung on a lead that Lofty does not know, to the lead into which that one was merged (`core/to_ghl/hanging.py`).

What was followed so far is in memory only: after a restart the lead is read once more, and it is followed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.core.rows import FetchRow
from streams.core.to_ghl.hanging import Trail, Verdict, named_lead
from streams.core.to_ghl.read_result import NotFound, not_found
from streams.messages import Entity


@dataclass(frozen=True, slots=True)
class MergedLeads:
    """The trails of the leads that are being read, each with the generation of its pending read."""

    _trails: dict[str, tuple[int, Trail]] = field(default_factory=dict)

    def not_found(
        self, row: FetchRow, now_ms: int, *, visibility_ms: int, names_nothing: bool
    ) -> NotFound | Literal["ask on"]:
        """What a 404 means (`core/to_ghl/read_result.py`). "ask on": Lofty does not know the lead, but something of it can be followed."""
        means = not_found(row, now_ms, visibility_ms=visibility_ms, names_nothing=names_nothing)
        if means != "no lead" or not row.hanging:
            return means
        self._trails[row.entity.key] = row.generation, Trail.of(row.entity, row.hanging)
        return "ask on"

    def subject(self, row: FetchRow) -> Entity:
        """What Lofty is asked for now: the entity itself, as long as it is not known that Lofty does not have it."""
        generation, trail = self._trails.get(row.entity.key, (0, None))
        return row.entity if trail is None or generation != row.generation else trail.subject

    def told(self, row: FetchRow, state: Mapping[str, Any] | None) -> Verdict:
        """Take Lofty's answer about the subject; None: it does not have it."""
        _, trail = self._trails[row.entity.key]
        verdict = trail.told(state)
        if verdict != "ask on":
            del self._trails[row.entity.key]
        return verdict


def hangs_on(entity: Entity, state: Mapping[str, Any]) -> str:
    """The lead that a note, task or appointment names as its own; what names none is where we know it."""
    return (named_lead(state) if entity.kind not in ("contact", "opportunity") else "") or entity.lead
