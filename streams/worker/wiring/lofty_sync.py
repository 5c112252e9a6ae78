"""The Lofty sync of a worker: the backlinks by which GHL's events find their entities, and the agents that begin it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from streams.core.rows import LinkRow
from streams.core.to_ghl.child_kind import held_as
from streams.core.to_lofty.rows import BacklinkRow
from streams.messages import Entity
from streams.settings import Connection
from streams.worker.agents.batches import Process
from streams.worker.agents.respond import respond
from streams.worker.agents.write_back import write_back
from streams.worker.dispatch.conflict_rows import ConflictRows
from streams.worker.dispatch.ghl_event_queue import GhlEventQueue
from streams.worker.dispatch.identities import Identities
from streams.worker.dispatch.lofty_writer import LoftyWriter
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.parts import WorkerParts
from streams.worker.wiring.uninstalled_apps import UNINSTALLED, UninstalledApps

log = logging.getLogger("lofty_ghl.lofty_sync")

DAY_MS = 24 * 60 * 60 * 1000

WEBHOOK_DAYS = 3
"""How long a webhook's id is remembered: longer than GHL repeats one, and than the gateway takes an old one."""

COMMAND_DAYS = 45
"""How long we remember what a rule made: longer than `ghl.changes` can be read again."""

BUILT = "@built"
"""The key in `backlinks` that says: every link that was there before the Lofty sync was switched on has its row."""


@dataclass(frozen=True, slots=True)
class LoftySync:
    """What flows from GHL back to Lofty: its links, the events that wait, and the commands for Lofty."""

    parts: WorkerParts
    writing: DispatchLoop
    event_queue: GhlEventQueue
    command_writer: LoftyWriter
    identities: Identities
    conflicts: ConflictRows

    @property
    def uninstalled_apps(self) -> UninstalledApps:
        """The locations from which our app was removed."""
        return UninstalledApps(self.parts, self.writing)

    # -- partitions ---------------------------------------------------------------------------------------

    def acquired(self, partition: int) -> None:
        """The partition is ours: take up what waits there."""
        if any(c.back.types for c in self.parts.connections.writing_at(partition)):
            self._build_backlinks(partition)
        for key, row in self.parts.tables.events.items(partition):
            if key.startswith(UNINSTALLED):
                self.uninstalled_apps.take_up(partition, row.event.location)
            else:
                self.event_queue.offer(key, row)
        for key, command in self.parts.tables.lofty_commands.items(partition):
            self.parts.reporter.rows.lofty_command(partition, key, command)
            self.command_writer.offer_command(command)
        self.purge(partition)

    def take_up(self, c: Connection) -> None:
        """A connection is another from now on, in a partition that is ours: its links lead back, and an app that is gone stays so."""
        partition = self.parts.connections.ghl(c)
        if c.back.types:
            self._build_backlinks(partition)
        self.uninstalled_apps.take_up(partition, c.ghl.location_id)

    def purge(self, partition: int) -> None:
        """Forget what is too old to be delivered again."""
        now_ms = self.parts.deps.now_ms()
        for key, webhook in list(self.parts.tables.webhooks.items(partition)):
            if webhook.at_ms < now_ms - WEBHOOK_DAYS * DAY_MS:
                self.parts.tables.webhooks.delete(partition, key)
        for key, command in list(self.parts.tables.lofty_commands.items(partition)):
            ends = command.write.about.startswith(("rule:", "finish:")) or command.write.state is None
            if ends and command.is_settled and command.write.at_ms < now_ms - COMMAND_DAYS * DAY_MS:
                self.parts.tables.lofty_commands.delete(partition, key)

    def _build_backlinks(self, partition: int) -> None:
        """Once: the links that were made before anything flowed back."""
        if self.parts.tables.backlinks.get(partition, BUILT) is not None:
            return
        for key, link in self.parts.tables.links.items(partition):
            self.linked(partition, Entity.from_key(key), link)
        self.parts.tables.backlinks.put(partition, BUILT, BacklinkRow(entity=BUILT))

    # -- links --------------------------------------------------------------------------------------------

    def linked(self, partition: int, entity: Entity, link: LinkRow) -> None:
        """A link may have changed: its GHL id must lead back to it."""
        if entity.kind == "contact":
            self.identities.linked(partition, entity, link)
            self.conflicts.linked(partition, entity, link)
            return
        connection = self.parts.connections.get(entity.connection)
        if link.ghl_id is None or connection is None or not connection.back.types:
            return
        kind = entity.kind if entity.kind != "appointment" else held_as(link.fields)
        key, row = f"{kind}:{link.ghl_id}", BacklinkRow(entity=entity.key)
        if self.parts.tables.backlinks.get(partition, key) != row:
            self.parts.tables.backlinks.put(partition, key, row)

    async def flush_linked(self) -> None:
        """Wait until Kafka has the rows that `linked` has written."""
        await self.parts.tables.backlinks.flush()
        await self.parts.tables.conflicts.flush()

    # -- agents -------------------------------------------------------------------------------------------

    def respond_process(self) -> Process:
        """The agent on `ghl.changes`."""
        return respond(
            events=self.parts.tables.events,
            webhooks=self.parts.tables.webhooks,
            output=self.parts.output,
            wants=self.parts.connections.want,
            installed=self.uninstalled_apps.heed,
            offer=self.event_queue.offer,
            count=lambda type_, result: self.parts.deps.metrics.events.labels(type_, result).inc(),
        )

    def write_back_process(self) -> Process:
        """The agent on `lofty.writes`."""
        return write_back(
            commands=self.parts.tables.lofty_commands,
            output=self.parts.output,
            offer=self.command_writer.offer_command,
        )
