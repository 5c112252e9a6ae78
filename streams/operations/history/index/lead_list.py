"""The list of leads: a page of those that fit a filter, their numbers by state, and all of them for an export.

A page begins after the last lead of the page before, so it costs the same wherever it is. An index answers each filter within one
connection; the newest of several connections are merged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest

from streams.operations.history.index.hits import Hit, hit_by_number, search
from streams.operations.history.index.lead_rows import STATES, LeadState
from streams.operations.history.index.search_terms import wanted_of

MOST_CHOICES = 200
"""At most so many agents, or tags, are suggested."""
RARE = 2_000


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads. What is empty or zero does not matter; `since_ms` is the time from which on they were read."""

    text: str = ""
    state: LeadState | None = None
    agent: str = ""
    tag: str = ""
    since_ms: int = 0

    @property
    def is_any(self) -> bool:
        """Whether it leaves nothing out."""
        return self == LeadFilter()


@dataclass(frozen=True, slots=True)
class Cursor:
    """After which lead a page begins. A search counts: `offset` leads were shown before."""

    updated_ms: int = 0
    lane: int = 0
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.updated_ms}.{self.lane}.{self.offset}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """From its text; None for what is none."""
        parts = text.split(".")
        if len(parts) != 3 or not all(one.isascii() and one.isdigit() and len(one) < 16 for one in parts):
            return None
        return cls(*map(int, parts))


@dataclass(frozen=True, slots=True)
class LeadChunk:
    """Some leads, and where the next ones begin; None after the last."""

    leads: tuple[Hit, ...]
    after: Cursor | None


def page_of_leads(
    db: sqlite3.Connection, connections: Sequence[str], wanted: LeadFilter, after: Cursor | None, limit: int
) -> LeadChunk:
    """The next leads, those that were read last first."""
    if wanted.text:
        return _found_leads(db, connections, wanted, after or Cursor(), limit)
    newest = nlargest(limit + 1, (row for name in connections for row in _newest(db, name, wanted, after, limit + 1)))
    hits = tuple(hit for _, lane in newest[:limit] if (hit := hit_by_number(db, lane)) is not None)
    return LeadChunk(hits, Cursor(*newest[limit - 1]) if len(newest) > limit else None)


def _newest(
    db: sqlite3.Connection, connection: str, wanted: LeadFilter, after: Cursor | None, limit: int
) -> list[tuple[int, int]]:
    table = "lead_tags" if wanted.tag and _is_rare(db, connection, wanted.tag) else "leads"
    where, what = _all_conditions(wanted) if table == "leads" else _conditions(wanted)
    where.append(f"{table}.connection = ?")
    what.append(connection)
    if table == "lead_tags":
        where.append("lead_tags.tag = ?")
        what.append(wanted.tag)
    if after is not None:
        where.append(f"({table}.updated_ms, {table}.lane) < (?, ?)")
        what += [after.updated_ms, after.lane]
    joined = "lead_tags CROSS JOIN leads USING (lane)" if table == "lead_tags" else "leads"
    asked = (
        f"SELECT {table}.updated_ms, {table}.lane FROM {joined} WHERE {' AND '.join(where)}"
        f" ORDER BY {table}.updated_ms DESC, {table}.lane DESC LIMIT ?"
    )
    return db.execute(asked, (*what, limit)).fetchall()


def _is_rare(db: sqlite3.Connection, connection: str, tag: str) -> bool:
    """Whether few leads have a tag: their other conditions are then looked at one by one, and otherwise the tag is."""
    some = "SELECT 1 FROM lead_tags WHERE connection = ? AND tag = ? LIMIT ?"
    return len(db.execute(some, (connection, tag, RARE)).fetchall()) < RARE


