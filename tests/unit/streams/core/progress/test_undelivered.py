"""What is on its way, counted as it comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.core.progress.undelivered import Open, Undelivered

Write = tuple[int, str, Open | None]

ROWS = st.builds(Open, st.sampled_from(["acme", "best"]), st.integers(0, 5), st.booleans())
WRITES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdef"), st.none() | ROWS), max_size=60)


@given(WRITES, st.sets(st.integers(0, 2)))
def test_counts_are_those_of_the_rows(writes: list[Write], lost: set[int]) -> None:
    """Whatever was put and taken away in any order, the counts and the oldest are as if one had looked at every row."""
    counted = Undelivered()
    rows: dict[tuple[int, str], Open] = {}
    for partition, key, row in writes:
        counted.put(partition, key, row)
        rows.pop((partition, key), None)
        if row is not None:
            rows[partition, key] = row
    for partition in lost:
        counted.forget(partition)
    left = [row for (partition, _), row in rows.items() if partition not in lost]
    assert len(counted) == len(left)
    for name in ("acme", "best"):
        waiting = [row for row in left if row.connection == name and not row.is_parked]
        assert counted.number(name) == len(waiting)
        assert counted.parked(name) == sum(row.connection == name and row.is_parked for row in left)
        assert counted.oldest_ms(name) == min((row.accepted_ms for row in waiting), default=None)


def test_one_that_stays_for_long_keeps_no_others_in_memory() -> None:
    """Behind an entity that waits for an hour a hundred thousand others come and go."""
    counted = Undelivered()
    counted.put(0, "stays", Open("acme", 1))
    for number in range(100_000):
        counted.put(0, f"{number}", Open("acme", 2 + number))
        counted.put(0, f"{number}", None)
    assert counted.oldest_ms("acme") == 1
    assert len(counted._oldest["acme"]) < 100
