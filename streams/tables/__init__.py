"""State: tables with an explicit partition, whose changelog is appended before the event is acknowledged."""

from streams.tables.changelogs import Changelogs
from streams.tables.losses import ChangelogLost, Loss
from streams.tables.store import MemoryStore, RocksStore, Store, StoreFailed
from streams.tables.table import Table

__all__ = ["ChangelogLost", "Changelogs", "Loss", "MemoryStore", "RocksStore", "Store", "StoreFailed", "Table"]
