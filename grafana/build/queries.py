"""Pieces of PromQL that many panels share."""

from __future__ import annotations

CALLS = "lofty_ghl_vendor_calls_total"
FRESHNESS = "lofty_ghl_freshness_seconds"
FAIR = ('since="acceptance"', 'held="no"')
"""The objective: from our acceptance, without changes that waited for the daily quota or for access."""
PER_SECOND = "suffix:/s"
OURS = 'job=~"worker|gateway"'


def selected(name: str, *matchers: str) -> str:
    """A series with its label matchers."""
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def rate(name: str, *matchers: str, by: str = "") -> str:
    """How often a second, summed by labels."""
    return f"sum by ({by}) ({_rate(name, *matchers)})" if by else f"sum({_rate(name, *matchers)})"


def where_any(expr: str, always: str) -> str:
    """The series that are not 0, and always one of them: a legend of many zeros hides what happens."""
    return f"{expr} > 0 or {always}"


def count(name: str, *matchers: str, by: str = "", over: str = "$__rate_interval") -> str:
    """How many in a while, summed by labels."""
    grown = f"increase({selected(name, *matchers)}[{over}])"
    return f"sum by ({by}) ({grown})" if by else f"sum({grown})"


def share(part: str, whole: str) -> str:
    """A part of a whole; 0 where there is no whole."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def quantile(q: float, histogram: str, *matchers: str, by: str = "") -> str:
    """A quantile of a histogram's recent observations; of several series those without any are left out, not shown as NaN."""
    labels = f"{by}, le" if by else "le"
    asked = f"histogram_quantile({q}, sum by ({labels}) ({_rate(f'{histogram}_bucket', *matchers)}))"
    return f"{asked} >= 0" if by else asked


def heat_of(histogram: str, *matchers: str) -> str:
    """What a heatmap draws."""
    return f"sum by (le) (increase({selected(f'{histogram}_bucket', *matchers)}[$__rate_interval]))"


def fresh_share(*matchers: str, by: str = "", over: str = "$__rate_interval") -> str:
    """The share of live changes that were in GHL within 60 s; 1 when there were none."""
    whole = count(f"{FRESHNESS}_count", *FAIR, *matchers, by=by, over=over)
    good = count(f"{FRESHNESS}_bucket", *FAIR, 'le="60.0"', *matchers, by=by, over=over)
    return f"1 - ({whole} - {good}) / clamp_min({whole}, 1e-9)"


def _rate(name: str, *matchers: str) -> str:
    return f"rate({selected(name, *matchers)}[$__rate_interval])"
