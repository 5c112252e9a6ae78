"""Plans leads in other processes, so that a dry run of a hundred thousand snapshots uses every core, or in a thread of this one."""

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
from streams.operations.replay.simulate import EntityState, SimulationBasis, simulate_lead
from streams.operations.replay.snapshots import RawEntityState, RawLead
from streams.operations.replay.summary import Summary
from streams.settings import Connection, Settings

LEADS_AT_ONCE = 200
MOST_WAITING = 8
"""Pieces of work that are submitted ahead, for each process."""

LoadSettings = Callable[[], Settings]
_settings: Settings | None = None


def summarize(
    connection: Connection, directory: Directory, leads: Sequence[RawLead], now_ms: int, most: int
) -> tuple[Summary, int]:
    """Plan some leads of one connection; the summary, and how many snapshots could not be read."""
    basis = SimulationBasis.of(
        rules_of(connection),
        directory,
        connection.mapping_fingerprint,
        creates_custom_fields=connection.policies.create_custom_fields,
    )
    summary, unreadable = Summary(), 0
    for lead in leads:
        states = [state for state in map(_entity_state, lead.states) if state is not None]
        unreadable += len(lead.states) - len(states)
        summary.add(simulate_lead(states, _link(lead.owner), basis, now_ms), most)
    return summary, unreadable


class Planner:
    """`async with Planner(settings, load, processes)`: `load` gives other processes the same settings; None uses none."""

    def __init__(self, settings: Settings, load: LoadSettings | None, processes: int) -> None:
        self._settings = settings
        self._most_waiting = MOST_WAITING * processes
        self._is_alone = load is None or processes < 2
        context = multiprocessing.get_context("spawn")  # a fork would copy the locks of running clients' threads
        self._pool: Executor = (
            ThreadPoolExecutor(1)
            if self._is_alone
            else ProcessPoolExecutor(processes, mp_context=context, initializer=partial(_load_settings, load))
        )

    async def __aenter__(self) -> Planner:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def summaries(
        self,
        leads: Iterable[RawLead],
        directories: dict[str, Directory],
        now_ms: int,
        most: int,
        report: Callable[[int], None],
    ) -> tuple[dict[str, Summary], int]:
        """Plan all leads; a summary for each connection, and how many snapshots could not be read."""
        found: dict[str, Summary] = {}
        unreadable, done, loop = 0, 0, asyncio.get_running_loop()
        waiting: set[asyncio.Future[tuple[str, Summary, int]]] = set()
        work = _pieces(leads)
        while True:
            for name, piece in islice(work, max(0, self._most_waiting - len(waiting))):
                job = (name, directories[name], piece, now_ms, most)
                task = (
                    loop.run_in_executor(self._pool, _plan_here, self._settings, *job)
                    if self._is_alone
                    else loop.run_in_executor(self._pool, _plan_there, *job)
                )
                waiting.add(task)
            if not waiting:
                return found, unreadable
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                name, summary, unread = task.result()
                found.setdefault(name, Summary()).merge(summary, most)
                unreadable += unread
                done += summary.entities
            report(done)


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


def _load_settings(load: LoadSettings | None) -> None:
    global _settings  # a process pool's initializer has nowhere else to put it
    _settings = load() if load is not None else None


def _plan_there(
    name: str, directory: Directory, leads: list[RawLead], now_ms: int, most: int
) -> tuple[str, Summary, int]:
    assert _settings is not None  # the initializer has run
    return _plan_here(_settings, name, directory, leads, now_ms, most)


def _plan_here(
    settings: Settings, name: str, directory: Directory, leads: list[RawLead], now_ms: int, most: int
) -> tuple[str, Summary, int]:
    return name, *summarize(settings.connections[name], directory, leads, now_ms, most)


def _entity_state(raw: RawEntityState) -> EntityState | None:
    try:
        snapshot = Snapshot.from_bytes(raw.snapshot)
    except InvalidMessage:
        return None
    try:
        row = None if raw.row is None else OutboxRow.from_bytes(raw.row)
    except InvalidMessage:
        row = None
    return EntityState(snapshot, _link(raw.link), row, raw.is_chosen)


def _link(raw: bytes | None) -> LinkRow | None:
    try:
        return None if raw is None else LinkRow.from_bytes(raw)
    except InvalidMessage:  # then nothing is known to be written
        return None
