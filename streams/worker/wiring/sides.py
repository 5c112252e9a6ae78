"""The two sides of each connection that is served: one owner, read by id at the time of use."""

from __future__ import annotations

from collections.abc import Mapping

from streams.settings import Connection
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.wiring.vendor_clients import VendorClients


class Sides:
    """`teams` and `locations` are by connection; everything that needs one looks it up there each time."""

    def __init__(self, clients: VendorClients, connections: Mapping[str, Connection]) -> None:
        self._clients = clients
        self.teams: dict[str, LoftyTeam] = {}
        self.locations: dict[str, Location] = {}
        for name, one in connections.items():
            self.put(name, one)

    def put(self, connection: str, now: Connection | None) -> None:
        """The connection is as `now` from here on; None: it is no longer served."""
        if now is None:
            self.teams.pop(connection, None)
            self.locations.pop(connection, None)
            return
        team, location = self._clients.team(now), self._clients.location(now)
        self.teams[connection], self.locations[connection] = team, location
