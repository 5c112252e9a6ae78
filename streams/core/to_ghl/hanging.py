"""What hangs on the contact of a lead that nobody knows, and what Lofty's answers about it say: was the lead merged into another one?

Lofty's own id of a lead that was merged is dead: no list, no trash names it. What hung on it hangs on the lead that stays, and names
that one. In GHL it still hangs on the contact of the first, and names itself by its marker. So Lofty is asked for some of it.

| Lofty's answers | the lead |
| --- | --- |
| one names this very lead | is not merged: it is hidden from us, perhaps |
| none names a lead (deleted since, or another team's) | is not known: nothing tells |
| some name another lead, which Lofty does not show | is not known: that one may be gone for any reason |
| some name another lead, which Lofty shows | was merged into it |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streams.mapping import find_marker
from streams.messages import Entity, Kind
from streams.messages.change import MOST_HANGING

_KINDS: tuple[Kind, ...] = ("note", "task", "appointment")
_MOST_OF_A_KIND = MOST_HANGING // len(_KINDS)

Verdict = Literal["ask on", "merged", "no lead"]


def hanging_on(*listed: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Some of what hangs on a contact, each as `kind:id`: notes, tasks, appointments as GHL shows them.

    Only a marker alone on its last line counts: one that somebody quotes says nothing of where that hangs.
    """
    found: dict[Kind, dict[str, None]] = {kind: {} for kind in _KINDS}
    for row in (one for rows in listed for one in rows):
        texts = [row.get(name) for name in ("body", "description", "notes")]
        for kind, ids in found.items():
            ids |= {lofty_id: None for text in texts if (lofty_id := find_marker(text, kind))}
    return tuple(f"{kind}:{one}" for kind, ids in found.items() for one in [*ids][:_MOST_OF_A_KIND])


@dataclass(slots=True)
class Trail:
    """Where what hung on a lead leads: `subject` is what Lofty is asked for next, `told` takes its answer."""

    lead: Entity
    unread: list[Entity]
    into: str = ""
    """The lead that something of it names."""

    @classmethod
    def of(cls, lead: Entity, hanging: Iterable[str]) -> Trail:
        """The beginning."""
        pairs = [one.split(":", 1) for one in hanging]
        return cls(lead, [lead._replace(kind=kind, id=id) for kind, id in pairs])  # type: ignore[arg-type]  # one of Lofty's kinds

    @property
    def subject(self) -> Entity:
        """Something that hung on the lead; in the end the lead that it names."""
        return self.unread[0] if self.unread else Entity.contact(self.lead.connection, self.into)

    def told(self, state: Mapping[str, Any] | None) -> Verdict:
        """What follows from Lofty's answer about the subject; None: Lofty does not have it."""
        if not self.unread:
            return "no lead" if state is None else "merged"
        del self.unread[0]
        lead = named_lead(state or {})
        if lead == self.lead.lead:
            return "no lead"
        self.into = lead or self.into
        return "ask on" if self.unread or self.into else "no lead"


def named_lead(state: Mapping[str, Any]) -> str:
    """The lead that a note, task or appointment names as its own, or ""."""
    lead = state.get("leadId")
    return str(lead) if isinstance(lead, int | str) and str(lead) not in ("", "0", "-1") else ""
