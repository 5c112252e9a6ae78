"""What a query uses, without a parser of its own: `promtool` checks whether Prometheus can parse it."""

from __future__ import annotations

import re

KEYWORDS = frozenset(
    {"and", "or", "unless", "bool", "offset", "inf", "nan", "atan2", "start", "end", "group_left", "group_right"}
)
GROUPING = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
RATES = "rate|irate|increase|resets"


def bare(expr: str) -> str:
    """A query without strings, label matchers, ranges and groupings: only names, functions and operators."""
    expr = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', expr)
    expr = re.sub(r"\{[^{}]*\}", "", expr)
    expr = re.sub(r"\[[^\]]*\]", "", expr)
    expr = re.sub(r"\boffset\s+\S+", "", expr)
    return re.sub(GROUPING, " ", expr)


def names(expr: str) -> frozenset[str]:
    """The metrics and recorded series that a query reads."""
    found = re.findall(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])", bare(expr))
    return frozenset(name for name in found if name.lower() not in KEYWORDS)


def rated(expr: str) -> frozenset[str]:
    """The metrics whose increase a query takes."""
    return frozenset(re.findall(rf"\b(?:{RATES})\(\s*([a-zA-Z_:][\w:]*)", bare(expr)))


def ranges(expr: str) -> tuple[str, ...]:
    """The ranges: texts between square brackets."""
    return tuple(re.findall(r"\[([^\]]+)\]", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr)))


def variables(text: str) -> frozenset[str]:
    """Grafana's variables in a text, including its own (`$__rate_interval`)."""
    return frozenset(bare or braced for braced, bare in re.findall(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", text))


def quantiles_are_sound(expr: str) -> bool:
    """Each `histogram_quantile` is taken over `sum by (… le …)` of a rate."""
    taken = len(re.findall(r"\bhistogram_quantile\(", expr))
    sound = len(
        re.findall(rf"\bhistogram_quantile\(\s*[\d.]+\s*,\s*sum by \([^)]*\ble\b[^)]*\)\s*\(\s*(?:{RATES})\(", expr)
    )
    return taken == sound
