"""Since when a topic cannot be read."""

from __future__ import annotations

from itertools import count

from streams.kafka.topic_reader import UnreadSince


def test_the_first_of_several_failures_counts_until_it_is_read() -> None:
    now = count(5)
    since = UnreadSince(lambda: next(now))
    assert since.since_ms == 0
    since.fails()
    since.fails()
    assert since.since_ms == 5
    since.reads()
    assert since.since_ms == 0
    since.fails()
    assert since.since_ms == 6
