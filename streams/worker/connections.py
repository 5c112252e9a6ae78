"""The connections that a worker serves now. It has one owner, and is read by id at the time of use: nobody keeps a copy.

A connection is replaced between two pieces of its work (`take_over.py`), never during one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from streams.messages.ghl_event import GhlEvent
from streams.settings import Connection, Settings
from streams.settings.model import Direction
from streams.settings.partitions import ConnectionPartitions

T = TypeVar("T")


class LiveConnections(ConnectionPartitions, Mapping[str, Connection]):
    """By id. `settings` are those with which the worker started: of them only the connections may change."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._connections = dict(settings.connections)

    def __getitem__(self, connection: str) -> Connection:
        return self._connections[connection]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._connections))

    def __len__(self) -> int:
        return len(self._connections)

    def put(self, connection: str, now: Connection | None) -> None:
        """The connection is as `now` from here on; None: it is no longer served."""
        if now is None:
            self._connections.pop(connection, None)
        else:
            self._connections[connection] = now

    def flows(self, connection: str, direction: Direction) -> bool:
        """Whether a connection is served, and not paused in this direction."""
        found = self._connections.get(connection)
        return found is not None and direction not in found.paused

    def want(self, event: GhlEvent) -> bool:
        """Whether an event means something to a connection of its location."""
        here = (one for one in self.values() if one.ghl.location_id == event.location)
        return any(one.back.wants(event.type, event.body) for one in here)

    def view(self, of: Callable[[Connection], T | None]) -> Mapping[str, T]:
        """Something of each connection, taken when it is asked for. Connections of which it is None are not in it."""
        return _View(self._connections, of)


class _View(Mapping[str, T]):
    def __init__(self, connections: Mapping[str, Connection], of: Callable[[Connection], T | None]) -> None:
        self._connections = connections
        self._of = of

    def __getitem__(self, connection: str) -> T:
        found = self._of(self._connections[connection])
        if found is None:
            raise KeyError(connection)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name, one in self._connections.items() if self._of(one) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_same(one: Connection | None, other: Connection | None) -> bool:
    """Whether nothing changes for a worker. A mapping that was compiled again has the fingerprint that it had."""
    if one is None or other is None:
        return one is other
    return one is other or one.model_copy(update={"mapping": other.mapping}) == other
