"""State: Faust tables with an explicit partition, whose changelog is appended before the event is acknowledged."""

from streams.tables.table import Table

__all__ = ["Table"]
