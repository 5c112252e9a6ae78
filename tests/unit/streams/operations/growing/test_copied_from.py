"""How a copied record names its source, and where a group goes on in a copy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.batching_producer import Record
from streams.operations.growing.copied_from import HEADER, first_unread, marked, source_position
from streams.operations.growing.copying import MOST_BYTES, rounds


def record(headers: Any) -> Any:
    """A record with these headers."""
    return cast("Any", SimpleNamespace(headers=headers))


def test_a_copy_names_its_source() -> None:
    """Other headers stay, and a copy of a copy names the nearest source."""
    once = marked([("traceparent", b"t")], 3, 17)
    twice = marked(once, 7, 4)

    assert source_position(record(twice)) == (7, 4)
    assert [name for name, _ in twice] == ["traceparent", HEADER]
    assert source_position(record(())) is None


def test_the_group_goes_on_at_the_first_record_that_it_has_not_read() -> None:
    """What was read stays read; without anything unread it goes on at the end."""
    copies = [(0, 10), (1, 12), (2, 15), (3, 19)]

    assert first_unread(copies, 15) == 2
    assert first_unread(copies, 13) == 2
    assert first_unread(copies, 20) is None


def test_a_record_of_unknown_source_is_read_rather_than_skipped() -> None:
    """It had no room for the header: right before what is unread it may be unread, too."""
    assert first_unread([(0, 10), (1, None), (2, 15)], 15) == 1
    assert first_unread([(0, 10), (1, None), (2, 12), (3, 15)], 15) == 3
    assert first_unread([(0, 10), (1, None)], 15) == 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, MOST_BYTES)), max_size=40))
def test_a_partition_has_one_batch_at_a_time(sizes: list[tuple[int, int]]) -> None:
    """Nothing is lost or reordered, and what is written together fits into a batch of its partition."""
    records = [Record("t", partition, b"", bytes(size)) for partition, size in sizes]
    found = list(rounds(records))

    assert [one for some in found for one in some] == records
    for some in found:
        for partition in range(3):
            ours = [one.size for one in some if one.partition == partition]
            assert len(ours) <= 1 or sum(ours) <= MOST_BYTES
