"""How far the windows of a vendor were used, by its ledger alone: the vendor's own arithmetic, done again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Use:
    """One budget between two times. Shares of the limit, from 0 to 1.

    `windows` are the vendor's windows that lie wholly between: each begins with the first request after the last one ended.
    `of_windows` is how full they were on average, the least full is `least`.
    `of_time` is what was admitted in as many whole window's lengths as fit between, against what the limit allows in them:
    gaps between windows count too.
    """

    windows: int
    of_windows: float
    least: float
    of_time: float
    throttled: int


def use(rows: Iterable[Mapping[str, Any]], limit: int, seconds: float, since: float, until: float) -> Use:
    """The use of one budget's windows. `rows` are its entries of the ledger in order, from its first window on."""
    fills: list[tuple[float, int]] = []
    lengths = int((until - since) / seconds)
    counted_until = since + lengths * seconds
    ends_at, throttled, admitted = 0.0, 0, 0
    for row in rows:
        at = row["at"]
        # A 429 that was ordered as a fault had passed the limit, and counts like any other.
        if row["status"] == 429 and row["fault"] is None:
            throttled += since <= at < until
            continue
        admitted += since <= at < counted_until
        if at >= ends_at:
            fills.append((at, 0))
            ends_at = at + seconds
        fills[-1] = (fills[-1][0], fills[-1][1] + 1)
    whole = [number / limit for at, number in fills if at >= since and at + seconds <= until]
    return Use(
        windows=len(whole),
        of_windows=sum(whole) / len(whole) if whole else 0.0,
        least=min(whole, default=0.0),
        of_time=admitted / (limit * lengths) if lengths else 0.0,
        throttled=throttled,
    )


def summary(uses: Iterable[Use]) -> dict[str, Any]:
    """Many budgets: the least used first, then the middle."""
    found = list(uses)
    shares = sorted(one.of_windows for one in found)
    times = sorted(one.of_time for one in found)
    return {
        "budgets": len(found),
        "windows_each": min(one.windows for one in found),
        "window_use_least": shares[0],
        "window_use_median": median(shares),
        "window_least_full": min(one.least for one in found),
        "time_use_least": times[0],
        "time_use_median": median(times),
        "status_429": sum(one.throttled for one in found),
    }
