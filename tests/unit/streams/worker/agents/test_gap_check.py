"""A record that the consumer skipped is a hole in what an agent is given."""

from __future__ import annotations

from streams.worker.agents.gap_check import GapCheck, OffsetGap

HERE, THERE = ("lofty.changes", 0), ("lofty.changes", 1)


def test_records_in_order_have_no_hole() -> None:
    """Each place goes on by itself."""
    seen = GapCheck()
    assert [seen.check(place, 1, offset) for offset in range(3) for place in (HERE, THERE)] == [None] * 6


def test_a_skipped_record_is_a_hole() -> None:
    """It says from where on, and up to where."""
    seen = GapCheck()
    seen.check(HERE, 1, 0)
    assert seen.check(HERE, 1, 3) == OffsetGap(HERE, 1, 3)
    assert str(OffsetGap(HERE, 1, 3)) == "2 records of lofty.changes/0 from offset 1 on"


def test_records_that_come_again_are_no_hole() -> None:
    """After a seek back; what follows them must go on where they led before."""
    seen = GapCheck()
    for offset in (0, 1, 2, 0, 1, 2, 3):
        assert seen.check(HERE, 1, offset) is None
    seen.check(HERE, 1, 1)
    assert seen.check(HERE, 1, 5) == OffsetGap(HERE, 4, 5)


def test_in_a_new_generation_kafka_must_be_asked_where_a_place_begins() -> None:
    """Another worker may have read on in between."""
    seen = GapCheck()
    seen.check(HERE, 1, 0)
    assert seen.check(HERE, 2, 40) == OffsetGap(HERE, 0, 40)
    assert seen.check(HERE, 2, 41) is None
