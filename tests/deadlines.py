"""How long a test waits for what it expects, and the one factor by which all deadlines grow.

A deadline says only when to give up. It costs nothing while what is awaited comes, so it is generous, and a slow machine
gets more of it: `LOFTY_GHL_TEST_PATIENCE=4 make test` waits four times as long for everything.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

VARIABLE = "LOFTY_GHL_TEST_PATIENCE"


def read_factor(environ: Mapping[str, str]) -> float:
    """The factor that the environment asks for; 1 when it does not. Raises ValueError for what is no positive number."""
    given = environ.get(VARIABLE, "").strip() or "1"
    try:
        factor = float(given)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"{VARIABLE}: expected a number above 0, got {given!r}")
    return factor


FACTOR = read_factor(os.environ)


def within(seconds: float) -> float:
    """The deadline, in seconds, for something that takes less than `seconds` on two quiet cores."""
    return seconds * FACTOR


def within_ms(seconds: float) -> float:
    """The same in milliseconds, as the browser wants it."""
    return within(seconds) * 1000
