"""Budgets: each Lofty key's and GHL location's window, pauses and day."""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard, Variable
from grafana.build.panel import BLUE, GREEN, ORANGE, RED, YELLOW, Look, Query
from grafana.build.panels import bars, lines, table, value
from grafana.build.queries import count

OF = 'budget=~"$budget"'
NEARLY_FULL = ((None, GREEN), (0.8, YELLOW), (0.95, BLUE))
"""A full window is no fault: limits are there to be used. Blue means that work waits for the limit."""
LEFT = ((None, RED), (0.05, ORANGE), (0.25, GREEN))
COLORED = {"cellOptions": {"type": "color-text"}}

NOW = Band(
    8,
    (
        bars(
            "Rate window in use",
            "The share of the vendor's rate window that is used. A full window is no fault: changes then wait for the limit.",
            Query(f"max by (budget) (lofty_ghl_window_used{{{OF}}} / lofty_ghl_window_limit)", "{{budget}}"),
            unit="percentunit",
            width=8,
            steps=NEARLY_FULL,
            see="LoftyGhlVendorThrottles",
            high=1,
        ),
        bars(
            "Quota left today",
            "The share of GHL's daily quota that is left. A quarter is kept for live changes.",
            Query(f"min by (budget) (lofty_ghl_quota_left{{{OF}}} / lofty_ghl_quota_limit)", "{{budget}}"),
            unit="percentunit",
            width=8,
            steps=LEFT,
            see="LoftyGhlQuotaNearlyGone",
            high=1,
        ),
        bars(
            "Forecast of the quota at the end of the day",
            "What will be left when the quota resets, at the rate of the last half hour. At 0 % it will not last.",
            Query(
                f"clamp_min(min by (budget) (lofty_ghl:quota_at_reset:forecast{{{OF}}} / on (dispatcher, budget) group_left max by (dispatcher, budget) (lofty_ghl_quota_limit)), 0)",
                "{{budget}}",
            ),
            unit="percentunit",
            width=8,
            steps=((None, RED), (0.01, ORANGE), (0.1, GREEN)),
            see="LoftyGhlQuotaNearlyGone",
            high=1,
        ),
    ),
)

EACH = Band(
    7,
    (
        table(
            "Budgets",
            "One row for each key and location, the most live work first.",
            Query(f'sum by (dispatcher, budget) (lofty_ghl_waiting{{{OF},priority="live"}})', "live"),
            Query(f'sum by (dispatcher, budget) (lofty_ghl_waiting{{{OF},priority!="live"}})', "other"),
            Query(f"max by (dispatcher, budget) (lofty_ghl_blocked{{{OF}}})", "blocked"),
            Query(f"max by (dispatcher, budget) (lofty_ghl_waiting_for_quota{{{OF}}})", "quota"),
            Query(f"max by (dispatcher, budget) (lofty_ghl_in_flight{{{OF}}})", "in flight"),
            Query(f"max by (dispatcher, budget) (lofty_ghl_paused{{{OF}}})", "paused"),
            Query(f"max by (dispatcher, budget) (lofty_ghl_quota_left{{{OF}}})", "left"),
            Query(f"max by (dispatcher, budget) (lofty_ghl_quota_reset_seconds{{{OF}}})", "reset"),
            unit="short",
            width=24,
            columns={
                "budget": "Budget",
                "dispatcher": "Reads or writes",
                "Value #A": "Waiting live changes",
                "Value #B": "Other waiting work",
                "Value #C": "Waiting for their contact",
                "Value #D": "Waiting for the quota",
                "Value #E": "In flight",
                "Value #F": "State",
                "Value #G": "Quota left",
                "Value #H": "Resets in",
            },
            looks=(
                Look(
                    "State",
                    mappings=(value("active", GREEN, value="0"), value("paused", RED, value="1")),
                    custom=COLORED,
                ),
                Look("Waiting for the quota", steps=((None, GREEN), (1, ORANGE)), custom=COLORED),
                Look("Resets in", unit="s"),
            ),
            see="LoftyGhlChangesStuck",
            sort_by="Waiting live changes",
        ),
    ),
)

COURSES = Band(
    8,
    (
        lines(
            "Rate window in use, over time",
            "At 100 % changes wait for the limit. The value never exceeds it.",
            Query(f"max by (budget) (lofty_ghl_window_used{{{OF}}} / lofty_ghl_window_limit)", "{{budget}}"),
            unit="percentunit",
            width=5,
            see="LoftyGhlVendorThrottles",
            high=1,
        ),
        lines(
            "Requests in flight",
            "As a share of what may be in flight for each budget.",
            Query(f"max by (budget) (lofty_ghl_in_flight{{{OF}}} / lofty_ghl_in_flight_limit)", "{{budget}}"),
            unit="percentunit",
            width=5,
            see="LoftyGhlChangesStuck",
            high=1,
        ),
        lines(
            "Load of the sweeps' schedules, by forecast",
            "The part of Lofty's limit that sweeps of all connections take. Above 90 % they cannot be made in time.",
            Query(f"max by (budget) (lofty_ghl_sweep_load_ratio{{{OF}}})", "{{budget}}"),
            unit="percentunit",
            width=5,
            see="LoftyGhlSweepsDoNotFit",
        ),
        lines(
            "Sweeps and backfills, by forecast",
            "How long one of all connections of a Lofty limit takes, with nothing else to do.",
            Query(f"max by (budget, kind) (lofty_ghl_sweep_forecast_seconds{{{OF}}})", "{{budget}}: {{kind}}"),
            unit="s",
            width=4,
            see="LoftyGhlSweepsDoNotFit",
        ),
        lines(
            "Waiting entities, by budget",
            "All priorities.",
            Query(f"sum by (budget) (lofty_ghl_waiting{{{OF}}})", "{{budget}}"),
            unit="short",
            width=5,
            see="LoftyGhlChangesStuck",
            decimals=0,
        ),
    ),
)

PAUSES = Band(
    8,
    (
        lines(
            "Pauses, by cause",
            "How often a budget began to pause. A few after a 429 are harmless; each one for access needs a person.",
            Query(count("lofty_ghl_pauses_total", OF, by="cause"), "{{cause}}"),
            unit="short",
            width=8,
            see="LoftyGhlAccessLost",
            bars=True,
            stacked=True,
            decimals=0,
        ),
        lines(
            "Quota left, over time",
            "It jumps up when the vendor's quota resets.",
            Query(f"min by (budget) (lofty_ghl_quota_left{{{OF}}})", "{{budget}}"),
            unit="short",
            width=8,
            see="LoftyGhlQuotaNearlyGone",
        ),
        lines(
            "Quota usage",
            "Requests a second against the daily quota, over the last half hour. Other integrations in the location are included.",
            Query(f"max by (budget) (lofty_ghl:quota_spent:deriv30m{{{OF}}})", "{{budget}}"),
            unit="reqps",
            width=8,
            see="LoftyGhlQuotaNearlyGone",
        ),
    ),
)

BUDGETS = Dashboard(
    name="budgets",
    title="Budgets",
    question="For whoever plans: how much of each key's and location's limits is used, and does today's quota last?",
    bands=(NOW, EACH, COURSES, PAUSES),
    variables=(
        Variable("budget", "Budget", "label_values(lofty_ghl_window_limit, budget)", "Lofty keys and GHL locations."),
    ),
)
