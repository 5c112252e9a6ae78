"""Writes the index in batches: the records and the next offsets in one transaction."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from streams.messages.topics import FETCHES_TABLE, LINKS_TABLE, OUTBOX_TABLE, SNAPSHOTS
from streams.operations.history.index.lead_rows import NO_LINK, LeadRows, link_of
from streams.operations.history.index.search_terms import (
    id_of,
    lane_and_rest,
    name_words,
    person_of,
    phone_words,
    time_of,
    whole_json,
)
from streams.operations.history.index.sources import IndexSource

log = logging.getLogger("lofty_ghl.history")

MOST_OF_ONE = 20
"""At most so many snapshots of one entity are indexed: Kafka compacts older ones away sooner or later."""
MOST_LANES = 200_000
"""At most so many lanes have their number cached in memory."""
PRUNE_AT_A_TIME = 20_000
LEFT_OUT = "left out"
"""The index's note with this name counts the records that it could not store."""
OF_THE_FILE = (sqlite3.DatabaseError, sqlite3.OperationalError, sqlite3.InternalError, sqlite3.NotSupportedError)
"""SQLite's errors about the file or the disk. All others, subclasses too, are about the values that were to be written."""


class IndexedRecord(NamedTuple):
    """One record."""

    source: IndexSource
    partition: int
    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None


