"""What a sweep finds to differ becomes a change; what it saw is remembered in the table `swept`."""

from __future__ import annotations

from dataclasses import dataclass

from streams.core.listed_states import Listing
from streams.core.rows import SweepRow, SweptRow
from streams.core.sweep import Listed, change_of, must_read
from streams.core.sweep_rotation import seen_row
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages import Change, Entity, Kind, Operation
from streams.messages.partitioning import partition_of
from streams.worker.output import Output


@dataclass(frozen=True, slots=True)
class SweepChanges:
    """Compares lists with the table `swept`. `partitions` is the number of partitions of the topic of changes."""

    swept: Table[SweptRow]
    output: Output
    changes_topic: str
    partitions: int

    async def compare(
        self,
        partition: int,
        row: SweepRow,
        found: list[Listed],
        missing: dict[str, SweptRow],
        listing: Listing | None,
    ) -> int:
        """Announce what is not as it was, remember how it is now; `missing` are those that should be among `found`.

        `listing` keeps the states of what is announced; None when they did not come from one list.
        """
        assert row.kind is not None
        changes: list[Change] = []
        for one in found:
            key = one.entity.key
            missing.pop(key, None)
            before = self.swept.get(partition, key)
            if before is not None and before.run_ms == row.started_ms:
                continue
            if must_read(row.kind, before, one):
                operation: Operation = "created" if before is None else "updated"
                if listing is not None:
                    listing.keep(one.entity, one.state, self.output.now_ms())
                changes.append(change_of(one.entity, row.kind, operation, one.updated_ms, self.output.now_ms()))
        for key, swept in missing.items():
            changes.append(change_of(Entity.from_key(key), row.kind, "deleted", swept.updated_ms, self.output.now_ms()))
        await self.announce(changes)
        for one in found:
            before = self.swept.get(partition, one.entity.key)
            self.swept.put(partition, one.entity.key, seen_row(before, one, row.started_ms))
        for key in missing:
            self.swept.delete(partition, key)
        return len(changes)

    def known_children(self, partition: int, lead: Entity, kinds: tuple[Kind, ...]) -> dict[str, SweptRow]:
        """The notes, tasks or appointments that earlier runs have seen under a lead."""
        return {key: row for kind in kinds for key, row in self.swept.items(partition, f"{lead.lane}:{kind}:")}

    def looked(self, partition: int, lead: Entity, row: SweepRow) -> None:
        """All lists of what hangs on a lead were read."""
        before = self.swept.get(partition, lead.key)
        if before is not None:
            read = {"children_ms": row.started_ms, "is_active": False}
            self.swept.put(partition, lead.key, before.model_copy(update=read))

    async def announce(self, changes: list[Change]) -> None:
        """Write changes to `lofty.changes`, as webhooks do."""
        records = []
        for change in changes:
            lane = change.entity.lane
            partition = partition_of(lane, self.partitions)
            records.append(Record(self.changes_topic, partition, lane.encode(), change.to_bytes()))
        await self.output.produce(records)
