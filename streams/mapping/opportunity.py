"""From the stage of a Lofty lead to a GHL opportunity, by a table of pairs that a person fills in.

Lofty has one list of stages for a team; GHL has pipelines, each with stages of its own. Both are named as people see them:
ids come from the location (`streams/core/to_ghl/opportunity.py`).
A stage without a pair says nothing of the opportunity: what GHL holds stays.
A transaction is mapped by the same table of values (`value`), once connections carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from streams.mapping.mapping import NO_USERS
from streams.mapping.note import Said
from streams.mapping.task import agent_email
from streams.mapping.values import UnreadableValue, read_email

Status = Literal["open", "won", "lost", "abandoned"]
STATUSES: tuple[Status, ...] = get_args(Status)

NAME_LIMIT = 120


@dataclass(frozen=True, slots=True)
class StagePair:
    """A stage of Lofty, and where its leads are in GHL: pipeline and stage by name, and the status of the opportunity."""

    lofty: str
    pipeline: str
    stage: str
    status: Status = "open"

    def is_at(self, other: StagePair | None) -> bool:
        """Whether two pairs lead to one place in GHL."""
        return other is not None and self._place == other._place

    @property
    def _place(self) -> tuple[str, str, str]:
        return folded(self.pipeline), folded(self.stage), self.status


class StageTable:
    """The pairs of one connection. Names are compared without case and outer blanks.

    Several stages of Lofty may lead to one of GHL. For the other direction the first of them counts.
    """

    def __init__(self, pairs: Iterable[StagePair]) -> None:
        self.pairs = tuple(pairs)
        self._to_ghl: dict[str, StagePair] = {}
        for pair in self.pairs:
            self._to_ghl.setdefault(folded(pair.lofty), pair)

    def pair_of(self, stage: str) -> StagePair | None:
        """The pair of a stage of Lofty."""
        return self._to_ghl.get(folded(stage))

    def pairs_at(self, is_there: Callable[[StagePair], bool], status: str) -> tuple[StagePair, ...]:
        """The pairs of the stage in which an opportunity with this status is: those with the status, if there are any.

        Otherwise all of the stage, so that a status that no pair has moves nothing. The first of them counts for the other direction.
        """
        there = tuple(one for one in self.pairs if is_there(one))
        return tuple(one for one in there if one.status == status) or there

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def repeated(self) -> tuple[str, ...]:
        """The stages of Lofty that more than one pair has: only the first pair counts, so that is a mistake."""
        names = [folded(pair.lofty) for pair in self.pairs]
        return tuple(dict.fromkeys(pair.lofty for pair in self.pairs if names.count(folded(pair.lofty)) > 1))


STATE = ("leadId", "stage", "firstName", "lastName", "emails", "_agent")
"""What of a lead's state its opportunity is made of."""


@dataclass(frozen=True, slots=True)
class MappedOpportunity:
    """The desired state of an opportunity, by names. `value` None: nothing is said of it.

    `flags` say which of its values could not be read.
    """

    name: str
    pair: StagePair
    value: float | None = None
    assigned_to_email: str | None = None
    flags: tuple[str, ...] = ()


def map_opportunity(
    lead: Mapping[str, Any], table: StageTable, *, users: Mapping[str, str] = NO_USERS
) -> MappedOpportunity | None:
    """Map the state of a lead. None when its stage has no pair. Never raises for what Lofty sends.

    `users` is the mapping's: Lofty agent's e-mail → GHL user's e-mail.
    """
    said = Said(lead)
    pair = table.pair_of(said.line("stage"))
    if pair is None:
        return None
    full_name = " ".join(filter(None, (said.line("firstName", 60), said.line("lastName", 60))))
    name = full_name or _first_email(lead) or f"Lofty lead {said.line('leadId', 40)}".strip()
    return MappedOpportunity(name[:NAME_LIMIT], pair, None, agent_email(said, users), tuple(said.flags))


def _first_email(lead: Mapping[str, Any]) -> str:
    emails = lead.get("emails")
    for email in emails if isinstance(emails, list) else ():
        try:
            return read_email(email) or ""
        except UnreadableValue:
            continue
    return ""


def folded(name: str) -> str:
    """The name of a pipeline or stage, as it is compared."""
    return " ".join(name.split()).casefold()
