"""Brings the tables of partitions up to date before a worker owns them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from streams.core.renamed import ConnectionRenamed, find_renamed
from streams.kafka.group_lag import GroupLag
from streams.kafka.growth import NotInForce, demand_in_force
from streams.kafka.lost_links import receipt_without_link
from streams.kafka.tables import ChangelogLost, Loss
from streams.messages.topics import RECEIPTS
from streams.worker.parts import WorkerParts

log = logging.getLogger("lofty_ghl.worker")


@dataclass(frozen=True, slots=True)
class TableRecovery:
    """`lag` asks Kafka where the group goes on."""

    parts: WorkerParts
    lag: GroupLag

    async def recover(self, partitions: Collection[int]) -> None:
        """Read the changelogs of partitions that are not ours yet; ends the process where that fails."""
        parts = self.parts
        parts.reporter.recovering()
        try:
            # A member of the group asks now, and `partitions grow` counts members once it has written its state: one of both
            # sees the other, however closely they begin.
            await demand_in_force(parts.settings, "worker")
            acquired = set(partitions) - parts.ownership.assigned
            recovered = await parts.tables.changelogs.recover(acquired)
            parts.tables.acquire(acquired)
            await self._require_links(acquired)
            self._require_names(acquired)
        except (ChangelogLost, ConnectionRenamed, NotInForce) as error:
            parts.deps.end(f"{error}.")
            raise
        except Exception as error:  # whatever it is: without its tables a worker must not work
            parts.deps.end(f"The tables of partitions {sorted(partitions)} cannot be recovered ({error!r}).")
            raise
        parts.reporter.recovered(recovered.records, recovered.seconds)
        log.info(
            "%d partitions recovered: %d records in %.1f s",
            recovered.partitions,
            recovered.records,
            recovered.seconds,
        )

    async def _require_links(self, partitions: set[int]) -> None:
        """Raise `ChangelogLost` where a receipt was applied and its link is gone.

        A broker that cuts changelogs off is not asked: its receipts outlive its links.
        """
        parts = self.parts
        if not parts.deps.broker_keeps_all:
            return
        receipts, links = parts.names.of(RECEIPTS), parts.tables.links
        ordered = sorted(partitions)
        resumed = await asyncio.gather(*(self.lag.resumes_at((receipts, partition)) for partition in ordered))
        commits = dict(zip(ordered, resumed, strict=True))
        found = await receipt_without_link(
            parts.settings, receipts, commits, lambda partition, key: links.get(partition, key) is not None
        )
        if found is not None:
            partition, receipt = found
            says = f"holds no link of {receipt.entity.key}, though {receipts} holds a receipt of it that was worked off"
            raise ChangelogLost([Loss(links.name, links.changelog, partition, says)])

    def _require_names(self, partitions: set[int]) -> None:
        """Raise `ConnectionRenamed` where a connection that is no longer configured had the team and location of another one."""
        parts = self.parts
        connections, sweeps = parts.connections, parts.tables.sweeps
        for partition in partitions:
            if renamed := find_renamed(dict(sweeps.items(partition)), connections.values()):
                raise ConnectionRenamed(*renamed)
