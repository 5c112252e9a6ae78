"""What of a hole Kafka had deleted, and what is only compacted, or was read before."""

from __future__ import annotations

import pytest

from streams.worker.agents.deleted_unread import Reach, deleted_before
from streams.worker.agents.gap_check import OffsetGap

PLACE = ("lofty.changes", 1)


@pytest.mark.parametrize(
    ("expected", "came", "committed", "first", "deleted"),
    [
        (0, 50, 20, 50, (20, 50)),  # a new generation: from the commit to the first that is left
        (0, 50, 50, 50, None),  # the commit stands where it came in: all before was read
        (0, 50, 50, 10, None),
        (0, 50, None, 50, (0, 50)),  # nothing was ever read
        (30, 50, 20, 50, (30, 50)),  # while it was read: what was fetched before is no loss
        (30, 50, 20, 40, (30, 40)),  # the rest of the hole is another's: skipped, or compacted
        (30, 50, 20, 0, None),  # compacted, or skipped: nothing is gone
        (0, 50, 20, 80, (20, 50)),  # what is deleted since it came is reported with the next
    ],
)
def test_what_was_deleted_is_told_from_what_was_not(
    expected: int, came: int, committed: int | None, first: int, deleted: tuple[int, int] | None
) -> None:
    """By the group's commit and by where the partition begins."""
    assert deleted_before(OffsetGap(PLACE, expected, came), Reach(committed, first, 100)) == deleted
