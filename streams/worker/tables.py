"""The state of a worker: its tables, the offsets of their local copies, and the changelogs behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer

from streams.core.rows import FetchRow, LinkRow, OutboxRow, SeenRow, SweepRow, SweptRow, TokenRow
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.to_lofty.rows import BacklinkRow, EventRow, ExternalEditRow, LoftyCommandRow, WebhookRow
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.clients import Consumer
from streams.kafka.connection_options import client_options
from streams.kafka.tables import Changelogs, MemoryStore, RocksStore, Store, Table
from streams.kafka.tables.opening import Opening, unguarded
from streams.messages import Message, topics
from streams.messages.topics import TopicNames
from streams.settings import Settings

Row = TypeVar("Row", bound=Message)


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables (DESIGN §4)."""

    store: Store
    changelogs: Changelogs
    seen: Table[SeenRow]
    fetches: Table[FetchRow]
    outbox: Table[OutboxRow]
    links: Table[LinkRow]
    budgets: Table[BudgetRow]
    sweeps: Table[SweepRow]
    swept: Table[SweptRow]
    backlinks: Table[BacklinkRow]
    webhooks: Table[WebhookRow]
    events: Table[EventRow]
    heard: Table[ExternalEditRow]
    lofty_commands: Table[LoftyCommandRow]
    tokens: Table[TokenRow]
    conflicts: Table[LinkRow]

    @classmethod
    def of(
        cls,
        settings: Settings,
        names: TopicNames,
        batching_producer: BatchingProducer,
        clock: Callable[[], float],
        end: Callable[[str], None],
        *,
        keeps_all: bool = True,
        opening: Opening = unguarded,
        sharers: int = 1,
    ) -> Tables:
        """The tables of a worker, in the kind of store that its settings name. `end` ends the process after an error from which it cannot recover.

        `keeps_all` is false for a broker that cuts changelogs off. `opening` guards the opening of local stores.
        `sharers` processes have such a store on this machine, and together no bigger buffers than one.
        """
        in_memory = settings.worker.store == "memory"
        folder = Path(settings.worker.data_dir) / names.group
        store: Store = MemoryStore() if in_memory else RocksStore(folder, end, opening, sharers)
        keys: dict[str, bytes] = {}

        def table(name: str, row: type[Row]) -> Table[Row]:
            made = Table(name, row, names.changelog(name), store, batching_producer, end)
            keys[made.changelog] = made.key
            return made

        return cls(
            store=store,
            changelogs=Changelogs(keys, store, lambda: changelog_consumer(settings), clock, keeps_all=keeps_all),
            seen=table(topics.SEEN_TABLE, SeenRow),
            fetches=table(topics.FETCHES_TABLE, FetchRow),
            outbox=table(topics.OUTBOX_TABLE, OutboxRow),
            links=table(topics.LINKS_TABLE, LinkRow),
            budgets=table(topics.BUDGETS_TABLE, BudgetRow),
            sweeps=table(topics.SWEEPS_TABLE, SweepRow),
            swept=table(topics.SWEPT_TABLE, SweptRow),
            backlinks=table(topics.BACKLINKS_TABLE, BacklinkRow),
            webhooks=table(topics.WEBHOOKS_TABLE, WebhookRow),
            events=table(topics.EVENTS_TABLE, EventRow),
            heard=table(topics.HEARD_TABLE, ExternalEditRow),
            lofty_commands=table(topics.ERRANDS_TABLE, LoftyCommandRow),
            tokens=table(topics.TOKENS_TABLE, TokenRow),
            conflicts=table(topics.CONFLICTS_TABLE, LinkRow),
        )

    def acquire(self, partitions: set[int]) -> None:
        """The partitions are this worker's, and recovered."""
        for table in self.every_table:
            for partition in partitions:
                table.acquire(partition)

    def release(self, partitions: set[int]) -> None:
        """The partitions go to another worker, or this one stops."""
        for table in self.every_table:
            for partition in partitions:
                table.release(partition)

    @property
    def every_table(self) -> tuple[Table[Any], ...]:
        """Every table."""
        return (
            *(self.seen, self.fetches, self.outbox, self.links),
            *(self.budgets, self.sweeps, self.swept),
            *(self.backlinks, self.webhooks, self.events, self.heard, self.lofty_commands, self.tokens),
            self.conflicts,
        )


def changelog_consumer(settings: Settings) -> AIOKafkaConsumer:
    """A consumer that joins no group and commits nothing. Where its position is gone from Kafka it raises, and skips nothing."""
    return Consumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="none", fetch_max_wait_ms=50
    )
