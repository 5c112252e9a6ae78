"""What of Prometheus' own files must differ here. Pure; `grafana/` stays as it is.

- Names that a DNS would give are written down: there is none here.
- Time runs faster: every duration of the configuration and the rules is divided by a number, so that an alert which waits for
  five minutes waits for ten seconds. Thresholds, labels and texts stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_IN_EXPRESSION = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    rf"|(?<=\[)(?P<range>{_DURATION.pattern}(?::(?:{_DURATION.pattern})?)?)(?=\])"
    rf"|(?<=offset )(?P<offset>-?{_DURATION.pattern})"
)
LEAST_SCRAPE_SECONDS = 1.0


def seconds_of(duration: str) -> float:
    """A duration of Prometheus in seconds, such as `1h30m`. Raises ValueError."""
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"expected a duration such as 5m or 1h30m, got {duration!r}")
    return sum(int(number) * UNITS[unit] for number, unit in _PART.findall(duration))


def faster(duration: str, factor: float, least_seconds: float = 0.0) -> str:
    """A duration divided by a factor, in milliseconds."""
    return f"{max(round(seconds_of(duration) / factor * 1000), round(least_seconds * 1000))}ms"


def faster_expression(expression: str, factor: float) -> str:
    """An expression whose ranges, subqueries and offsets are divided by a factor. A range stays long enough for two scrapes."""

    def one(match: re.Match[str]) -> str:
        if match["text"] is not None:
            return match["text"]
        if match["offset"] is not None:
            sign = "-" if match["offset"].startswith("-") else ""
            return sign + faster(match["offset"].lstrip("-"), factor)
        span, colon, step = match["range"].partition(":")
        least = 3 * LEAST_SCRAPE_SECONDS
        return f"{faster(span, factor, least)}{colon}{step and faster(step, factor, LEAST_SCRAPE_SECONDS)}"

    return _IN_EXPRESSION.sub(one, expression)


def faster_rules(text: str, factor: float, factors: Mapping[str, float] | None = None) -> str:
    """A file of rules in which time runs faster; `factors` for those alerts and recorded series that have one of their own."""
    rules: dict[str, Any] = yaml.safe_load(text)
    for group in rules["groups"]:
        if "interval" in group:
            group["interval"] = faster(group["interval"], factor, LEAST_SCRAPE_SECONDS)
        for rule in group["rules"]:
            its = (factors or {}).get(rule.get("alert") or rule["record"], factor)
            rule["expr"] = faster_expression(rule["expr"], its)
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = faster(rule[key], its)
    return yaml.safe_dump(rules, sort_keys=False, width=1000)


def faster_configuration(text: str, factor: float) -> str:
    """`prometheus.yml` with static targets and shorter intervals."""
    found: dict[str, Any] = yaml.safe_load(text)
    for each in (found.get("global", {}), *found.get("scrape_configs", ())):
        for key in ("scrape_interval", "evaluation_interval", "scrape_timeout"):
            if key in each:
                each[key] = faster(each[key], factor, LEAST_SCRAPE_SECONDS)
    # Prometheus' own default is ten seconds, and a timeout may not be longer than the interval.
    found.setdefault("global", {}).setdefault("scrape_timeout", found["global"].get("scrape_interval", "10s"))
    for one in (*found.get("scrape_configs", ()), *(found.get("alerting") or {}).get("alertmanagers", ())):
        for dns in one.pop("dns_sd_configs", ()):
            targets = [f"{name}:{dns['port']}" for name in dns["names"]]
            one.setdefault("static_configs", []).append({"targets": targets})
    return yaml.safe_dump(found, sort_keys=False)
