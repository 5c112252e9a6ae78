"""Budgets: each Lofty key's and GHL location's window, pauses and day."""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard, Variable
from grafana.build.panels import BLUE, GREEN, ORANGE, RED, YELLOW, Look, Query, bars, lines, table, value
from grafana.build.queries import count

OF = 'budget=~"$budget"'
NEARLY_FULL = ((None, GREEN), (0.8, YELLOW), (0.95, BLUE))
"""A full window is no fault: limits are meant to be used. Blue says that the limit is what it waits for."""
LEFT = ((None, RED), (0.05, ORANGE), (0.25, GREEN))
COLORED = {"cellOptions": {"type": "color-text"}}

NOW = Band(
    8,
    (
        bars(
            "Rate window in use",
            "The part of the vendor's window that is taken. Full is no fault: then the limit is what changes wait for.",
            Query(f"max by (budget) (lofty_ghl_window_used{{{OF}}} / lofty_ghl_window_limit)", "{{budget}}"),
            unit="percentunit",
            width=8,
            steps=NEARLY_FULL,
            see="LoftyGhlVendorThrottles",
            high=1,
        ),
        bars(
            "Quota left today",
            "The part of GHL's daily quota that is left. A quarter is kept for live changes.",
            Query(f"min by (budget) (lofty_ghl_quota_left{{{OF}}} / lofty_ghl_quota_limit)", "{{budget}}"),
            unit="percentunit",
            width=8,
            steps=LEFT,
            see="LoftyGhlQuotaNearlyGone",
            high=1,
        ),
        bars(
            "Quota left at the end of the day",
            "What will be left when the quota begins anew, if it goes on as in the last half hour. 0 %: it will not last.",
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
            "One row for each key and location, the one with most live work first.",
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
                "Value #A": "Live changes that wait",
                "Value #B": "Other work that waits",
                "Value #C": "Behind their contact",
                "Value #D": "Held back by the quota",
                "Value #E": "In flight",
                "Value #F": "State",
                "Value #G": "Quota left",
                "Value #H": "Begins anew in",
            },
            looks=(
                Look(
                    "State",
                    mappings=(value("works", GREEN, value="0"), value("pauses", RED, value="1")),
                    custom=COLORED,
                ),
                Look("Held back by the quota", steps=((None, GREEN), (1, ORANGE)), custom=COLORED),
                Look("Begins anew in", unit="s"),
            ),
            see="LoftyGhlChangesStuck",
            sort_by="Live changes that wait",
        ),
    ),
)

COURSES = Band(
    8,
    (
        lines(
            "Rate window in use, over time",
            "At 100 % the limit is what changes wait for. It never goes beyond.",
            Query(f"max by (budget) (lofty_ghl_window_used{{{OF}}} / lofty_ghl_window_limit)", "{{budget}}"),
            unit="percentunit",
            width=8,
            see="LoftyGhlVendorThrottles",
            high=1,
        ),
        lines(
            "Requests in flight",
            "As a part of what may be in flight for each budget.",
            Query(f"max by (budget) (lofty_ghl_in_flight{{{OF}}} / lofty_ghl_in_flight_limit)", "{{budget}}"),
            unit="percentunit",
            width=8,
            see="LoftyGhlChangesStuck",
            high=1,
        ),
        lines(
            "Entities that wait, by budget",
            "All priorities.",
            Query(f"sum by (budget) (lofty_ghl_waiting{{{OF}}})", "{{budget}}"),
            unit="short",
            width=8,
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
            "How often a budget began to pause. A few after 429 are no harm; any for access needs a person.",
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
            "It jumps when the vendor's day begins anew.",
            Query(f"min by (budget) (lofty_ghl_quota_left{{{OF}}})", "{{budget}}"),
            unit="short",
            width=8,
            see="LoftyGhlQuotaNearlyGone",
        ),
        lines(
            "Quota spent",
            "Requests a second against the daily quota, over the last half hour; other integrations in the location count, too.",
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