class IndexWriter:
    """The only writer of the index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lanes: dict[str, int] = {}
        self._leads = LeadRows(connection)
        self._pruned_to = 0
        self.people: int = connection.execute("SELECT count(*) FROM people_docsize").fetchone()[0]
        """How many contacts are indexed. It is kept here because counting a million rows for each question would take too long."""

    def positions(self) -> dict[tuple[int, int], int]:
        """The next offset of each topic and partition that was read."""
        return {(topic, partition): after for topic, partition, after in self._db.execute("SELECT * FROM positions")}

    def apply(self, records: Sequence[IndexedRecord], after: Mapping[tuple[int, int], int]) -> None:
        """Take records in, and note the offsets that come next; all or nothing.

        A record that cannot be stored is left out and counted, so that one bad record does not stop the index.
        Raises SQLite's errors about the file or the disk (`OF_THE_FILE`).
        """
        try:
            self._apply(records, after, one_by_one=False)
        except Exception as error:
            if _is_of_the_file(error):
                raise
            self._apply(records, after, one_by_one=True)

    def _apply(
        self, records: Sequence[IndexedRecord], after: Mapping[tuple[int, int], int], *, one_by_one: bool
    ) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for one in records:
                if one_by_one:
                    self._take_or_leave_out(one)
                else:
                    self._take(one)
            self._leads.settle()
            self._db.executemany(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)",
                [(topic, partition, offset) for (topic, partition), offset in after.items()],
            )
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._leads.forget()
            self._lanes.clear()  # some were made in what was undone
            self.people = self._db.execute("SELECT count(*) FROM people_docsize").fetchone()[0]
            raise

    def _take(self, one: IndexedRecord) -> None:
        match one.source.holds:
            case "events":
                self._event(one)
            case "rows":
                self._row(one)
            case "parked":
                self._parked(one)
            case "resolved":
                position = (_key(one), one.partition, one.offset)
                self._db.execute("INSERT OR IGNORE INTO resolved VALUES (?, ?, ?)", position)
            case "acts":
                self._act(one)

    def _take_or_leave_out(self, one: IndexedRecord) -> None:
        people = self.people
        self._db.execute("SAVEPOINT one")
        try:
            self._take(one)
        except Exception as error:
            if _is_of_the_file(error):
                raise
            self._db.execute("ROLLBACK TO one")
            self._lanes.clear()  # some were made in what was undone
            self.people = people
            self._db.execute(
                "INSERT INTO meta VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = value + 1", (LEFT_OUT,)
            )
            log.warning(
                "the index leaves out the record %s/%s@%s, which it cannot store: %s: %s",
                *(one.source.topic, one.partition, one.offset, type(error).__name__, error),
            )
        self._db.execute("RELEASE one")

    def note(self, name: str, value: str) -> None:
        """Store a value about the index as a whole."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def prune(self, source: IndexSource, partition: int, first: int) -> int:
        """Delete the records below offset `first`, which the topic no longer holds; returns how many."""
        where, what = "WHERE partition = ? AND offset < ?", [partition, first]
        table = {"parked": "parked", "resolved": "resolved", "acts": "acts"}.get(source.holds, "places")
        if source.holds == "rows":
            return 0
        if table == "places":
            where, what = f"{where} AND topic = ?", [*what, source.code]
        return self._db.execute(f"DELETE FROM {table} {where}", what).rowcount

    def prune_lanes(self) -> int:
        """Delete lanes that have no record left, some at a time; returns how many."""
        ids = [
            row[0]
            for row in self._db.execute(
                "SELECT id FROM lanes WHERE id > ? ORDER BY id LIMIT ?", (self._pruned_to, PRUNE_AT_A_TIME)
            )
        ]
        self._pruned_to = ids[-1] if ids else 0
        empty = [
            one
            for one in ids
            if not any(
                self._db.execute(f"SELECT 1 FROM {table} WHERE lane = ? LIMIT 1", (one,)).fetchone()
                for table in ("places", "rows")
            )
        ]
        if empty:
            self._db.execute("BEGIN IMMEDIATE")
            gone = [
                (one, known["lane"].partition(":")[0], known)
                for one in empty
                if (row := self._db.execute("SELECT shown FROM people WHERE rowid = ?", (one,)).fetchone())
                and (known := orjson.loads(row[0]))
            ]
            self.people -= len(gone)
            self._leads.delete(gone)
            for table, column in (("people", "rowid"), ("lanes", "id")):
                self._db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(one,) for one in empty])
            self._db.executemany("DELETE FROM named WHERE lane = ?", [(one,) for one in empty])
            self._db.execute("COMMIT")
            self._lanes.clear()
        return len(empty)

    def checkpoint(self) -> None:
        """Write the write-ahead log into the file, and empty the log."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- each kind of record ------------------------------------------------------------------------------

    def _event(self, one: IndexedRecord) -> None:
        key = _key(one)
        if one.value is None or not key or key.startswith("@"):
            return
        text, about = lane_and_rest(key)
        lane, is_new = self._lane(text)
        position = (lane, one.source.code, one.partition, one.offset, one.at_ms, about)
        self._db.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", position)
        if one.source.short == SNAPSHOTS:
            if about.startswith("contact:"):
                self._person(lane, text, one.value, is_new)
            if not is_new:
                self._drop_old(lane, one.source.code, about)

    def _drop_old(self, lane: int, topic: int, about: str) -> None:
        old = self._db.execute(
            "SELECT partition, offset FROM places WHERE lane = ? AND topic = ? AND about = ?"
            " ORDER BY offset DESC LIMIT -1 OFFSET ?",
            (lane, topic, about, MOST_OF_ONE),
        ).fetchall()
        self._db.executemany(
            "DELETE FROM places WHERE lane = ? AND topic = ? AND partition = ? AND offset = ?",
            [(lane, topic, *position) for position in old],
        )

    def _person(self, lane: int, text: str, value: bytes, is_new: bool) -> None:
        person = person_of(whole_json(value))
        before = None if is_new else self._db.execute("SELECT shown FROM people WHERE rowid = ?", (lane,)).fetchone()
        known = orjson.loads(before[0]) if before else {}
        self.people += before is None
        if person.is_gone:
            # A deleted contact can still be found: people ask what became of it.
            shown = {**known, "lane": text, "read_ms": person.read_ms, "is_gone": True}
        else:
            shown = {
                "lane": text,
                "name": person.name,
                "emails": person.emails,
                "phones": person.phones,
                "read_ms": person.read_ms,
                "is_gone": False,
                "agent": person.agent,
                "tags": person.tags,
            }
            new = {("email", one) for one in person.emails}
            old = {("email", one) for one in known.get("emails", ())}
            self._names(lane, old - new, new - old)
        names, emails = shown.get("name", ""), " ".join(shown.get("emails", ()))
        row = (lane, name_words(names), emails, phone_words(shown.get("phones", ())), orjson.dumps(shown).decode())
        self._db.execute(
            "INSERT OR REPLACE INTO people (rowid, name, emails, phones, shown) VALUES (?, ?, ?, ?, ?)", row
        )
        self._leads.put(lane, text.partition(":")[0], person, known)

    def _row(self, one: IndexedRecord) -> None:
        key = _key(one)
        text, about = lane_and_rest(key)
        if not key or not about:
            return
        if not one.value:
            found = self._known(text)
            if found is not None:
                self._db.execute(
                    "DELETE FROM rows WHERE lane = ? AND topic = ? AND key = ?", (found, one.source.code, key)
                )
                if one.source.short == LINKS_TABLE and about.startswith("contact:"):
                    self._db.execute("UPDATE lanes SET link = ? WHERE id = ?", (NO_LINK, found))
                self._leads.touch(found)
            return
        lane, _ = self._lane(text)
        is_parked = 0
        if one.source.short in (FETCHES_TABLE, OUTBOX_TABLE):
            is_parked = int(bool(whole_json(one.value).get("parked")))
        elif one.source.short == LINKS_TABLE and about.startswith("contact:"):
            link = whole_json(one.value)
            ghl_id = id_of(link.get("ghl_id"))
            if ghl_id:
                self._names(lane, (), {("ghl", ghl_id)})
                self._db.execute("UPDATE lanes SET ghl = ? WHERE id = ?", (ghl_id, lane))
            self._db.execute("UPDATE lanes SET link = ? WHERE id = ?", (link_of(link), lane))
        row = (lane, one.source.code, key, one.partition, one.offset, is_parked)
        self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)", row)
        self._leads.touch(lane)

    def _parked(self, one: IndexedRecord) -> None:
        value = whole_json(one.value)
        entity = id_of(value.get("entity")) or _key(one)
        text, about = lane_and_rest(entity)
        lane = self._lane(text)[0] if about else None
        name = id_of(value.get("connection")) or (entity.partition(":")[0] if about else "")
        stage, reason = id_of(value.get("stage"), "record"), id_of(value.get("reason"), "unreadable")
        row = (
            *(one.partition, one.offset, lane, entity if about else "", name, stage, reason),
            time_of(value.get("at_ms")),
        )
        self._db.execute("INSERT OR REPLACE INTO parked VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if lane is not None:
            position = (lane, one.source.code, one.partition, one.offset, one.at_ms, about)
            self._db.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", position)

    def _act(self, one: IndexedRecord) -> None:
        value, text = whole_json(one.value), (one.value or b"").decode(errors="replace")
        act_id = id_of(value.get("id"))
        if not act_id:
            return
        at_ms = time_of(value.get("at_ms"), one.at_ms)
        act = (act_id, at_ms, one.partition, one.offset, id_of(value.get("who")))
        column = "begun" if value.get("outcome") == "begun" else "ended"
        self._db.execute("INSERT OR IGNORE INTO acts VALUES (?, ?, ?, ?, ?, '', '')", act)
        self._db.execute(f"UPDATE acts SET {column} = ? WHERE id = ?", (text, act[0]))

    # -- the parts ----------------------------------------------------------------------------------------

    def _names(self, lane: int, old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> None:
        self._db.executemany(
            "DELETE FROM named WHERE kind = ? AND value = ? AND lane = ?", [(*one, lane) for one in old]
        )
        self._db.executemany("INSERT OR IGNORE INTO named VALUES (?, ?, ?)", [(*one, lane) for one in new])

    def _lane(self, text: str) -> tuple[int, bool]:
        """The number of a lane, and whether it is new."""
        found = self._known(text)
        if found is not None:
            return found, False
        made = self._db.execute("INSERT INTO lanes (lane) VALUES (?)", (text,)).lastrowid
        assert made is not None  # an insert has one
        self._remember(text, made)
        return made, True

    def _known(self, text: str) -> int | None:
        found = self._lanes.get(text)
        if found is None:
            row = self._db.execute("SELECT id FROM lanes WHERE lane = ?", (text,)).fetchone()
            if row is None:
                return None
            found = int(row[0])
            self._remember(text, found)
        return found

    def _remember(self, text: str, number: int) -> None:
        if len(self._lanes) >= MOST_LANES:
            self._lanes.clear()
        self._lanes[text] = number


def _key(one: IndexedRecord) -> str:
    return (one.key or b"").decode(errors="replace")


def _is_of_the_file(error: Exception) -> bool:
    return type(error) in OF_THE_FILE
