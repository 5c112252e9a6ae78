"""Every query that `grafana/` asks of Prometheus: of panels, of variables, of alerts and recording rules. Pure but for reading files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.grafana.lint.promql import KEYWORDS

_TEXT = r'"(?:[^"\\]|\\.)*"'


@dataclass(frozen=True, slots=True)
class Query:
    """One query: where it stands, as a person would say it, and its expression as it is written there."""

    where: str
    expr: str

    def __str__(self) -> str:
        return self.where


def panel_queries(dashboards: Path) -> Iterator[Query]:
    """Each target of each panel, those of collapsed rows too."""
    for file in sorted(dashboards.glob("*.json")):
        for panel in _panels(json.loads(file.read_text(encoding="utf-8"))):
            for target in panel.get("targets", ()):
                yield Query(f"{file.stem}/{panel['title']}/{target['refId']}", target["expr"])


def rule_queries(rules: Path) -> Iterator[Query]:
    """Each recording rule, by the series that it records."""
    for rule in _rules(rules):
        if "record" in rule:
            yield Query(rule["record"], rule["expr"])


def alert_queries(rules: Path) -> Iterator[Query]:
    """Each alert, by its name."""
    for rule in _rules(rules):
        if "alert" in rule:
            yield Query(rule["alert"], rule["expr"])


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a dashboard that is asked of Prometheus.

    Either `label_values(metric, label)`, or `query_result(expr)` with the label as `value` in its regex.
    """

    name: str
    metric: str
    label: str


def variables(dashboards: Path) -> Iterator[Variable]:
    """Of all dashboards, each once. Raises ValueError for a query of another kind."""
    seen: set[str] = set()
    for file in sorted(dashboards.glob("*.json")):
        for one in json.loads(file.read_text(encoding="utf-8")).get("templating", {}).get("list", ()):
            if one["type"] != "query" or one["name"] in seen:
                continue
            seen.add(one["name"])
            query = one["query"]["query"] if isinstance(one["query"], dict) else one["query"]
            if match := re.fullmatch(r"label_values\((.+),\s*(\w+)\)", query):
                yield Variable(one["name"], match[1], match[2])
            elif (result := re.fullmatch(r"query_result\((.+)\)", query)) and (
                value := re.search(r'(\w+)="\(\?<value>', one.get("regex", ""))
            ):
                yield Variable(one["name"], selectors(result[1])[0], value[1])
            else:
                expected = "label_values(metric, label), or query_result(expr) with its label in the regex"
                raise ValueError(f"{file.stem}: ${one['name']}: expected {expected}, got {query!r}")


def constants(dashboards: Path) -> dict[str, str]:
    """Variables with a fixed value: constants, text boxes, lists."""
    found = {}
    for file in sorted(dashboards.glob("*.json")):
        for one in json.loads(file.read_text(encoding="utf-8")).get("templating", {}).get("list", ()):
            if one["type"] in ("constant", "textbox", "custom", "interval"):
                value = (one.get("current") or {}).get("value") or one["query"].split(",")[0]
                found[one["name"]] = value[0] if isinstance(value, list) else value
    return found


def substituted(expr: str, values: Mapping[str, str]) -> str:
    """A query with `$name`, `${name}` and `${name:format}` replaced. Raises KeyError for one without a value."""
    return re.sub(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", lambda found: values[found[1] or found[2]], expr)


def selectors(expr: str) -> list[str]:
    """The series that a query reads, each with its matchers: what must be there even where the query's answer is empty."""
    aside = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)|\[[^\]]*\]|\boffset\s+\S+"
    plain = re.sub(rf"({_TEXT})|{aside}", lambda found: found[1] or " ", expr)
    pattern = rf"(?<![\w:.\"])([a-zA-Z_:][\w:]*)\s*(\{{(?:{_TEXT}|[^{{}}])*\}})?(?!\s*\(|[\w:])"
    outside = re.compile(rf"{_TEXT}|{pattern}")
    found = [match[1] + (match[2] or "") for match in outside.finditer(plain) if match[1]]
    return list(dict.fromkeys(one for one in found if one.lower() not in KEYWORDS and not re.fullmatch(r"e\d+", one)))


def _panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard.get("panels", ()):
        yield panel
        yield from _panels(panel)


def _rules(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]
