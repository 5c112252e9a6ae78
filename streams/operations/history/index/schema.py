"""The tables of the index, and how a file of it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

VERSION = 3
"""The format of the index. An index with another number is rebuilt."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (topic INTEGER, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE lanes (id INTEGER PRIMARY KEY, lane TEXT NOT NULL UNIQUE, ghl TEXT, link INTEGER NOT NULL DEFAULT 0);
CREATE TABLE places (
    lane INTEGER, topic INTEGER, partition INTEGER, offset INTEGER, at_ms INTEGER NOT NULL, about TEXT NOT NULL,
    PRIMARY KEY (lane, topic, partition, offset)
) WITHOUT ROWID;
CREATE INDEX places_by_topic ON places (topic, partition, offset);
CREATE TABLE rows (
    lane INTEGER, topic INTEGER, key TEXT, partition INTEGER NOT NULL, offset INTEGER NOT NULL, parked INTEGER NOT NULL,
    PRIMARY KEY (lane, topic, key)
) WITHOUT ROWID;
CREATE TABLE named (kind TEXT, value TEXT, lane INTEGER, PRIMARY KEY (kind, value, lane)) WITHOUT ROWID;
CREATE TABLE parked (
    partition INTEGER, offset INTEGER, lane INTEGER, entity TEXT NOT NULL, connection TEXT NOT NULL, stage TEXT NOT NULL,
    reason TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (partition, offset)
) WITHOUT ROWID;
CREATE INDEX parked_by_entity ON parked (stage, entity);
CREATE TABLE resolved (id TEXT PRIMARY KEY, partition INTEGER, offset INTEGER) WITHOUT ROWID;
CREATE TABLE acts (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, who TEXT NOT NULL,
    begun TEXT NOT NULL, ended TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX acts_by_time ON acts (at_ms DESC, id);
CREATE VIRTUAL TABLE people USING fts5(
    name, emails, phones, shown UNINDEXED, tokenize = 'unicode61 remove_diacritics 2', detail = full
);
CREATE TABLE leads (
    lane INTEGER PRIMARY KEY, connection TEXT NOT NULL, state TEXT NOT NULL, updated_ms INTEGER NOT NULL,
    agent TEXT NOT NULL COLLATE NOCASE, is_gone INTEGER NOT NULL
);
CREATE INDEX leads_by_time ON leads (connection, updated_ms);
CREATE INDEX leads_by_state ON leads (connection, state, updated_ms);
CREATE INDEX leads_by_agent ON leads (connection, agent, updated_ms);
CREATE TABLE lead_tags (
    connection TEXT, tag TEXT COLLATE NOCASE, updated_ms INTEGER, lane INTEGER,
    PRIMARY KEY (connection, tag, updated_ms, lane)
) WITHOUT ROWID;
CREATE TABLE lead_counts (connection TEXT, state TEXT, leads INTEGER NOT NULL, PRIMARY KEY (connection, state)) WITHOUT ROWID;
CREATE TRIGGER lead_added AFTER INSERT ON leads BEGIN
    INSERT INTO lead_counts VALUES (new.connection, new.state, 1)
    ON CONFLICT (connection, state) DO UPDATE SET leads = leads + 1;
END;
CREATE TRIGGER lead_moved AFTER UPDATE OF state ON leads WHEN old.state <> new.state BEGIN
    UPDATE lead_counts SET leads = leads - 1 WHERE connection = old.connection AND state = old.state;
    INSERT INTO lead_counts VALUES (new.connection, new.state, 1)
    ON CONFLICT (connection, state) DO UPDATE SET leads = leads + 1;
END;
CREATE TRIGGER lead_removed AFTER DELETE ON leads BEGIN
    UPDATE lead_counts SET leads = leads - 1 WHERE connection = old.connection AND state = old.state;
END;
"""


def open_to_write(path: Path, belongs_to: str) -> sqlite3.Connection:
    """Open the index at `path`, or make it. A broken one, or one of another version or deployment (`belongs_to`), is rebuilt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _opened(path, belongs_to)
    except (sqlite3.DatabaseError, _Strange) as error:
        if isinstance(error, sqlite3.OperationalError) and "disk" in str(error):
            raise  # rebuilding the index would not help against a full disk
        remove(path)
        return _opened(path, belongs_to)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the index read-only. Raises `sqlite3.OperationalError` when there is none."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA mmap_size = 268435456")
    return connection


def remove(path: Path) -> None:
    """Delete an index."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class _Strange(Exception):
    """A file of another version or of another deployment."""


def _opened(path: Path, belongs_to: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
            connection.execute("INSERT INTO meta VALUES ('belongs to', ?)", (belongs_to,))
        found = connection.execute("SELECT value FROM meta WHERE name = 'belongs to'").fetchone()
        if version not in (0, VERSION) or found != (belongs_to,):
            raise _Strange(f"version {version} of {found}")
    except BaseException:
        connection.close()
        raise
    return connection
