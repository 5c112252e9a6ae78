"""Rows are counted in the background, and right whatever is written meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streams.core.rows import LinkRow
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.tables import MemoryStore, RocksStore, Store, Table
from streams.kafka.tables.counting import CHUNK, RowCount
from tests.unit.streams.worker.dispatch.stage import Log


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Either store counts."""
    return MemoryStore() if request.param == "memory" else RocksStore(tmp_path)


async def test_what_is_written_while_they_are_counted_counts_once(store: Store) -> None:
    """Rows that are there, that are put, put again, deleted and never were: the count is that of the rows."""
    there = [(f"acme:{number}:contact:{number}".encode(), LinkRow().to_bytes()) for number in range(3 * CHUNK)]
    store.write(0, b"links", there)
    table = Table("links", LinkRow, "links", store, BatchingProducer(Log()))
    table.rows = RowCount()
    table.put(0, "acme:new:contact:1", LinkRow())  # on its way to the store when counting begins
    table.delete(0, "acme:0:contact:0")
    table.count(0)
    await asyncio.sleep(0)
    table.put(0, "acme:1:contact:1", LinkRow(version_ms=2))
    table.put(0, "best:2:contact:2", LinkRow())
    table.delete(0, f"acme:{3 * CHUNK - 1}:contact:{3 * CHUNK - 1}")
    table.delete(0, "acme:never:contact:0")
    await table.flush()
    await table.rows._counting[0]
    assert table.rows.number("acme") == 3 * CHUNK - 1
    assert table.rows.number("best") == 1
    assert table.rows.total == sum(1 for _ in table.items(0))
    store.close()


async def test_a_partition_that_goes_counts_no_more(store: Store) -> None:
    """Its rows are another worker's to count."""
    table = Table("links", LinkRow, "links", store, BatchingProducer(Log()))
    table.rows = RowCount()
    table.count(0)
    table.put(0, "acme:1:contact:1", LinkRow())
    await table.flush()
    assert table.rows.total == 1
    table.release(0)
    assert table.rows.total == 0
    store.close()
