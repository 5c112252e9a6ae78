"""A case: a history with what every property needs to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from connectors.sandbox.shared.ledger import Entry
from streams.core.to_ghl.directory import Directory
from tests.chaos.history.history import History
from tests.chaos.history.interruptions import Interruptions
from tests.chaos.history.names import WRITES, Names
from tests.chaos.history.sharing import sharers
from tests.chaos.history.wanted import WantedLead, directory_of, wanted_leads


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged. `names` identifies entities, `interruptions` the workers that were interrupted."""

    history: History
    names: Names
    interruptions: Interruptions

    @classmethod
    def of(cls, history: History) -> Self:
        """Read a history once."""
        return cls(history, Names(history), Interruptions(history.nemesis))

    def wanted(self, connection: str) -> list[WantedLead]:
        """Every lead of a connection, as GHL should hold it."""
        history = self.history
        calendars = tuple(one.appointments.calendar for one in history.mappings_of[connection])
        rows = history.leads[connection]
        return list(
            wanted_leads(history.settings.connections[connection], calendars, iter(rows), self.directory(connection))
        )

    def directory(self, connection: str) -> Directory:
        """What the location of a connection calls things."""
        return directory_of(self.history.contacts[connection])

    def sharers(self, connection: str) -> dict[str, str]:
        """Living lead without a contact of its own → the living lead whose contact it shares."""
        return sharers(self.names, connection, self.wanted(connection), self.history.contacts[connection]["contacts"])

    def writes(self) -> Iterator[Entry]:
        """What changed something in GHL, in the order in which it did."""
        applied = [one for one in self.history.ghl if one.applied_at is not None and one.operation in WRITES]
        return iter(sorted(applied, key=lambda one: (one.applied_at or 0.0, one.seq)))
