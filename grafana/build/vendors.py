"""Vendors: what we ask of Lofty and GHL, how they answer, and how fast."""

from __future__ import annotations

from typing import Literal

from grafana.build.dashboard import Band, Dashboard
from grafana.build.outcomes import outcomes
from grafana.build.panel import GREEN, NEUTRAL, ORANGE, PURPLE, RED, YELLOW, Look, Panel, Query
from grafana.build.panels import heat, lines, stat
from grafana.build.queries import CALLS, PER_SECOND, heat_of, quantile, rate, share

SECONDS = "lofty_ghl_vendor_seconds"
Vendor = Literal["ghl", "lofty"]
THROTTLED = 'status="429"'
FAILED = 'outcome=~"server error|unanswered|not sent|network|malformed answer"'
WORKED: dict[Vendor, str] = {"ghl": "lofty_ghl_writes_total", "lofty": "lofty_ghl_reads_total"}
"""Where requests end, answered or not."""
SHOWN = ("mean", "max")
NAMES: dict[Vendor, str] = {"ghl": "GHL", "lofty": "Lofty"}


def _numbers(vendor: Vendor) -> tuple[Panel, ...]:
    name, of = NAMES[vendor], f'vendor="{vendor}"'
    throttled = share(f"({rate(CALLS, of, THROTTLED)} or vector(0))", rate(CALLS, of))
    failed = share(f"({rate(WORKED[vendor], FAILED)} or vector(0))", rate(WORKED[vendor]))
    return (
        stat(
            f"{name}: requests",
            f"All requests to {name}, with any outcome.",
            rate(CALLS, of),
            unit=PER_SECOND,
            width=4,
            see="First look",
            steps=NEUTRAL,
        ),
        stat(
            f"{name}: failures",
            "The share of requests that ended with 5xx or without an answer. Each is retried.",
            failed,
            unit="percentunit",
            width=4,
            see="LoftyGhlVendorFails",
            steps=((None, GREEN), (0.05, YELLOW), (0.2, RED)),
        ),
        stat(
            f"{name}: throttled (429)",
            "The share of requests that were answered with 429. The budget pauses after each.",
            throttled,
            unit="percentunit",
            width=4,
            see="LoftyGhlVendorThrottles",
            steps=((None, GREEN), (0.01, YELLOW), (0.05, RED)),
        ),
    )


def _courses(vendor: Vendor) -> tuple[Band, ...]:
    name, of = NAMES[vendor], f'vendor="{vendor}"'
    asked = Band(
        9,
        (
            lines(
                f"{name}: requests by operation",
                "Which operations use the limits most.",
                Query(rate(CALLS, of, by="operation"), "{{operation}}"),
                unit=PER_SECOND,
                width=12,
                see="LoftyGhlQuotaNearlyGone",
                stacked=True,
                legend="right",
                calcs=SHOWN,
            ),
            lines(
                f"{name}: answers by status",
                "404 and 400 can be normal: a deleted lead, a duplicate that is adopted. 401 and 403 are not normal.",
                Query(rate(CALLS, of, by="status"), "{{status}}"),
                unit=PER_SECOND,
                width=6,
                see="LoftyGhlVendorFails",
                stacked=True,
                looks=(
                    Look("/^2/", color=GREEN),
                    Look("429", color=ORANGE),
                    Look("/^5/", color=RED),
                    Look("/^40[13]$/", color=PURPLE),
                    Look("/^4(00|04|22)$/", color=YELLOW),
                ),
            ),
            lines(
                f"{name}: first attempts and retries",
                "A rising share of retries means that some request fails repeatedly.",
                Query(rate(CALLS, of, by="attempt"), "{{attempt}}"),
                unit=PER_SECOND,
                width=6,
                see="LoftyGhlVendorFails",
            ),
        ),
        heading=name,
    )
    took = Band(
        8,
        (
            heat(
                f"{name}: answer time, distribution",
                "A brighter cell means more answers.",
                heat_of(SECONDS, of),
                unit="s",
                width=12,
                see="LoftyGhlFreshnessBurns",
            ),
            lines(
                f"{name}: answer time, p95",
                "By operation.",
                Query(quantile(0.95, SECONDS, of, by="operation"), "{{operation}}"),
                joined=True,
                unit="s",
                width=12,
                see="LoftyGhlFreshnessBurns",
                legend="right",
                calcs=SHOWN,
            ),
        ),
    )
    return asked, took


ACCESS = Band(
    7,
    (
        stat(
            "Valid OAuth access tokens",
            "Connections and vendors with an access token. Connections that use keys have none, so 0 is normal if all use keys.",
            "count(lofty_ghl_token_expires_seconds > 0) or vector(0)",
            unit="none",
            width=6,
            see="LoftyGhlTokenRefreshFails",
            steps=NEUTRAL,
        ),
        outcomes(
            "Renewals of OAuth tokens",
            "By result. `refused` needs a person. No renewals are normal if connections use keys.",
            "lofty_ghl_refreshes_total",
            by="vendor, result",
            name="{{vendor}}: {{result}}",
            width=18,
            see="LoftyGhlTokenRefreshFails",
            decimals=0,
            legend="right",
        ),
    ),
    heading="Access",
)

VENDORS = Dashboard(
    name="vendors",
    title="Vendors",
    question="For whoever suspects a vendor: what do we ask of Lofty and GHL, what fails, and how long does it take?",
    bands=(Band(4, _numbers("ghl") + _numbers("lofty")), *_courses("ghl"), *_courses("lofty"), ACCESS),
)
