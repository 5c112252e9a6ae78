"""What the budgets of both vendors allow."""

from __future__ import annotations

from streams.settings import parse_settings
from streams.worker.wiring.budgets import ghl_policy, lofty_policy

FILE = """
[connections.acme]
lofty = { team_id = "1", requests_per_minute = 300 }
ghl = { location_id = "loc1", requests_per_window = 50, requests_per_day = 9000 }
"""


def test_each_budget_has_its_limits_and_keeps_a_backfill_from_leaving_gaps() -> None:
    settings = parse_settings(FILE)
    connection = settings.connections["acme"]
    lofty, ghl = lofty_policy(settings, connection), ghl_policy(settings, connection)
    assert (lofty.limit, lofty.window_seconds, lofty.daily_limit) == (300, 60.0, None)
    assert (ghl.limit, ghl.window_seconds, ghl.daily_limit) == (50, 10.0, 9000)
    assert all(one.is_noted and one.is_spread for one in (lofty, ghl))
