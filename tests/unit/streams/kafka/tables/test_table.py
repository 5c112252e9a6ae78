"""A table counts at once, lasts when Kafka has it, and never leaves in the local store what the changelog did not get."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rows import SeenRow
from streams.kafka.batching_producer import Record, RecordTooLarge
from streams.kafka.tables import ChangelogLost, MemoryStore, Table

SEEN = b"seen"


class Kafka:
    """Takes records in order, and acknowledges them when the test says."""

    max_record_bytes = 1000

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.waiting: list[asyncio.Future[int]] = []

    def enqueue(self, record: Record) -> asyncio.Future[int]:
        """As the appender does."""
        self.records.append(record)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    async def acknowledge(self, number: int = 1) -> None:
        """The oldest records are safe."""
        for _ in range(number):
            offset = len(self.records) - len(self.waiting)
            self.waiting.pop(0).set_result(offset)
        await asyncio.sleep(0)


def row(at_ms: int) -> SeenRow:
    """Some row."""
    return SeenRow(update_time_ms=at_ms, operation="updated")


def a_table() -> tuple[Table[SeenRow], Kafka, MemoryStore]:
    """A table, its Kafka, and its store."""
    kafka, store = Kafka(), MemoryStore()
    return Table("seen", SeenRow, "changelog", store, kafka), kafka, store  # type: ignore[arg-type]  # it enqueues


async def test_a_row_counts_at_once_and_is_stored_when_kafka_has_it() -> None:
    """With the offset at which it stands."""
    table, kafka, store = a_table()
    table.put(1, "a", row(5))
    assert table.get(1, "a") == row(5)
    assert dict(table.items(1)) == {"a": row(5)}
    assert list(store.scan(1, SEEN)) == []
    await kafka.acknowledge()
    assert store.read(1, SEEN, b"a") == row(5).to_bytes()
    assert store.position(1, SEEN) == 0
    assert table.get(1, "a") == row(5)


async def test_after_a_crash_the_store_holds_nothing_that_the_changelog_did_not_get() -> None:
    """Else the events that are read again would change nothing, and nobody else would ever hear of the row."""
    table, kafka, store = a_table()
    table.put(1, "a", row(5))
    table.put(1, "b", row(6))
    await kafka.acknowledge()
    after_the_crash = Table("seen", SeenRow, "changelog", store, kafka)  # type: ignore[arg-type]  # as above
    assert after_the_crash.get(1, "a") == row(5)
    assert after_the_crash.get(1, "b") is None


async def test_the_newest_write_counts_while_older_ones_are_acknowledged() -> None:
    """Put, deleted and put again before any answer."""
    table, kafka, store = a_table()
    table.put(1, "a", row(1))
    table.delete(1, "a")
    assert table.get(1, "a") is None
    assert dict(table.items(1)) == {}
    table.put(1, "a", row(3))
    await kafka.acknowledge(2)
    assert table.get(1, "a") == row(3)
    await kafka.acknowledge()
    assert store.read(1, SEEN, b"a") == row(3).to_bytes()


async def test_a_flush_waits_for_every_partition() -> None:
    """And raises what went wrong, then and ever after."""
    table, kafka, _ = a_table()
    table.put(1, "a", row(1))
    table.put(2, "a", row(1))
    flushing = asyncio.create_task(table.flush())
    await kafka.acknowledge()
    await asyncio.sleep(0)
    assert not flushing.done()
    await kafka.acknowledge()
    await flushing
    table.put(1, "a", row(2))
    kafka.waiting.pop(0).set_exception(ConnectionError("away"))
    with pytest.raises(ConnectionError):
        await table.flush()
    with pytest.raises(ConnectionError):
        await table.flush()


async def test_what_is_acknowledged_after_the_partition_went_is_not_stored() -> None:
    """It is read back from the changelog, should the partition return; so its offset must not count either."""
    table, kafka, store = a_table()
    table.put(1, "a", row(1))
    table.release(1)
    await kafka.acknowledge()
    assert (store.position(1, SEEN), table.get(1, "a")) == (None, row(1))
    table.acquire(1)
    assert table.get(1, "a") is None, "what recovery read from the changelog counts, and nothing else"


@pytest.mark.parametrize("acknowledged_before", [0, 1, 2, 3])
async def test_no_later_row_hides_one_that_was_left_out(acknowledged_before: int) -> None:
    """An agent goes on for a moment after its partition was released: a position beyond a row that is not stored loses it."""
    table, kafka, store = a_table()
    for number, key in enumerate("abc"):
        table.put(1, key, row(number))
    await kafka.acknowledge(acknowledged_before)
    table.release(1)
    table.put(1, "d", row(4))
    table.put(1, "a", row(5))
    await kafka.acknowledge(5 - acknowledged_before)
    await table.flush()

    position = store.position(1, SEEN)
    assert position == (acknowledged_before - 1 if acknowledged_before else None)
    assert len(list(store.scan(1, SEEN))) == acknowledged_before
    assert {key: one.update_time_ms for key, one in table.items(1)} == {"a": 5, "b": 1, "c": 2, "d": 4}


async def test_a_flush_waits_for_rows_of_a_partition_that_was_released() -> None:
    """Their events are committed after it, and whoever has the partition next reads only what the changelog has."""
    table, kafka, _ = a_table()
    table.put(1, "a", row(1))
    table.release(1)
    flushing = asyncio.create_task(table.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not flushing.done()
    await kafka.acknowledge()
    await flushing


@given(st.data())
async def test_whatever_comes_when_a_partition_goes_and_returns_the_store_is_its_changelog(data: st.DataObject) -> None:
    """Rows and deletions, acknowledgements that are late, releases, and what others write meanwhile: up to the store's position
    the store holds exactly what the changelog holds."""
    table, kafka, store = a_table()
    is_ours = True
    for number in range(data.draw(st.integers(1, 25))):
        match data.draw(st.sampled_from(["put", "put", "delete", "acknowledge", "move", "another"])):
            case "put":
                table.put(1, data.draw(st.sampled_from("abc")), row(number))
            case "delete":
                table.delete(1, data.draw(st.sampled_from("abc")))
            case "acknowledge" if kafka.waiting:
                await kafka.acknowledge()
            case "another" if not is_ours and not kafka.waiting:
                kafka.records.append(Record("changelog", 1, b"a", row(number).to_bytes()))
            case "move" if is_ours:
                table.release(1)
                is_ours = False
            case "move":
                # Recovery reads what Kafka has, which may be more than it has acknowledged.
                at = -1 if (position := store.position(1, SEEN)) is None else position
                had = len(kafka.records) - len(kafka.waiting) + data.draw(st.integers(0, len(kafka.waiting)))
                if had > at + 1:
                    store.write(1, SEEN, [(one.key, one.value) for one in kafka.records[at + 1 : had]], had - 1)
                table.acquire(1)
                is_ours = True
        position = store.position(1, SEEN)
        wanted: dict[bytes, bytes] = {}
        for one in kafka.records[: 0 if position is None else position + 1]:
            wanted.pop(one.key, None) if one.value is None else wanted.update({one.key: one.value})
        assert dict(store.scan(1, SEEN)) == wanted


async def test_a_row_that_kafka_does_not_take_is_told_and_one_of_a_partition_that_went_is_not() -> None:
    """The store then differs from the changelog: the owner of the table must end."""
    table, kafka, _ = a_table()
    told: list[tuple[str, str]] = []
    table.failed = lambda name, error: told.append((name, str(error)))
    table.put(1, "a", row(5))
    table.put(2, "b", row(5))
    table.release(2)
    for waiting in kafka.waiting:
        waiting.set_exception(RuntimeError("no answer"))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await table.flush()

    assert told == [("seen", "no answer")]


async def test_a_row_that_no_changelog_takes_changes_nothing() -> None:
    """The one who puts it hears of it; all other rows go on."""
    table, kafka, _ = a_table()
    with pytest.raises(RecordTooLarge):
        table.put(1, "k" * 1000, row(5))
    table.put(1, "a", row(5))
    await kafka.acknowledge()
    await table.flush()

    assert [key for key, _ in table.items(1)] == ["a"]


async def test_a_changelog_that_began_anew_ends_the_worker_with_the_first_row() -> None:
    """Its offset was another's: neither that row nor a later one is stored, and the flush fails."""
    kafka, store, told = Kafka(), MemoryStore(), list[str]()
    store.write(1, SEEN, [(b"old", row(1).to_bytes())], 500)
    table = Table("links", SeenRow, "p.links-changelog", store, kafka, told.append)  # type: ignore[arg-type]  # it enqueues
    store.write(1, table.key, [(b"old", row(1).to_bytes())], 500)
    table.acquire(1)
    table.put(1, "a", row(5))
    await kafka.acknowledge()
    assert store.read(1, table.key, b"a") is None
    assert store.position(1, table.key) == 500
    [why] = told
    assert why.startswith("The changelog p.links-changelog/1 was deleted and recreated while we worked")
    assert "lofty-ghl topics create --accept-lost links" in why
    with pytest.raises(ChangelogLost):
        await table.flush()
