"""Where each record belongs in a copy with more partitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.copy_targets import NOT_COPIED, SOURCES, CopyTargets, Source
from streams.core.to_lofty.rows import BacklinkRow
from streams.messages import FENCE_KEY
from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from streams.messages.topics import TABLES, TOPICS

OLD, NEW = 4, 12
LOFTY, GHL = lofty_budget("acme"), ghl_budget("loc-1")
TARGETS = CopyTargets(OLD, NEW, {"acme": LOFTY}, {"acme": GHL}, {"loc-1": GHL})
BACKLINK = BacklinkRow(entity="acme:7:contact:7").to_bytes()

PLACED = [
    ("lofty.changes", False, b"acme:7", "acme:7"),
    ("lofty.fetches", False, b"acme:7", LOFTY),
    ("lofty.snapshots", False, b"acme:7:note:9", GHL),
    ("ghl.receipts", False, b"acme:7:note:9", GHL),
    ("ghl.changes", False, b"loc-1:c-1", GHL),
    ("ghl.changes", False, b"loc-2:c-1", ghl_budget("loc-2")),
    ("ghl.inspections", False, b"acme", GHL),
    ("lofty.sweeps", False, b"acme", LOFTY),
    ("tokens", False, b"ghl:loc-1", GHL),
    ("tokens", False, b"lofty-connection:acme", LOFTY),
    ("mappings", False, b"an-edit", "mappings"),
    ("people", False, b"an-edit", "people"),
    ("notifications", False, b"state/ops", "ops"),
    ("notifications", False, b"recipient/ops/1", "ops"),
    ("runs", False, b"r-1", "r-1"),
    ("seen", True, b"acme:7:note:9", "acme:7"),
    ("links", True, b"acme:7:note:9", GHL),
    ("outbox", True, b"acme:7:note:9", GHL),
    ("fetches", True, b"acme:7:note:9", LOFTY),
    ("errands", True, b"acme:7:note:x", LOFTY),
    ("sweeps", True, b"acme", LOFTY),
    ("sweeps", True, b"@opt-outs:acme", GHL),
    ("swept", True, b"acme:7:note:9", LOFTY),
    ("budgets", True, LOFTY.encode(), LOFTY),
    ("events", True, b"loc-1:ContactUpdate:c:w", GHL),
    ("events", True, b"@uninstalled:loc-1", GHL),
    ("backlinks", True, b"contact:c-1", GHL),
    ("tokens", True, b"ghl:loc-1", GHL),
]


@pytest.mark.parametrize(("name", "is_table", "key", "placement"), PLACED)
def test_a_record_goes_where_the_new_number_puts_its_budget(
    name: str, is_table: bool, key: bytes, placement: str
) -> None:
    """It was where the old number put it."""
    source = Source(name, is_table)
    value = BACKLINK if name == "backlinks" else b"{}"

    assert TARGETS.targets(source, partition_of(placement, OLD), key, value) == (partition_of(placement, NEW),)


@given(st.text(min_size=1), st.integers(1, 50), st.integers(2, 20))
def test_a_partition_of_the_copy_has_one_source(key: str, old: int, factor: int) -> None:
    """So its order is the order of that."""
    targets = CopyTargets(old, old * factor)
    placed = partition_of(key, old * factor)

    assert targets.source_of(placed) == partition_of(key, old)
    assert placed in targets.candidates(partition_of(key, old))


def test_what_names_no_budget_is_wherever_it_may_be_asked_for() -> None:
    """A webhook's id, a deleted backlink, a row of a connection that is gone."""
    for source, key in (
        (Source("webhooks", True), b"w"),
        (Source("backlinks", True), b"contact:1"),
        (Source("links", True), b"gone:7:note:9"),
    ):
        assert TARGETS.targets(source, 1, key, None) == (1, 5, 9)


def test_a_queue_has_each_record_once() -> None:
    """Of a connection that is gone, too; and a row that nobody looks for stays where it is."""
    home = partition_of(GHL, OLD)

    assert TARGETS.targets(Source("lofty.fetches"), 1, b"gone:7", b"{}") == (1,)
    assert TARGETS.targets(Source("links", True), (home + 1) % OLD, b"acme:7:note:9", b"{}") == ((home + 1) % OLD,)


def test_fences_are_left_out() -> None:
    """They speak to a worker that is gone."""
    assert TARGETS.targets(Source("ghl.receipts"), 1, FENCE_KEY, b"{}") == ()


@pytest.mark.parametrize("new", [1, 4, 6])
def test_only_multiples(new: int) -> None:
    """Otherwise a partition of the copy would have several sources."""
    with pytest.raises(ValueError, match="multiple of 4"):
        CopyTargets(OLD, new)


def test_every_topic_and_table_is_copied() -> None:
    """A new one fails here until somebody has decided where its records go."""
    assert {one.name for one in SOURCES if not one.is_table} == {one.name for one in TOPICS} - NOT_COPIED
    assert {one.name for one in SOURCES if one.is_table} == {*TABLES}
    tested = {(name, is_table) for name, is_table, _, _ in PLACED}
    alike = {
        *(("parked", False), ("parked.resolved", False), ("audit", False), ("replays", False)),  # by key, as `runs`
        *(("connections", False), ("lofty.writes", False), ("lofty.receipts", False)),
        *(("ghl.observations", False), ("lofty.replays", False), ("conflicts", True)),
        *(("webhooks", True), ("heard", True)),  # wherever they may be asked for
    }

    assert tested | alike == {(one.name, one.is_table) for one in SOURCES}


def test_the_fingerprint_changes_with_places_only() -> None:
    """A connection that came or moved makes the copy another."""
    same = CopyTargets(OLD, NEW, {"acme": LOFTY}, {"acme": GHL}, {"loc-1": GHL})

    assert same.fingerprint == TARGETS.fingerprint
    assert CopyTargets(OLD, NEW).fingerprint != TARGETS.fingerprint
