"""Contacts of the index: those that a search finds, and what is shown of one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from streams.operations.history.index.lead_rows import LeadState
from streams.operations.history.index.search_terms import Wanted


@dataclass(frozen=True, slots=True)
class Hit:
    """A contact that a search found. `pending` and `parked` count its entities in these states."""

    lane: str
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    ghl_id: str
    read_ms: int
    is_gone: bool
    pending: int
    parked: int
    state: LeadState = "absent"
    agent: str = ""
    tags: tuple[str, ...] = ()


def exact_lanes(db: sqlite3.Connection, wanted: Wanted, connections: Sequence[str]) -> list[tuple[int, str]]:
    """Lanes with exactly this id or address, by number."""
    found: dict[int, str] = {}
    for value in wanted.exact:
        by_name = "SELECT lanes.id, lanes.lane FROM named JOIN lanes ON lanes.id = named.lane WHERE kind IN ('email', 'ghl') AND value = ?"
        found.update(db.execute(by_name, (value,)).fetchall())
        if value.isdigit():
            # A lead's id: the lanes begin with the connection's name.
            for connection in connections:
                row = db.execute("SELECT id, lane FROM lanes WHERE lane = ?", (f"{connection}:{value}",)).fetchone()
                if row:
                    found[row[0]] = row[1]
    return list(found.items())


def search(
    db: sqlite3.Connection,
    wanted: Wanted,
    connections: Sequence[str],
    limit: int,
    offset: int,
    fits: Callable[[int], bool] = lambda _: True,
) -> tuple[Hit, ...]:
    """Contacts that a search finds: exact ones first, then the newest. `fits` leaves lanes out, by number."""
    ids = [
        number for number, lane in exact_lanes(db, wanted, connections) if _is_of(lane, connections) and fits(number)
    ]
    hits = ids[offset : offset + limit]
    left = limit - len(hits)
    if left > 0 and wanted.match:
        skip = max(0, offset - len(ids))
        for number, lane in db.execute(
            "SELECT people.rowid, lanes.lane FROM people JOIN lanes ON lanes.id = people.rowid"
            " WHERE people MATCH ? ORDER BY people.rowid DESC",
            (wanted.match,),
        ):
            if number in ids or not _is_of(lane, connections) or not fits(number):
                continue
            if skip:
                skip -= 1
                continue
            hits.append(number)
            left -= 1
            if not left:
                break
    return tuple(found for number in hits if (found := hit_by_number(db, number)) is not None)


def _is_of(lane: str, connections: Sequence[str]) -> bool:
    return lane.partition(":")[0] in connections


def hit_of(db: sqlite3.Connection, lane: str) -> Hit | None:
    """One contact by its lane."""
    row = db.execute("SELECT id FROM lanes WHERE lane = ?", (lane,)).fetchone()
    return hit_by_number(db, row[0]) if row else None


def hit_by_number(db: sqlite3.Connection, number: int) -> Hit | None:
    """One contact by the number of its lane."""
    row = db.execute("SELECT shown FROM people WHERE rowid = ?", (number,)).fetchone()
    shown = orjson.loads(row[0]) if row else {}
    lane = db.execute("SELECT lane, ghl FROM lanes WHERE id = ?", (number,)).fetchone()
    if lane is None:
        return None
    asked = "SELECT state, agent FROM leads WHERE lane = ?"
    listed: tuple[LeadState, str] = db.execute(asked, (number,)).fetchone() or ("absent", "")
    waits = dict(
        db.execute("SELECT parked, count(*) FROM rows WHERE lane = ? AND topic IN (12, 13) GROUP BY parked", (number,))
    )
    return Hit(
        lane[0],
        shown.get("name", ""),
        tuple(shown.get("emails", ())),
        tuple(shown.get("phones", ())),
        lane[1] or "",
        shown.get("read_ms", 0),
        shown.get("is_gone", False),
        waits.get(0, 0),
        waits.get(1, 0),
        listed[0],
        listed[1],
        tuple(shown.get("tags", ())),
    )
