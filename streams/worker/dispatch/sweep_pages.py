"""Reads a page of Lofty's list of leads: at once, or in pieces when it cannot be read at once.

A page that fails in the same way again is taken apart into ever smaller ones, so that its good leads are found and the bad one is parked.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import AnswerTooLarge, ConnectorError, MalformedAnswer
from connectors.outcome import Disposition, classify
from streams.core.rows import SweepRow
from streams.core.sweep import PAGE, Listed
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import AGAIN, RequestSlot, WorkResult
from streams.worker.dispatch.sweep_lists import listed_leads, read_leads
from streams.worker.dispatch.sweep_parking import SweepParking
from streams.worker.dispatch.sweep_waits import SweepWaits

log = logging.getLogger("lofty_ghl.sweep")

APART_AFTER = 2
"""After so many failures in the same way a page is taken apart."""
PIECE = 10
REFUSED_SECONDS = 600.0
"""How long a sweep waits after an answer that a retry would not change."""


@dataclass(slots=True)
class _Apart:
    """A page that is read in pieces: those that are still to be read (offset, size), what the others held, what is bad."""

    started_ms: int
    offset: int
    pieces: deque[tuple[int, int]]
    states: dict[int, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    total: int | None = None
    bad: dict[int, ConnectorError] = field(default_factory=dict)


Broken = list[tuple[dict[str, Any], Exception]]


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page of leads. `total` is what Lofty says there are in all, `lost` how many of the page cannot be compared.

    `odd` are no leads, `broken` bring out a defect of ours. `is_whole`: the page came in one answer, of which nothing was repaired.
    """

    leads: list[Listed]
    total: int | None
    lost: int
    is_whole: bool
    states: list[dict[str, Any]]
    broken: Broken


@dataclass(slots=True)
class SweepPages:
    """Those of all connections. `count(connection, result)` counts runs."""

    parking: SweepParking
    failures: FailureJudge
    waits: SweepWaits
    count: Callable[[str, str], None]
    _apart: dict[str, _Apart] = field(default_factory=dict)

    def forget(self, connection: str) -> None:
        """Another worker goes on with the sweep, or has."""
        self._apart.pop(connection, None)

    def is_apart(self, connection: str) -> bool:
        """Whether a page is being read in pieces."""
        return connection in self._apart

    def failed(self, connection: str, team: LoftyTeam, row: SweepRow, error: ConnectorError) -> WorkResult:
        """The page was not read. Perhaps it is read in pieces from now on."""
        if self.failures.is_paused(team.budget, error, WINDOW_SECONDS):
            return AGAIN
        if classify(error).disposition is Disposition.RETRY:
            is_again = self.waits.failures(connection) + 1 >= APART_AFTER
            if is_again and _is_about_content(error) and connection not in self._apart:
                self._apart[connection] = _Apart(row.started_ms, row.offset, _pieces(row))
            return self.waits.after(connection, error)
        self.count(connection, "failed")
        log.error("connection %s: its sweep failed, and tries again in ten minutes: %s", connection, error)
        return WorkResult.retry(REFUSED_SECONDS)

    async def park_lost(self, connection: str, row: SweepRow, page: ReadPage) -> None:
        """Park what of a page cannot be compared."""
        await self.parking.odd(connection, row, page.states)
        await self.parking.broken(connection, row, page.broken)

    async def read(self, connection: str, team: LoftyTeam, row: SweepRow, slot: RequestSlot) -> ReadPage | None:
        """One request. None: a piece was read, and others are still to be."""
        apart = self._apart.get(connection)
        if apart is None or (apart.started_ms, apart.offset) != (row.started_ms, row.offset):
            self._apart.pop(connection, None)
            page = await read_leads(team.client, row, row.offset, PAGE)
            slot.answered()
            self.failures.served(team.budget, "list leads", connection)
            return _read_page(connection, list(page.leads), page.total, is_whole=not page.is_repaired)
        offset, size = apart.pieces[0]
        try:
            page = await read_leads(team.client, row, offset, size)
        except ConnectorError as error:
            if not _is_about_content(error):
                raise
            apart.pieces.popleft()
            if size > 1:
                apart.pieces.extend((offset + number, 1) for number in range(size))
            else:
                apart.bad[offset] = error
            if not apart.states and (not apart.pieces or apart.pieces[0][1] == 1):
                del self._apart[connection]  # not one piece can be read: it is not about a lead
                raise
        else:
            apart.pieces.popleft()
            apart.states[offset], apart.total = page.leads, page.total
            self.failures.served(team.budget, "list leads", connection)
        end = apart.total
        apart.pieces = deque(one for one in apart.pieces if end is None or one[0] < end)
        slot.answered()
        if apart.pieces:
            return None
        del self._apart[connection]
        for number, found in sorted(apart.bad.items()):
            await self.parking.bad(connection, row, number, found)
        states = [state for _, piece in sorted(apart.states.items()) for state in piece]
        return _read_page(connection, states, apart.total, len(apart.bad), is_whole=False)


def _read_page(
    connection: str, states: list[dict[str, Any]], total: int | None, lost: int = 0, *, is_whole: bool = True
) -> ReadPage:
    leads, broken = listed_leads(connection, states)
    return ReadPage(leads, total, lost + len(states) - len(leads), is_whole, states, broken)


def _pieces(row: SweepRow) -> deque[tuple[int, int]]:
    ends = (row.offset + number for number in range(0, PAGE, PIECE))
    return deque((offset, PIECE) for offset in ends if row.total is None or offset < row.total)


def _is_about_content(error: ConnectorError) -> bool:
    """Whether an answer came that cannot be read, or that is too large: of fewer leads it may be neither."""
    return isinstance(error, MalformedAnswer | AnswerTooLarge)
