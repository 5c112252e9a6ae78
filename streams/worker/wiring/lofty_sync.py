"""The way back in a worker: the parts that judge GHL's events and write Lofty, and the links by which they find each other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from streams.core.rows import LinkRow
from streams.core.to_ghl.child_kind import held_as
from streams.core.to_lofty.rows import BacklinkRow, EventRow, LoftyCommandRow
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.parking import Parking
from streams.messages import Entity
from streams.messages.ghl_event import GhlEvent
from streams.messages.topics import LOFTY_RECEIPTS, LOFTY_WRITES, TopicNames
from streams.settings import Settings
from streams.settings.partitions import Places
from streams.telemetry.metrics import Metrics
from streams.worker.agents.batches import Process
from streams.worker.agents.respond import respond
from streams.worker.agents.write_back import write_back
from streams.worker.dispatch.ghl_events import GhlEventProcessor
from streams.worker.dispatch.ghl_writer import Location
from streams.worker.dispatch.lofty_reader import LoftyTeam
from streams.worker.dispatch.lofty_writer import LoftyWriter
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.receipts import Receipts
from streams.worker.tables import Tables

log = logging.getLogger("lofty_ghl.lofty_sync")

DAY_MS = 24 * 60 * 60 * 1000

WEBHOOK_DAYS = 3
"""How long a webhook's id is remembered: longer than GHL repeats one, and than the gateway takes an old one."""

ERRAND_DAYS = 45
"""How long it is remembered what a rule made: longer than `ghl.changes` can be read again."""

BUILT = "@built"
"""The key in `backlinks` that says: every link that stood before the way back was switched on has its row."""

UNINSTALLED = "@uninstalled:"


@dataclass(frozen=True, slots=True)
class LoftySyncParts:
    """What a worker needs for the way back."""

    settings: Settings
    places: Places
    tables: Tables
    writing: DispatchLoop
    event_processor: GhlEventProcessor
    lofty_commands: LoftyWriter
    now_ms: Callable[[], int]
    batching_producer: BatchingProducer
    parking: Parking
    metrics: Metrics
    opened: Callable[[int, str, LoftyCommandRow], None]

    # -- partitions ---------------------------------------------------------------------------------------

    def acquired(self, partition: int) -> None:
        """The partition is ours: take up what waits there."""
        if any(c.back.types for c in self.places.writing_at(partition)):
            self._build_backlinks(partition)
        for key, row in self.tables.events.items(partition):
            if key.startswith(UNINSTALLED):
                self._pause(row.event)
            else:
                self.event_processor.offer_event(key, row)
        for key, lofty_command in self.tables.lofty_commands.items(partition):
            self.opened(partition, key, lofty_command)
            self.lofty_commands.offer_command(lofty_command)
        self.purge(partition)

    def purge(self, partition: int) -> None:
        """Forget what cannot come again."""
        now_ms = self.now_ms()
        for key, webhook in list(self.tables.webhooks.items(partition)):
            if webhook.at_ms < now_ms - WEBHOOK_DAYS * DAY_MS:
                self.tables.webhooks.delete(partition, key)
        for key, lofty_command in list(self.tables.lofty_commands.items(partition)):
            ends = lofty_command.write.about.startswith(("rule:", "finish:")) or lofty_command.write.state is None
            if ends and lofty_command.is_settled and lofty_command.write.at_ms < now_ms - ERRAND_DAYS * DAY_MS:
                self.tables.lofty_commands.delete(partition, key)

    def _build_backlinks(self, partition: int) -> None:
        """Once: the links that were made before anything flowed back."""
        if self.tables.backlinks.get(partition, BUILT) is not None:
            return
        for key, link in self.tables.links.items(partition):
            self.linked(partition, Entity.from_key(key), link)
        self.tables.backlinks.put(partition, BUILT, BacklinkRow(entity=BUILT))

    # -- links --------------------------------------------------------------------------------------------

    def linked(self, partition: int, entity: Entity, link: LinkRow) -> None:
        """A link has changed: its GHL id leads back to it. Not waited for: the `record` agent waits for its own tables,
        and a row that is lost in a crash is put again with the receipt that is read again.
        """
        connection = self.settings.connections.get(entity.connection)
        if link.ghl_id is None or connection is None or not connection.back.types:
            return
        kind = entity.kind if entity.kind != "appointment" else held_as(link.fields)
        key, row = f"{kind}:{link.ghl_id}", BacklinkRow(entity=entity.key)
        if self.tables.backlinks.get(partition, key) != row:
            self.tables.backlinks.put(partition, key, row)

    # -- the app in GHL -----------------------------------------------------------------------------------

    def installed(self, event: GhlEvent) -> None:
        """The app was installed in a location, or removed from it: then no token of it is good any more."""
        here = [c for c in self.settings.connections.values() if c.ghl.location_id == event.location]
        if not here:
            return
        partition, key = self.places.ghl(here[0]), f"{UNINSTALLED}{event.location}"
        before = self.tables.events.get(partition, key)
        if before is not None and before.event.at_ms > event.at_ms:
            return
        if event.type == "UNINSTALL":
            self.tables.events.put(partition, key, EventRow(event=event))
            self._pause(event)
        elif before is not None:
            self.tables.events.delete(partition, key)
            self.writing.resume(here[0].ghl_budget)
            log.info("location %s: the app is installed again", event.location)

    def _pause(self, event: GhlEvent) -> None:
        cause = "the app was uninstalled in GHL: install it again, or `lofty-ghl connect ghl`"
        self.writing.pause(event.location, inf, cause)

    # -- agents -------------------------------------------------------------------------------------------

    def respond_process(self) -> Process:
        """The agent on `ghl.changes`."""
        types: dict[str, frozenset[str]] = {}
        for c in self.settings.connections.values():
            types[c.ghl.location_id] = types.get(c.ghl.location_id, frozenset()) | c.back.types
        return respond(
            events=self.tables.events,
            webhooks=self.tables.webhooks,
            batching_producer=self.batching_producer,
            parking=self.parking,
            types_at=lambda location: types.get(location, frozenset()),
            installed=self.installed,
            offer=self.event_processor.offer_event,
            now_ms=self.now_ms,
            count=lambda type_, result: self.metrics.events.labels(type_, result).inc(),
        )

    def write_back_process(self) -> Process:
        """The agent on `lofty.writes`."""
        return write_back(
            commands=self.tables.lofty_commands,
            batching_producer=self.batching_producer,
            parking=self.parking,
            offer=self.lofty_commands.offer_command,
            now_ms=self.now_ms,
        )


