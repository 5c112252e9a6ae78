"""Writes the rows of the list of leads: one for each lead that was read, with what a list filters and orders by."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

from streams.operations.history.index.search_terms import ContactTerms, id_of

LeadState = Literal["synced", "waiting", "attention", "absent", "conflict", "deleted"]
"""The state of a lead; it has one at a time, so the numbers of all states add up to the number of leads.

`attention` and `waiting` are first: something of the lead needs a person, or is on its way. `deleted` is a lead that is gone in
Lofty, `conflict` one that shares a value with another contact, undecided. `synced` leads have a GHL contact, `absent` ones have none.
"""
STATES: tuple[LeadState, ...] = get_args(LeadState)

NO_LINK, LINKED, IN_CONFLICT = 0, 1, 2


def link_of(row: Mapping[str, Any]) -> int:
    """What a row of `links` says of a lead's contact."""
    if not id_of(row.get("ghl_id")) or row.get("is_deleted"):
        return NO_LINK
    conflicts, decided = row.get("conflicts"), row.get("decided")
    if not isinstance(conflicts, dict) or row.get("is_gone"):
        return LINKED
    known = decided if isinstance(decided, dict) else {}
    contacts = [value.get("contact_id") for value in conflicts.values() if isinstance(value, dict)]
    is_open = any(isinstance(contact, str) and contact not in known for contact in contacts)
    return IN_CONFLICT if is_open else LINKED


class LeadRows:
    """Part of `IndexWriter`, within its transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._touched: set[int] = set()

    def put(self, lane: int, connection: str, person: ContactTerms, before: Mapping[str, Any]) -> None:
        """A lead was read. `before` is what the index knew of it."""
        agent, tags = person.agent, person.tags
        if person.is_gone:  # its last agent and tags remain, as its name does
            agent, tags = str(before.get("agent", "")), tuple(before.get("tags", ()))
        row = (lane, connection, person.read_ms, agent, int(person.is_gone))
        self._db.execute(
            "INSERT INTO leads (lane, connection, state, updated_ms, agent, is_gone) VALUES (?, ?, 'absent', ?, ?, ?)"
            " ON CONFLICT (lane) DO UPDATE SET"
            " updated_ms = excluded.updated_ms, agent = excluded.agent, is_gone = excluded.is_gone",
            row,
        )
        self._delete_tags(lane, connection, before)
        self._db.executemany(
            "INSERT OR IGNORE INTO lead_tags VALUES (?, ?, ?, ?)",
            [(connection, tag, person.read_ms, lane) for tag in tags],
        )
        self._touched.add(lane)

    def touch(self, lane: int) -> None:
        """Something changed by which a lead may have another state."""
        self._touched.add(lane)

    def settle(self) -> None:
        """Give the leads that were touched their state: once for each, however many records named it."""
        for lane in self._touched:
            lead = self._db.execute("SELECT is_gone, state FROM leads WHERE lane = ?", (lane,)).fetchone()
            if lead is not None and (state := self._state(lane, is_gone=bool(lead[0]))) != lead[1]:
                self._db.execute("UPDATE leads SET state = ? WHERE lane = ?", (state, lane))
        self._touched.clear()

    def forget(self) -> None:
        """What was touched is undone."""
        self._touched.clear()

    def delete(self, lanes: Collection[tuple[int, str, Mapping[str, Any]]]) -> None:
        """Delete leads: each by its lane's number, connection, and what the index knew of it."""
        for lane, connection, before in lanes:
            self._delete_tags(lane, connection, before)
            self._db.execute("DELETE FROM leads WHERE lane = ?", (lane,))

    def _delete_tags(self, lane: int, connection: str, before: Mapping[str, Any]) -> None:
        self._db.executemany(
            "DELETE FROM lead_tags WHERE connection = ? AND tag = ? AND updated_ms = ? AND lane = ?",
            [(connection, tag, before.get("read_ms", 0), lane) for tag in before.get("tags", ())],
        )

    def _state(self, lane: int, *, is_gone: bool) -> LeadState:
        needs_person, waits = self._db.execute(
            "SELECT max(parked), count(*) FROM rows WHERE lane = ? AND topic IN (12, 13)", (lane,)
        ).fetchone()
        if needs_person:
            return "attention"
        if waits:
            return "waiting"
        if is_gone:
            return "deleted"
        link = self._db.execute("SELECT link FROM lanes WHERE id = ?", (lane,)).fetchone()
        return {LINKED: "synced", IN_CONFLICT: "conflict"}.get(link[0] if link else NO_LINK, "absent")  # type: ignore[return-value]  # mypy widens the literals of a dict
