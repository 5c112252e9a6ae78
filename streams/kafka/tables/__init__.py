"""State: tables with an explicit partition, whose changelog is appended before the event is acknowledged."""

from streams.kafka.changelog_losses import ChangelogLost, Loss
from streams.kafka.tables.changelogs import Changelogs
from streams.kafka.tables.store import MemoryStore, RocksStore, Store, StoreFailed
from streams.kafka.tables.table import Table

__all__ = ["ChangelogLost", "Changelogs", "Loss", "MemoryStore", "RocksStore", "Store", "StoreFailed", "Table"]