def new_lofty_sync(
    *,
    settings: Settings,
    names: TopicNames,
    places: Places,
    tables: Tables,
    reading: DispatchLoop,
    writing: DispatchLoop,
    teams: Mapping[str, LoftyTeam],
    locations: Mapping[str, Location],
    receipts: Receipts,
    batching_producer: BatchingProducer,
    parking: Parking,
    ask: Callable[[Entity, int], object],
    now_ms: Callable[[], int],
    jitter: Callable[[], float],
    metrics: Metrics,
    opened: Callable[[int, str, LoftyCommandRow], None],
) -> LoftySyncParts:
    """The parts of one worker. `opened` is told each errand that is there when its partition is gained."""
    connections = settings.connections
    event_processor = GhlEventProcessor(
        loop=writing,
        locations=locations,
        backs={name: c.back for name, c in connections.items()},
        events=tables.events,
        heard=tables.heard,
        backlinks=tables.backlinks,
        links=tables.links,
        receipts=receipts,
        batching_producer=batching_producer,
        parking=parking,
        writes_topic=names.of(LOFTY_WRITES),
        lofty_partitions={name: places.lofty(c) for name, c in connections.items()},
        ask=ask,
        now_ms=now_ms,
        jitter=jitter,
        metrics=metrics,
    )
    lofty_commands = LoftyWriter(
        teams=teams,
        connections=connections,
        commands=tables.lofty_commands,
        receipts_topic=names.of(LOFTY_RECEIPTS),
        writes_topic=names.of(LOFTY_WRITES),
        batching_producer=batching_producer,
        parking=parking,
        offer_item=lambda item, wait: reading.offer_item(item, wait_seconds=wait),
        pause=reading.pause,
        refusals=reading.refusals,
        now_ms=now_ms,
        jitter=jitter,
        metrics=metrics,
    )
    return LoftySyncParts(
        settings,
        places,
        tables,
        writing,
        event_processor,
        lofty_commands,
        now_ms,
        batching_producer,
        parking,
        metrics,
        opened,
    )
