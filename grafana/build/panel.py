"""A panel as a value, and its JSON in Grafana's classic schema: its queries, how series differ, and the link to the runbook.

Each panel has a title, a description that says how to read it, a unit, and the section of the runbook that helps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from grafana.build.runbook import runbook_path

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE, GREY = "green", "yellow", "orange", "red", "blue", "purple", "#8e8e8e"

Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: from this value on, this colour; the first begins at None."""

PLAIN: Steps = ((None, GREEN),)
NEUTRAL: Steps = ((None, BLUE),)


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel. `legend` uses the series' labels: `{{vendor}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Look:
    """How one series or column differs from its panel: by its name, or by a regular expression between slashes."""

    of: str
    unit: str | None = None
    color: str | None = None
    name: str | None = None
    steps: Steps | None = None
    custom: Json = field(default_factory=dict)
    mappings: tuple[Json, ...] = ()
    decimals: int | None = None
    links: tuple[Json, ...] = ()

    def json(self) -> Json:
        """An override of `fieldConfig`."""
        is_pattern = self.of.startswith("/")
        properties: list[Json] = []
        if self.unit is not None:
            properties.append({"id": "unit", "value": self.unit})
        if self.decimals is not None:
            properties.append({"id": "decimals", "value": self.decimals})
        if self.color is not None:
            properties.append({"id": "color", "value": {"mode": "fixed", "fixedColor": self.color}})
        if self.name is not None:
            properties.append({"id": "displayName", "value": self.name})
        if self.steps is not None:
            properties.append({"id": "thresholds", "value": _thresholds(self.steps)})
        if self.mappings:
            properties.append({"id": "mappings", "value": list(self.mappings)})
        if self.links:
            properties.append({"id": "links", "value": list(self.links)})
        properties += [{"id": f"custom.{key}", "value": value} for key, value in self.custom.items()]
        return {
            "matcher": {"id": "byRegexp" if is_pattern else "byName", "options": self.of},
            "properties": properties,
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `width` is in columns of 24. `see` is the runbook's section that helps when it looks bad."""

    kind: Literal["stat", "timeseries", "table", "gauge", "bargauge", "heatmap"]
    title: str
    about: str
    unit: str
    width: int
    queries: tuple[Query, ...]
    see: str | None = None
    steps: Steps = PLAIN
    looks: tuple[Look, ...] = ()
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    mappings: tuple[Json, ...] = ()
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    color_mode: str = "thresholds"
    transformations: tuple[Json, ...] = ()
    no_value: str | None = None
    more_links: tuple[Json, ...] = ()

    def json(self, number: int, x: int, y: int, height: int) -> Json:
        """The panel at its position on the grid."""
        defaults: Json = {
            "unit": self.unit,
            "color": {"mode": self.color_mode},
            "thresholds": _thresholds(self.steps),
            "mappings": list(self.mappings),
            "custom": self.custom,
        }
        given = (("min", self.low), ("max", self.high), ("decimals", self.decimals), ("noValue", self.no_value))
        defaults.update({key: value for key, value in given if value is not None})
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": height},
            "fieldConfig": {"defaults": defaults, "overrides": [look.json() for look in self.looks]},
            "options": self.options,
            "transformations": list(self.transformations),
            "links": [*([runbook_link(self.see)] if self.see else []), *self.more_links],
            "targets": [
                self._target(query, letter) for query, letter in zip(self.queries, "ABCDEFGHIJKLM", strict=False)
            ],
        }

    def _target(self, query: Query, letter: str) -> Json:
        is_instant = self.kind in {"table", "bargauge", "gauge"}
        form = {"table": "table", "heatmap": "heatmap"}.get(self.kind, "time_series")
        return {
            "refId": letter,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": is_instant,
            "range": not is_instant,
            "format": form,
        }


def runbook_link(section: str) -> Json:
    """A link to a section of the runbook, which is a dashboard beside this one."""
    return {"title": f"Runbook: {section}", "url": runbook_path(section), "targetBlank": True}


def _thresholds(steps: Steps) -> Json:
    return {"mode": "absolute", "steps": [{"value": at, "color": color} for at, color in steps]}
