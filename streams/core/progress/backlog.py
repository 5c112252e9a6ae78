"""How old is the oldest unread record? Computed from offsets that are sampled at intervals, without reading a record.

Each look gives, for a partition, the committed offset and the end. Two things bound when the record at the commit was written:
it came after the last look at which the end had not passed that offset, and not before the last record that was worked off.
The later of both is taken, so the age that follows is never too small, and too great by one look at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

TopicPartition = tuple[str, int]
"""A topic and a partition."""

MOST_LOOKS = 1000
"""Looks remembered of a partition; older ones are thinned out."""


@dataclass(slots=True)
class _EndSamples:
    """Looks at which the end had moved: (end, time of the look)."""

    ends: deque[tuple[int, int]] = field(default_factory=deque)
    records: int = 0
    oldest_ms: int | None = None


@dataclass(slots=True)
class Backlog:
    """What each partition holds that is not committed. Times are epoch milliseconds."""

    _seen: dict[TopicPartition, _EndSamples] = field(default_factory=dict)
    _worked_ms: dict[TopicPartition, int] = field(default_factory=dict)

    def worked(self, partition: TopicPartition, written_ms: int) -> None:
        """A record that was written then is worked off."""
        self._worked_ms[partition] = written_ms

    def look(self, lags: Mapping[TopicPartition, tuple[int, int]], now_ms: int) -> None:
        """One look: the committed offset and the end of each partition that is ours. Others are forgotten."""
        for gone in self._seen.keys() - lags.keys():
            del self._seen[gone]
            self._worked_ms.pop(gone, None)
        for partition, (committed, end) in lags.items():
            seen = self._seen.setdefault(partition, _EndSamples())
            seen.records = max(0, end - committed)
            # The last look at which the record at the commit was not there yet is kept, with all later ones.
            while len(seen.ends) > 1 and seen.ends[1][0] <= committed:
                seen.ends.popleft()
            if not seen.ends or seen.ends[-1][0] != end:
                seen.ends.append((end, now_ms))
            else:
                seen.ends[-1] = (end, now_ms)
            if len(seen.ends) > MOST_LOOKS:
                del seen.ends[1]
            if not seen.records:
                seen.oldest_ms = None
            elif seen.ends[0][0] <= committed:
                seen.oldest_ms = max(seen.ends[0][1], self._worked_ms.get(partition, 0))
            else:
                # It was there before we looked for the first time.
                since = seen.oldest_ms if seen.oldest_ms is not None else now_ms
                seen.oldest_ms = self._worked_ms.get(partition, since)

    def records(self, topic: str) -> int:
        """Records of a topic that are not committed."""
        return sum(seen.records for (name, _), seen in self._seen.items() if name == topic)

    def oldest_ms(self, topic: str) -> int | None:
        """When the oldest of them was written; None without any."""
        times = [seen.oldest_ms for (name, _), seen in self._seen.items() if name == topic and seen.oldest_ms]
        return min(times, default=None)