def _found_leads(
    db: sqlite3.Connection, connections: Sequence[str], wanted: LeadFilter, after: Cursor, limit: int
) -> LeadChunk:
    where, what = _all_conditions(wanted)
    asked = f"SELECT 1 FROM leads WHERE lane = ? AND {' AND '.join(where or ['1'])}"

    def fits(lane: int) -> bool:
        return not where or db.execute(asked, (lane, *what)).fetchone() is not None

    hits = search(db, wanted_of(wanted.text), connections, limit + 1, after.offset, fits)
    return LeadChunk(hits[:limit], Cursor(offset=after.offset + limit) if len(hits) > limit else None)


def leads_in_order(
    db: sqlite3.Connection, connections: Sequence[str], wanted: LeadFilter, after: Cursor | None, limit: int
) -> LeadChunk:
    """The next leads in the order in which they became known: none is left out or repeated if it changes meanwhile."""
    if wanted.text:
        return _found_leads(db, connections, wanted, after or Cursor(), limit)
    where, what = _all_conditions(wanted)
    # The plus signs keep SQLite from an index by which it would have to sort all leads.
    marks = ", ".join("?" * len(connections))
    conditions = " AND ".join(["lane > ?", f"+connection IN ({marks})", *(f"+{one}" for one in where)])
    rows = db.execute(
        f"SELECT lane FROM leads WHERE {conditions} ORDER BY lane LIMIT ?",
        (after.lane if after else 0, *connections, *what, limit + 1),
    ).fetchall()
    hits = tuple(hit for (lane,) in rows[:limit] if (hit := hit_by_number(db, lane)) is not None)
    return LeadChunk(hits, Cursor(lane=rows[limit - 1][0]) if len(rows) > limit else None)


def _conditions(wanted: LeadFilter) -> tuple[list[str], list[str | int]]:
    """The conditions that a row of `leads` answers."""
    found: list[tuple[str, str | int]] = []
    if wanted.state is not None:
        found.append(("leads.state = ?", wanted.state))
    if wanted.agent:
        found.append(("leads.agent = ?", wanted.agent))
    if wanted.since_ms:
        found.append(("leads.updated_ms >= ?", wanted.since_ms))
    return [where for where, _ in found], [what for _, what in found]


def _all_conditions(wanted: LeadFilter) -> tuple[list[str], list[str | int]]:
    where, what = _conditions(wanted)
    if wanted.tag:
        where.append(
            "EXISTS (SELECT 1 FROM lead_tags WHERE lead_tags.connection = leads.connection AND lead_tags.tag = ?"
            " AND lead_tags.updated_ms = leads.updated_ms AND lead_tags.lane = leads.lane)"
        )
        what.append(wanted.tag)
    return where, what


def leads_by_state(db: sqlite3.Connection, connections: Sequence[str]) -> dict[LeadState, int]:
    """How many leads of some connections are in each state. The numbers are kept by the index, so that none is counted here."""
    found = dict.fromkeys(STATES, 0)
    for connection in connections:
        for state, leads in db.execute("SELECT state, leads FROM lead_counts WHERE connection = ?", (connection,)):
            found[state] += leads
    return found


def agents_of(db: sqlite3.Connection, connections: Sequence[str]) -> tuple[str, ...]:
    """The names of the agents of some connections, in order."""
    return _values(db, connections, "leads INDEXED BY leads_by_agent", "agent")


def tags_of(db: sqlite3.Connection, connections: Sequence[str]) -> tuple[str, ...]:
    """The tags of the leads of some connections, in order."""
    return _values(db, connections, "lead_tags", "tag")


def _values(db: sqlite3.Connection, connections: Sequence[str], table: str, column: str) -> tuple[str, ...]:
    """Different values of a column that is second in an index after the connection: each costs one look-up."""
    found: dict[str, str] = {}
    for connection in connections:
        value = ""
        while len(found) < MOST_CHOICES:
            row = db.execute(
                f"SELECT {column} FROM {table} WHERE connection = ? AND {column} > ? ORDER BY {column} LIMIT 1",
                (connection, value),
            ).fetchone()
            if row is None:
                break
            value = row[0]
            found.setdefault(value.lower(), value)
    return tuple(sorted(found.values(), key=str.lower))
