"""What is on its way in this worker's tables, and how many links there are: counted as rows come and go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from streams.core.progress.undelivered import Open, Undelivered
from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.kafka.tables.counting import RowCount
from streams.mapping.opt_outs import carried, closed_in_lofty
from streams.messages.lofty_command import OPT_OUTS_COMMAND
from streams.worker.tables import Tables

MANY_ATTEMPTS = 3
"""Something that failed so often is reported: a passing problem fails twice."""


@dataclass(slots=True)
class RepeatedErrors:
    """What fails again and again and is not parked, by connection, with the last error of each."""

    _errors: dict[str, dict[tuple[int, str], str]] = field(default_factory=dict)

    def put(self, connection: str, partition: int, key: str, error: str | None) -> None:
        """An attempt has failed again with this error; None: it has not, or there is nothing left to try."""
        if error is not None:
            self._errors.setdefault(connection, {})[partition, key] = error
        elif (held := self._errors.get(connection)) is not None:
            held.pop((partition, key), None)
            if not held:
                del self._errors[connection]

    def forget(self, partition: int) -> None:
        """The partition is another worker's."""
        for connection, held in list(self._errors.items()):
            for row in [row for row in held if row[0] == partition]:
                self.put(connection, *row, None)

    def of(self, connection: str) -> tuple[int, str]:
        """How many of a connection fail, and the error of one of them."""
        held = self._errors.get(connection, {})
        return len(held), next(iter(held.values()), "")


@dataclass(slots=True)
class OpenConflicts:
    """How many values nobody has decided about, by the contact that goes without them."""

    _undecided: dict[int, dict[str, int]] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    def put(self, partition: int, key: str, row: LinkRow | None) -> None:
        """A row of `conflicts`; None: its conflicts have ended."""
        undecided = sum(one.contact_id not in row.decided for one in row.conflicts.values()) if row is not None else 0
        held = self._undecided.setdefault(partition, {})
        self._numbers[key.partition(":")[0]] += undecided - held.get(key, 0)
        if undecided:
            held[key] = undecided
        else:
            held.pop(key, None)

    def forget(self, partition: int) -> None:
        """The partition is another worker's."""
        for key, number in self._undecided.pop(partition, {}).items():
            self._numbers[key.partition(":")[0]] -= number

    def number(self, connection: str) -> int:
        """Those of a connection."""
        return self._numbers[connection]


@dataclass(slots=True)
class OpenRows:
    """The open rows of `fetches`, `outbox` and `lofty_commands`, and the number of links, of the partitions that are ours.

    `opt_outs` and `lofty_opt_outs` are those of them that close a channel in GHL or in Lofty, the parked ones too.

    The rows that a partition has when it is acquired are passed one by one, by the caller that reads them anyway.
    """

    fetches: Undelivered = field(default_factory=Undelivered)
    outbox: Undelivered = field(default_factory=Undelivered)
    lofty_commands: Undelivered = field(default_factory=Undelivered)
    opt_outs: Undelivered = field(default_factory=Undelivered)
    lofty_opt_outs: Undelivered = field(default_factory=Undelivered)
    links: RowCount = field(default_factory=RowCount)
    conflicts: OpenConflicts = field(default_factory=OpenConflicts)
    reads: RepeatedErrors = field(default_factory=RepeatedErrors)
    writes: RepeatedErrors = field(default_factory=RepeatedErrors)
    link_of: Callable[[int, str], LinkRow | None] = lambda _partition, _key: None

    def watch(self, tables: Tables) -> None:
        """From now on, receive each row that these tables write."""
        tables.fetches.watch = self.fetch
        tables.outbox.watch = self.desired
        tables.lofty_commands.watch = self.lofty_command
        tables.conflicts.watch = self.conflict
        tables.links.rows = self.links
        self.link_of = tables.links.get

    def forget(self, partitions: Iterable[int]) -> None:
        """The partitions go to another worker. (The table itself forgets the count of its links.)"""
        for partition in partitions:
            for one in (self.fetches, self.outbox, self.lofty_commands, self.opt_outs, self.lofty_opt_outs):
                one.forget(partition)
            self.conflicts.forget(partition)
            self.reads.forget(partition)
            self.writes.forget(partition)

    def fetch(self, partition: int, key: str, row: FetchRow | None) -> None:
        """A read that is due, or parked; None: it is done."""
        opened = Open(row.connection, row.accepted_ms, bool(row.parked)) if row is not None else None
        self.fetches.put(partition, key, opened)
        connection = row.connection if row is not None else key.partition(":")[0]
        self.reads.put(connection, partition, key, _error(row))

    def desired(self, partition: int, key: str, row: OutboxRow | None) -> None:
        """A state that is to be written, or parked; None: it is written."""
        opened = None
        if row is not None:
            opened = Open(row.snapshot.connection, row.snapshot.accepted_ms, bool(row.parked))
        self.outbox.put(partition, key, opened)
        self.opt_outs.put(partition, key, self._opt_out(partition, key, row) if row is not None else None)
        connection = row.snapshot.connection if row is not None else key.partition(":")[0]
        self.writes.put(connection, partition, key, _error(row))

    def lofty_command(self, partition: int, key: str, row: LoftyCommandRow | None) -> None:
        """What is to be written to Lofty, or parked; None, or settled: it is done."""
        opened = None
        if row is not None and not row.is_settled:
            opened = Open(row.write.connection, row.write.accepted_ms, bool(row.parked))
        self.lofty_commands.put(partition, key, opened)
        if key.endswith(OPT_OUTS_COMMAND):
            waits = Open(opened.connection, opened.accepted_ms) if opened is not None else None
            self.lofty_opt_outs.put(partition, key, waits)

    def conflict(self, partition: int, key: str, row: LinkRow | None) -> None:
        """A contact that has a value in common with another; None: it has none any longer."""
        self.conflicts.put(partition, key, row)

    def _opt_out(self, partition: int, key: str, row: OutboxRow) -> Open | None:
        """A contact that is in GHL without what its lead has closed. It counts since the lead was read."""
        state, link = row.snapshot.state, self.link_of(partition, key)
        if row.snapshot.kind != "contact" or state is None or link is None or link.ghl_id is None or link.is_deleted:
            return None
        is_open = closed_in_lofty(state) - carried(link.fields)
        return Open(row.snapshot.connection, row.snapshot.read_ms) if is_open else None

    def numbers(self) -> dict[str, int]:
        """Rows by table."""
        return {
            "fetches": len(self.fetches),
            "outbox": len(self.outbox),
            "errands": len(self.lofty_commands),
            "links": self.links.total,
        }


def _error(row: FetchRow | OutboxRow | None) -> str | None:
    """Why a row fails again and again; None when it does not."""
    return (
        (row.last_error or "it says nothing")
        if row is not None and not row.parked and row.attempts >= MANY_ATTEMPTS
        else None
    )
