"""Says how long a pending read waits for its burst to end, by the limits of its connection (`core/scheduling/settling.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from streams.core.rows import FetchRow
from streams.core.scheduling.settling import Settling, may_settle, quiet_seconds
from streams.messages import Entity
from streams.settings import Connection
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class SettlingReads:
    """Those of one worker. `monotonic` is in seconds, `now_ms` is the wall clock."""

    settling: Settling
    connections: Mapping[str, Connection]
    monotonic: Callable[[], float]
    now_ms: Callable[[], int]

    def changed(self, row: FetchRow) -> None:
        """A change was gathered into a pending read."""
        connection = self.connections.get(row.connection)
        if connection is not None and may_settle(row):
            self.settling.changed(row.entity, tuple(_limits(connection)), self.monotonic())

    def take_gathered(self, entity: Entity) -> set[str]:
        """The keys of what changed of a lead since this was asked last, and is in the same list as `entity`."""
        return self.settling.take_gathered(entity)

    def wait_seconds(self, row: FetchRow) -> float:
        """How long a pending read still waits; 0 when its turn has come."""
        connection = self.connections.get(row.connection)
        if connection is None or not self.settling.is_on:
            return 0.0
        waited = (self.now_ms() - row.accepted_ms) / 1000
        return self.settling.wait_seconds(row, _limits(connection), waited, self.monotonic())

    def wait_or_begin(self, row: FetchRow) -> float:
        """The same, for a read that begins if it need not wait."""
        wait = self.wait_seconds(row)
        if wait <= 0:
            self.settling.begin_read(row.entity)
        return wait

    def quiet_seconds(self, connection: Connection) -> float:
        """How long nothing of a lead must have changed before it is read, as things are."""
        pressure = self.settling.pressure(_limits(connection), self.monotonic())
        return quiet_seconds(pressure, self.settling.mode)


def _limits(connection: Connection) -> dict[str, float]:
    """The requests a second that each side allows. A change costs a request of each."""
    return {
        f"lofty {connection.lofty_budget}": connection.lofty.requests_per_minute / WINDOW_SECONDS,
        f"ghl {connection.ghl_budget}": connection.ghl.requests_per_window / connection.ghl.window_seconds,
    }
