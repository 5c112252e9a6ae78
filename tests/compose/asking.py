"""Asks Prometheus and Alertmanager by their APIs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.deadlines import within


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer, and its value."""

    labels: dict[str, str]
    value: float


class Refused(ValueError):
    """Prometheus cannot evaluate a query; the text is its own."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus at an address."""

    url: str

    def query(self, expr: str) -> list[Sample]:
        """An instant query, now. Raises `Refused`."""
        result = self._get("query", query=expr)
        if result["resultType"] in ("scalar", "string"):
            return [Sample({}, float(result["result"][1]))]
        return [Sample(one["metric"], float(one["value"][1])) for one in result["result"]]

    def values(self, metric: str, label: str) -> list[str]:
        """The values of a label: what a dashboard's variable offers."""
        return sorted({one.labels[label] for one in self.query(metric) if label in one.labels})

    def alerts(self, state: str = "firing") -> set[str]:
        """The names of the alerts in a state."""
        return {one["labels"]["alertname"] for one in self._get("alerts")["alerts"] if one["state"] == state}

    def details(self, name: str) -> list[dict[str, Any]]:
        """The instances of an alert, with labels and annotations."""
        return [one for one in self._get("alerts")["alerts"] if one["labels"]["alertname"] == name]

    def broken_rules(self) -> list[str]:
        """Rules that could not be evaluated, each with the reason."""
        rules = [rule for group in self._get("rules")["groups"] for rule in group["rules"]]
        return [f"{one['name']}: {one['lastError']}" for one in rules if one.get("lastError")]

    def targets(self) -> dict[str, str]:
        """Each target's job, and how it is."""
        return {one["labels"]["job"]: one["health"] for one in self._get("targets")["activeTargets"]}

    def _get(self, what: str, **parameters: str) -> Any:
        try:
            with urlopen(f"{self.url}/api/v1/{what}?{urlencode(parameters)}", timeout=within(20)) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            raise Refused(json.load(error).get("error", str(error))) from None


def told_alertmanager(url: str) -> set[str]:
    """The names of the alerts that Alertmanager holds."""
    with urlopen(f"{url}/api/v2/alerts", timeout=within(20)) as answer:
        return {one["labels"]["alertname"] for one in json.load(answer)}


def what_is_wrong(found: list[Sample]) -> str | None:
    """Why an answer is nothing to look at: it is empty, or not a number."""
    if not found:
        return "is empty"
    if broken := [one.labels for one in found if math.isnan(one.value)]:
        return f"is not a number for {broken[0]}"
    return None
