"""The partitions that own the two budgets of each connection."""

from __future__ import annotations

from collections.abc import Iterator

from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from streams.settings import Connection, Settings


class ConnectionPartitions:
    """The partitions of all connections."""

    def __init__(self, settings: Settings) -> None:
        self._connections = settings.connections
        self._partitions = settings.kafka.partitions

    def lofty(self, connection: Connection) -> int:
        """The partition of a connection's Lofty budget."""
        return partition_of(lofty_budget(connection.lofty_budget), self._partitions)

    def ghl(self, connection: Connection) -> int:
        """The partition of a connection's GHL budget."""
        return partition_of(ghl_budget(connection.ghl_budget), self._partitions)

    def of(self, budget: str) -> int:
        """The partition of a budget's placement key."""
        return partition_of(budget, self._partitions)

    def ghl_of(self, connection: str) -> int:
        """The same by the connection's name."""
        return self.ghl(self._connections[connection])

    def reading_at(self, partition: int) -> Iterator[Connection]:
        """The connections whose Lofty budget is placed at a partition."""
        return (c for c in self._connections.values() if self.lofty(c) == partition)

    def writing_at(self, partition: int) -> Iterator[Connection]:
        """The connections whose GHL budget is placed at a partition."""
        return (c for c in self._connections.values() if self.ghl(c) == partition)
