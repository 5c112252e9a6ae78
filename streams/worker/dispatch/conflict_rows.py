"""Keeps the table `conflicts`: the links that name a conflict, and nothing else, so that a list of them reads no other links.

A row has the key of its link, and only what a conflict needs of it (`conflict_row`). `record` waits for it before a receipt counts as read.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.rows import LinkRow
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.messages.topics import CONFLICTS_BUILT


@dataclass(frozen=True, slots=True)
class ConflictRows:
    """The rows of the partitions that are ours."""

    conflicts: Table[LinkRow]

    def linked(self, partition: int, entity: Entity, link: LinkRow) -> None:
        """The link of a contact has changed."""
        row, known = conflict_row(link), self.conflicts.get(partition, entity.key)
        if row is None and known is not None:
            self.conflicts.delete(partition, entity.key)
        elif row is not None and row != known:
            self.conflicts.put(partition, entity.key, row)

    def is_built(self, partition: int) -> bool:
        """Whether each link that names a conflict has its row."""
        return self.conflicts.get(partition, CONFLICTS_BUILT) is not None

    def built(self, partition: int) -> None:
        """From now on it has."""
        self.conflicts.put(partition, CONFLICTS_BUILT, LinkRow())


def conflict_row(link: LinkRow) -> LinkRow | None:
    """What the table holds of a link; None when it names no conflict, or its contact is gone."""
    if not link.conflicts or link.is_gone or link.is_deleted:
        return None
    return LinkRow(ghl_id=link.ghl_id, shares=link.shares, conflicts=link.conflicts, decided=link.decided)
