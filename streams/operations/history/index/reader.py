"""Reads the index: which contacts a search finds, where their records are, what is parked, and who did what.

Queries run in threads, each with its own SQLite connection, for `MOST_SECONDS` at most.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from streams.messages.parked import PASSED_OVER, UNREADABLE
from streams.operations.history.index.config import index_path
from streams.operations.history.index.hits import Hit, exact_lanes, hit_of, search
from streams.operations.history.index.schema import VERSION, open_to_read
from streams.operations.history.index.search_terms import lane_and_rest, wanted_of
from streams.operations.history.index.writer import LEFT_OUT
from streams.settings import Settings

MOST_SECONDS = 2.0
STEPS_BETWEEN_LOOKS = 20_000
THREADS = 4
MOST_RECORDS = 2_000
"""At most so many records of one contact are read, the newest ones."""
STALE_SECONDS = 30.0

Found = TypeVar("Found")


class NoIndex(Exception):
    """The index does not exist or cannot be read; the message says why."""


class TooBroad(Exception):
    """The search matches so many contacts that it takes too long."""


MOST_BEHIND = 1_000


@dataclass(frozen=True, slots=True)
class Freshness:
    """How complete the index is. `behind` counts records that it has not read yet; `is_complete`: it once reached the end of all topics.

    `looked_ms` is when it last read the topics: it gets old when no process writes the index.
    `left_out` counts records that it could not store.
    """

    behind: int
    is_complete: bool
    looked_ms: int
    contacts: int
    left_out: int = 0

    @property
    def is_current(self) -> bool:
        """Whether it has all but the newest records: then what it does not find is not there."""
        return self.is_complete and self.behind < MOST_BEHIND

    def is_alive(self, now_ms: int) -> bool:
        """Whether a process writes the index."""
        return now_ms - self.looked_ms < STALE_SECONDS * 1000


@dataclass(frozen=True, slots=True)
class IndexedPosition:
    """Where one record is. `topic` is the code of its `IndexSource`."""

    topic: int
    partition: int
    offset: int
    at_ms: int
    about: str


@dataclass(frozen=True, slots=True)
class ParkedLine:
    """One parked record that is open."""

    partition: int
    offset: int
    entity: str
    connection: str
    stage: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ActLines:
    """One act of the audit: the JSON of its first and of its last record, "" for one that is missing."""

    id: str
    begun: str
    ended: str


class IndexReader:
    """The index at `path`. A lead's id is looked up under each of `connections`, which may be replaced.

    Every method raises `NoIndex` when the index cannot be read.
    """

    def __init__(self, path: Path, connections: Sequence[str]) -> None:
        self._path = path
        self.connections = tuple(connections)
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="history")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The index of a deployment."""
        return cls(index_path(settings), sorted(settings.connections))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def freshness(self) -> Freshness:
        """How complete and how recent the index is."""
        return await self.ask(_freshness)

    async def lanes_of(self, text: str) -> tuple[str, ...]:
        """The lanes with exactly this lead id, GHL id or e-mail address."""
        return await self.ask(lambda db: tuple(lane for _, lane in exact_lanes(db, wanted_of(text), self.connections)))

    async def search(
        self, text: str, among: Sequence[str] | None = None, *, limit: int = 25, offset: int = 0
    ) -> tuple[Hit, ...]:
        """Contacts by name, e-mail, phone or id, `among` the leads of some connections: exact ones first, then the newest."""
        chosen = self.connections if among is None else among
        return await self.ask(lambda db: search(db, wanted_of(text), chosen, limit, offset))

    async def hit(self, lane: str) -> Hit | None:
        """One contact."""
        return await self.ask(lambda db: hit_of(db, lane))

    async def record_positions(self, lane: str) -> tuple[tuple[IndexedPosition, ...], bool]:
        """Where the records of a lane are, the newest `MOST_RECORDS`, and whether there are more."""
        return await self.ask(lambda db: _record_positions(db, lane))

    async def rows(self, lane: str) -> dict[str, IndexedPosition]:
        """Where the newest row of each key is, by `topic:key`."""
        return await self.ask(lambda db: _rows(db, lane))

    async def pending_entities(self, entities: Collection[str]) -> frozenset[str]:
        """Those among some entities that wait to be read or written, or are parked."""
        return await self.ask(lambda db: frozenset(one for one in entities if _is_pending(db, one)))

    async def leads(self) -> dict[str, int]:
        """How many leads of each connection are known."""
        return await self.ask(_leads)

    async def open_parked(self) -> tuple[ParkedLine, ...]:
        """Parked records that still wait, the oldest first."""
        return await self.ask(_open_parked)

    async def acts(
        self, *, who: str = "", before: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[ActLines, ...]:
        """The audit, the newest act first. `before` is the time and id of the last act on the page before."""
        return await self.ask(lambda db: _acts(db, who, before, limit))

    async def people_who_acted(self) -> tuple[str, ...]:
        """Everybody in the audit."""
        return await self.ask(
            lambda db: tuple(one[0] for one in db.execute("SELECT DISTINCT who FROM acts ORDER BY who"))
        )

    async def is_resolved(self, record: str) -> bool:
        """Whether somebody has decided about a parked record."""
        wanted = "SELECT 1 FROM resolved WHERE id = ?"
        return await self.ask(lambda db: db.execute(wanted, (record,)).fetchone() is not None)

    async def position(self, topic: int, partition: int) -> int:
        """The next offset that will be read."""
        wanted = "SELECT next FROM positions WHERE topic = ? AND partition = ?"
        return await self.ask(lambda db: (db.execute(wanted, (topic, partition)).fetchone() or (0,))[0])

    async def ask(self, question: Callable[[sqlite3.Connection], Found]) -> Found:
        """Ask in a thread. Raises `TooBroad` when there is no answer within `MOST_SECONDS`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self._answer(question))

    def _answer(self, question: Callable[[sqlite3.Connection], Found]) -> Found:
        until = time.monotonic() + MOST_SECONDS
        try:
            db = self._opened()
            db.set_progress_handler(lambda: int(time.monotonic() > until), STEPS_BETWEEN_LOOKS)
            return question(db)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TooBroad from None
            self._forget()
            raise NoIndex(f"the index at {self._path} cannot be read: {error}") from None
        except sqlite3.DatabaseError as error:
            self._forget()
            raise NoIndex(f"the index at {self._path} cannot be read: {error}") from None

    def _opened(self) -> sqlite3.Connection:
        """This thread's connection. It is opened again when the index was rebuilt, since that makes another file."""
        try:
            inode = self._path.stat().st_ino
        except OSError:
            raise NoIndex(f"there is no index at {self._path} yet") from None
        known: tuple[int, sqlite3.Connection] | None = getattr(self._local, "opened", None)
        if known is not None and known[0] == inode:
            return known[1]
        self._forget()
        db = open_to_read(self._path)
        self._local.opened = (inode, db)
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            self._forget()
            raise NoIndex(
                f"the index at {self._path} has the format of another release: it is being rebuilt, so try again later"
            )
        return db

    def _forget(self) -> None:
        known: tuple[int, sqlite3.Connection] | None = getattr(self._local, "opened", None)
        if known is not None:
            known[1].close()
            self._local.opened = None


def _freshness(db: sqlite3.Connection) -> Freshness:
    notes = dict(db.execute("SELECT name, value FROM meta"))
    return Freshness(
        int(notes.get("behind", "0")),
        notes.get("was_complete") == "yes",
        int(notes.get("looked_ms", "0")),
        int(notes.get("contacts", "0")),
        int(notes.get(LEFT_OUT, "0")),
    )


def _record_positions(db: sqlite3.Connection, lane: str) -> tuple[tuple[IndexedPosition, ...], bool]:
    found = db.execute(
        "SELECT topic, partition, offset, at_ms, about FROM places JOIN lanes ON lanes.id = places.lane"
        " WHERE lanes.lane = ? ORDER BY at_ms DESC LIMIT ?",
        (lane, MOST_RECORDS + 1),
    ).fetchall()
    return tuple(IndexedPosition(*one) for one in found[:MOST_RECORDS]), len(found) > MOST_RECORDS


def _rows(db: sqlite3.Connection, lane: str) -> dict[str, IndexedPosition]:
    found = db.execute(
        "SELECT topic, key, partition, offset FROM rows JOIN lanes ON lanes.id = rows.lane WHERE lanes.lane = ?",
        (lane,),
    )
    return {
        f"{topic}:{key}": IndexedPosition(topic, partition, offset, 0, key) for topic, key, partition, offset in found
    }


def _is_pending(db: sqlite3.Connection, entity: str) -> bool:
    asked = (
        "SELECT 1 FROM rows JOIN lanes ON lanes.id = rows.lane WHERE lanes.lane = ? AND topic IN (12, 13) AND key = ?"
    )
    lane, _ = lane_and_rest(entity)
    return db.execute(asked, (lane, entity)).fetchone() is not None


def _leads(db: sqlite3.Connection) -> dict[str, int]:
    asked = (
        "SELECT substr(lane, 1, instr(lane, ':') - 1) AS connection, count(*)"
        " FROM lanes JOIN people_docsize ON people_docsize.id = lanes.id GROUP BY connection"
    )
    return dict(db.execute(asked).fetchall())


def _open_parked(db: sqlite3.Connection) -> tuple[ParkedLine, ...]:
    """The open records, by the rule of `streams.operations.parked.open_records`.

    A record is open while nobody has decided about it. Of an entity only the newest counts, and only while its row is parked.
    """
    lines = db.execute(
        """
        SELECT partition, offset, entity, connection, stage, reason, at_ms FROM parked
        WHERE NOT EXISTS (SELECT 1 FROM resolved WHERE id = parked.partition || '@' || parked.offset)
        AND (
            stage NOT IN ('fetch', 'deliver') OR reason = 'unreadable'
            OR EXISTS (
                SELECT 1 FROM rows WHERE rows.lane = parked.lane AND rows.key = parked.entity AND rows.parked = 1
                AND rows.topic = CASE parked.stage WHEN 'fetch' THEN 12 ELSE 13 END
            )
        )
        ORDER BY at_ms, partition, offset
        """
    ).fetchall()
    newest: dict[tuple[str, str], ParkedLine] = {}
    found: list[ParkedLine] = []
    for line in (ParkedLine(*one) for one in lines):
        if line.stage in ("fetch", "deliver") and line.reason not in (UNREADABLE, PASSED_OVER):
            newest[line.stage, line.entity] = line
        else:
            found.append(line)
    return tuple(sorted([*found, *newest.values()], key=lambda one: (one.at_ms, one.partition, one.offset)))


def _acts(db: sqlite3.Connection, who: str, before: tuple[int, str] | None, limit: int) -> tuple[ActLines, ...]:
    where, what = ["1"], list[int | str]()
    if who:
        where.append("who = ?")
        what.append(who)
    if before is not None:
        where.append("(at_ms, id) < (?, ?)")
        what += before
    asked = f"SELECT id, begun, ended FROM acts WHERE {' AND '.join(where)} ORDER BY at_ms DESC, id DESC LIMIT ?"
    return tuple(ActLines(*one) for one in db.execute(asked, (*what, limit)))
