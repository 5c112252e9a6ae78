"""What a sandbox holds for one team: leads and what hangs on them, transactions, members, tags, fields, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from connectors.sandbox.lofty.settings import TeamSettings

Kind = Literal["lead", "note", "task", "appointment"]

AUTHOR: dict[str, Any] = {"id": 844510972070138, "name": "Sandbox Agent"}
"""Who edits when nobody is named."""


OWN_VENDOR = 0
"""Whose subscriptions those are that are made by API here. The others of a team are another vendor's, and only seen."""


@dataclass(slots=True)
class LoftyRecord:
    """One lead, note, task or appointment. `fields` is its JSON, kept as Lofty answers it.

    `updated_ms` only ever grows, so that no two pings of a record carry the same time.
    Until `visible_at` (seconds) a read says that it does not exist. A lead that `is_deleted` lies in the trash,
    unless it `is_absorbed`: merged into another one, it is nowhere.
    """

    kind: Kind
    id: int
    lead_id: int
    fields: dict[str, Any]
    updated_ms: int
    visible_at: float = 0.0
    is_deleted: bool = False
    is_smart_plan: bool = False
    is_absorbed: bool = False


@dataclass(frozen=True, slots=True)
class TeamChange:
    """One change for subscribers: an item for a bucket of a list."""

    list_id: int
    bucket: str
    item: dict[str, Any]


class TeamState:
    """One team. `ids` gives new ids; all teams of a sandbox share it."""

    def __init__(self, settings: TeamSettings, ids: Iterator[int]) -> None:
        self.settings = settings
        self.ids = ids
        self.records: dict[Kind, dict[int, LoftyRecord]] = {"lead": {}, "note": {}, "task": {}, "appointment": {}}
        self.children: dict[tuple[Kind, int], list[int]] = {}
        self.members: list[dict[str, Any]] = []
        self.custom_fields: list[dict[str, Any]] = []
        self.tags: dict[str, int] = {}
        self.stages: dict[str, int] = {}
        self.transactions: dict[int, dict[str, Any]] = {}
        self.transaction_stages: dict[str, tuple[str, ...]] = {}
        self.subscriptions: dict[int, dict[str, Any]] = {}
        self.scrolls: dict[str, tuple[tuple[int, ...], int]] = {}
        self.outbox: list[TeamChange] = []
        self.reported = 0

    @property
    def id(self) -> int:
        """The team's id."""
        return self.settings.id

    def put(self, record: LoftyRecord) -> None:
        """Keep a new record."""
        self.records[record.kind][record.id] = record
        if record.kind != "lead":
            self.children.setdefault((record.kind, record.lead_id), []).append(record.id)

    def find(self, kind: Kind, record_id: int, now: float | None = None) -> LoftyRecord | None:
        """A record that is not deleted. With `now`: and that is visible by then."""
        found = self.records[kind].get(record_id)
        if found is None or found.is_deleted or (now is not None and now < found.visible_at):
            return None
        return found

    def of_lead(self, kind: Kind, lead_id: int, now: float) -> list[LoftyRecord]:
        """The visible notes, tasks or appointments of a lead, the oldest first."""
        ids = self.children.get((kind, lead_id), ())
        return [found for one in ids if (found := self.find(kind, one, now)) is not None]

    def tag_id(self, name: str) -> int:
        """The id of a tag, made when there is none. The case of a tag does not matter."""
        folded = next((one for one in self.tags if one.casefold() == name.casefold()), name)
        return self.tags.setdefault(folded, len(self.tags) + 6_536_952)

    def stage_id(self, name: str) -> int:
        """The id of a stage, made when there is none."""
        return self.stages.setdefault(name, len(self.stages) + 101)

    def report(self, list_id: int, bucket: str, item: dict[str, Any]) -> None:
        """Report a change to the subscribers."""
        self.outbox.append(TeamChange(list_id, bucket, item))
        self.reported += 1


@dataclass(slots=True)
class Ids:
    """An iterator of ids. Unlike `itertools.count` it may be pickled in every version of Python."""

    last: int

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.last += 2
        return self.last


def new_ids() -> Iterator[int]:
    """Ids as large as Lofty's."""
    return Ids(1_146_742_878_287_625)
