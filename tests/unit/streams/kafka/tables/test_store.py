"""Both stores keep rows by partition and table, and a changelog's position together with the rows that it covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.kafka.tables import MemoryStore, RocksStore, Store

LINKS, OUTBOX = b"links", b"outbox"


@pytest.fixture(params=["memory", "rocksdb"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Makes a store; a second one of RocksDB opens what the first has closed."""
    made: list[Store] = []

    def new() -> Store:
        made.append(MemoryStore() if request.param == "memory" else RocksStore(tmp_path))
        return made[-1]

    yield new
    for one in made:
        one.close()


def test_rows_of_other_partitions_and_tables_do_not_meet(new_store: Callable[[], Store]) -> None:
    """The same key in three places is three rows."""
    store = new_store()
    store.write(1, LINKS, [(b"k", b"one")])
    store.write(2, LINKS, [(b"k", b"two")])
    store.write(1, OUTBOX, [(b"k", b"three")])
    assert store.read(1, LINKS, b"k") == b"one"
    assert dict(store.scan(2, LINKS)) == {b"k": b"two"}
    assert dict(store.scan(1, OUTBOX)) == {b"k": b"three"}
    assert store.read(3, LINKS, b"k") is None


def test_a_row_of_none_is_deleted(new_store: Callable[[], Store]) -> None:
    """As a tombstone of the changelog says."""
    store = new_store()
    store.write(1, LINKS, [(b"a", b"1"), (b"b", b"2"), (b"a", None)])
    assert dict(store.scan(1, LINKS)) == {b"b": b"2"}


def test_positions_are_of_one_table_and_partition(new_store: Callable[[], Store]) -> None:
    """And no row shows them."""
    store = new_store()
    store.write(1, LINKS, [(b"a", b"1")], 41)
    store.write(1, LINKS, [])
    assert store.position(1, LINKS) == 41
    assert store.position(1, OUTBOX) is None
    assert store.position(2, LINKS) is None
    assert dict(store.scan(1, LINKS)) == {b"a": b"1"}


def test_a_store_knows_of_which_topic_it_is_a_copy(new_store: Callable[[], Store]) -> None:
    """By table and partition; it is no row."""
    store = new_store()
    assert store.origin(1, LINKS) == ""
    store.set_origin(1, LINKS, "an id")
    assert (store.origin(1, LINKS), store.origin(2, LINKS), store.origin(1, b"seen")) == ("an id", "", "")
    assert list(store.scan(1, LINKS)) == []
    assert store.position(1, LINKS) is None


def test_rocksdb_outlives_its_process(tmp_path: Path) -> None:
    """What was written and noted is there at the next start."""
    first = RocksStore(tmp_path)
    first.write(1, LINKS, [(b"a", b"1")], 9)
    first.close()
    second = RocksStore(tmp_path)
    assert second.read(1, LINKS, b"a") == b"1"
    assert second.position(1, LINKS) == 9
    second.close()
