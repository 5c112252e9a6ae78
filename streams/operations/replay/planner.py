"""Plans leads in other processes, so that a dry run of a hundred thousand snapshots uses every core; or in a thread of this one."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import islice

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.rules import rules_of
from streams.messages import InvalidMessage, Snapshot
from streams.operations.replay.simulate import Basis, Standing, foresee_lead
from streams.operations.replay.snapshots import RawLead, RawStanding
from streams.operations.replay.summary import Tally
from streams.settings import Connection, Settings

LEADS_AT_ONCE = 200
MOST_WAITING = 8
"""Pieces of work that are given out ahead, for each process."""

Load = Callable[[], Settings]
_settings: Settings | None = None


def tally(
    connection: Connection, directory: Directory, leads: Sequence[RawLead], now_ms: int, most: int
) -> tuple[Tally, int]:
    """Plan some leads of one connection; the tally, and how many snapshots could not be read."""
    basis = Basis.of(
        rules_of(connection),
        directory,
        connection.mapping_fingerprint,
        creates_custom_fields=connection.policies.create_custom_fields,
    )
    found, unreadable = Tally(), 0
    for lead in leads:
        standings = [one for one in map(_standing, lead.standings) if one is not None]
        unreadable += len(lead.standings) - len(standings)
        found.add(foresee_lead(standings, _link(lead.owner), basis, now_ms), most)
    return found, unreadable


class Planner:
    """`async with Planner(settings, load, processes)`: `load` gives other processes the same settings; None: no others."""

    def __init__(self, settings: Settings, load: Load | None, processes: int) -> None:
        self._settings = settings
        self._most_waiting = MOST_WAITING * processes
        self._is_alone = load is None or processes < 2
        context = multiprocessing.get_context(
            "spawn"
        )  # a fork would copy the threads' locks of clients that are running
        self._pool: Executor = (
            ThreadPoolExecutor(1)
            if self._is_alone
            else ProcessPoolExecutor(processes, mp_context=context, initializer=partial(_begin, load))
        )

    async def __aenter__(self) -> Planner:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def tallies(
        self,
        leads: Iterable[RawLead],
        directories: dict[str, Directory],
        now_ms: int,
        most: int,
        tell: Callable[[int], None],
    ) -> tuple[dict[str, Tally], int]:
        """Plan all leads; a tally for each connection, and how many snapshots could not be read."""
        found: dict[str, Tally] = {}
        unreadable, done, loop = 0, 0, asyncio.get_running_loop()
        waiting: set[asyncio.Future[tuple[str, Tally, int]]] = set()
        work = _pieces(leads)
        while True:
            for name, some in islice(work, max(0, self._most_waiting - len(waiting))):
                given = (name, directories[name], some, now_ms, most)
                task = (
                    loop.run_in_executor(self._pool, _here, self._settings, *given)
                    if self._is_alone
                    else loop.run_in_executor(self._pool, _there, *given)
                )
                waiting.add(task)
            if not waiting:
                return found, unreadable
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in ended:
                name, part, strange = one.result()
                found.setdefault(name, Tally()).merge(part, most)
                unreadable += strange
                done += part.entities
            tell(done)


def _pieces(leads: Iterable[RawLead]) -> Iterator[tuple[str, list[RawLead]]]:
    """Some leads of one connection at a time."""
    piece: list[RawLead] = []
    for lead in leads:
        if piece and (lead.connection != piece[0].connection or len(piece) >= LEADS_AT_ONCE):
            yield piece[0].connection, piece
            piece = []
        piece.append(lead)
    if piece:
        yield piece[0].connection, piece


def _begin(load: Load | None) -> None:
    global _settings  # one per process: its initializer has no other place to put it
    _settings = load() if load is not None else None


def _there(name: str, directory: Directory, leads: list[RawLead], now_ms: int, most: int) -> tuple[str, Tally, int]:
    assert _settings is not None  # the initializer has run
    return _here(_settings, name, directory, leads, now_ms, most)


def _here(
    settings: Settings, name: str, directory: Directory, leads: list[RawLead], now_ms: int, most: int
) -> tuple[str, Tally, int]:
    return name, *tally(settings.connections[name], directory, leads, now_ms, most)


def _standing(raw: RawStanding) -> Standing | None:
    try:
        snapshot = Snapshot.from_bytes(raw.snapshot)
    except InvalidMessage:
        return None
    try:
        row = None if raw.row is None else OutboxRow.from_bytes(raw.row)
    except InvalidMessage:
        row = None
    return Standing(snapshot, _link(raw.link), row, raw.is_chosen)


def _link(raw: bytes | None) -> LinkRow | None:
    try:
        return None if raw is None else LinkRow.from_bytes(raw)
    except InvalidMessage:  # nothing is known to be written then
        return None
