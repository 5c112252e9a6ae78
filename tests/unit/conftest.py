"""How the property-based tests of this folder run: the same examples every time in CI, new ones on a developer's machine."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit",
    deadline=None,  # two busy cores make single examples slow; the suite's own time is what is bounded
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],  # as above: judged by the machine, not by the test
)
settings.load_profile("unit")
