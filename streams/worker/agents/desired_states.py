"""Desired states: how `deliver` and `replay` make a snapshot the state that an entity should have in GHL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import desire
from streams.core.to_ghl.lead_opportunity import news_of_opportunity, opportunity_of
from streams.kafka.tables import Table
from streams.mapping import StageTable
from streams.messages import Snapshot
from streams.settings import Connection


@dataclass(frozen=True, slots=True)
class DesiredStates:
    """The tables `outbox` and `links`, and what is known of the entities in them.

    `settled_as` is what a link reads when it satisfies a snapshot under the mapping in force.
    `is_outdated` says of a connection's link whether its location has changed in what the link rests on.
    `epoch` is ours as the owner of a partition, `under_way` the state of an entity that is being written right now.
    `offer` makes an entity due in the writing dispatcher. `connection` gives its settings; None for one that is no longer configured.
    """

    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    settled_as: Callable[[Snapshot], str]
    epoch: Callable[[int], int]
    under_way: Callable[[str], Snapshot | None]
    offer: Callable[[OutboxRow], None]
    is_outdated: Callable[[str, LinkRow | None], bool] = lambda _connection, _link: False
    connection: Callable[[str], Connection | None] = lambda _connection: None

    def wanted(self, snapshot: Snapshot, link: LinkRow | None) -> str:
        """What the link reads when nothing is to do for a snapshot; "" when it must be planned whatever the link reads."""
        return "" if self.is_outdated(snapshot.connection, link) else self.settled_as(snapshot)

    def opportunity(self, partition: int, lead: Snapshot) -> Snapshot | None:
        """What an accepted snapshot of a lead says of its opportunity, where its connection has stages and it is news."""
        connection = self.connection(lead.connection) if lead.kind == "contact" else None
        if connection is None or not connection.stages:
            return None
        key = opportunity_of(lead.entity).key
        row, link = self.outbox.get(partition, key), self.links.get(partition, key)
        table = StageTable(connection.stages)
        return news_of_opportunity(lead, table, row, link, connection.mapping_fingerprint)

    def put(self, partition: int, snapshot: Snapshot) -> OutboxRow:
        """Make an accepted snapshot the desired state of its entity."""
        key = snapshot.entity.key
        row = desire(self.outbox.get(partition, key), snapshot, self.epoch(partition), self.under_way(key))
        self.outbox.put(partition, key, row)
        return row

    async def offer_all(self, rows: dict[str, OutboxRow]) -> None:
        """Offer rows once they are written."""
        await self.outbox.flush()
        for row in rows.values():
            self.offer(row)
