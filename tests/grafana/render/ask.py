"""Asks Prometheus what a panel shows: fills in Grafana's variables, runs the queries, names the series by their legends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.deadlines import within

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """One course: its name by the legend, its labels, and (time, value) in seconds."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    ref: str = "A"

    @property
    def last(self) -> float | None:
        """The newest value that is a number."""
        return next((value for _, value in reversed(self.points) if value == value), None)


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at: from, to (seconds since 1970), the distance of scrapes, and what variables stand for."""

    start: float
    end: float
    scrape_seconds: float
    variables: Mapping[str, str]

    def step(self, pixels: int) -> float:
        """Grafana's interval: as many points as there are pixels, none closer than the scrapes."""
        rough = max((self.end - self.start) / max(1, pixels), self.scrape_seconds)
        return next((nice for nice in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800) if nice >= rough), 3600.0)

    def filled(self, expr: str, step: float) -> str:
        """A query with its variables replaced. Raises KeyError for one that is not known."""
        known = {
            "__rate_interval": _duration(max(step + self.scrape_seconds, 4 * self.scrape_seconds)),
            "__interval": _duration(step),
            "__range": f"{self.end - self.start:.0f}s",
            "__range_s": f"{self.end - self.start:.0f}",
            **self.variables,
        }
        return re.sub(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", lambda found: known[found[1] or found[2]], expr)


class Prometheus:
    """A Prometheus at an address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def query(self, expr: str, at: float) -> list[Json]:
        """Raw result of an instant query."""
        return self._get("query", {"query": expr, "time": f"{at:.3f}"})

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[Json]:
        """Raw result of a range query."""
        return self._get(
            "query_range", {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        )

    def _get(self, what: str, parameters: Mapping[str, str]) -> list[Json]:
        with urlopen(f"{self._url}/api/v1/{what}?{urlencode(parameters)}", timeout=within(30)) as answer:
            body = json.load(answer)
        result: list[Json] = body["data"]["result"]
        return result


def series_of(panel: Json, span: Span, prometheus: Prometheus, pixels: int) -> list[Series]:
    """All series of a panel, in the order of its queries and names."""
    found: list[Series] = []
    for target in panel["targets"]:
        step = span.step(pixels if panel["type"] != "heatmap" else pixels // 14)
        expr = span.filled(target["expr"], step)
        if target["instant"]:
            rows = prometheus.query(expr, span.end)
        else:
            end = span.end - span.end % step
            rows = prometheus.query_range(expr, span.start - span.start % step, end, step)
        one = [_series(row, target) for row in rows]
        found += sorted(one, key=lambda series: series.name) if panel["type"] != "heatmap" else one
    return found


def _duration(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds * 1000:.0f}ms"


def _series(row: Json, target: Json) -> Series:
    labels: dict[str, str] = row["metric"]
    values = row["values"] if "values" in row else [row["value"]]
    name = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), target["legendFormat"])
    return Series(name, labels, tuple((float(at), float(value)) for at, value in values), target["refId"])
