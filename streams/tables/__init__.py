"""State: tables with an explicit partition, whose changelog is appended before the event is acknowledged."""

from streams.tables.changelogs import Changelogs
from streams.tables.store import MemoryStore, RocksStore, Store, StoreFailed
from streams.tables.table import Table

__all__ = ["Changelogs", "MemoryStore", "RocksStore", "Store", "StoreFailed", "Table"]
