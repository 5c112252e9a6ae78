"""Percentiles by nearest rank: each is a value that was measured, so none exceeds the greatest. Pure.

`statistics.quantiles` extrapolates: with few values its 99th percentile is more than the greatest of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def percentile(values: Iterable[float], percent: int) -> float:
    """The smallest value that at least so many percent of the values do not exceed, 1 to 100. Raises ValueError without values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile of no values")
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
