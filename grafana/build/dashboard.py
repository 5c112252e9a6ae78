"""The frame around panels: the grid, variables, links between dashboards, annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grafana.build.panel import DATASOURCE, Json, Panel

SCHEMA_VERSION = 41
"""Grafana's classic dashboard schema: 12.0 writes it, 11 and 13 read it."""

COLUMNS = 24
TAG = "lofty-ghl"
CONSOLE = "http://localhost:8080/console"


@dataclass(frozen=True, slots=True)
class Band:
    """Panels of one height beside each other, under a heading or none. Their widths fill the 24 columns."""

    height: int
    panels: tuple[Panel, ...]
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the dashboard, from the values of a label."""

    name: str
    label: str
    query: str
    about: str
    has_all: bool = True
    regex: str = ""

    def json(self) -> Json:
        """A query variable: all, or some."""
        chosen: Json = {"selected": True, "text": "All", "value": "$__all"} if self.has_all else {}
        return {
            "name": self.name,
            "label": self.label,
            "description": self.about,
            "type": "query",
            "datasource": DATASOURCE,
            "definition": self.query,
            "query": {
                "qryType": 3 if self.query.startswith("query_result(") else 1,
                "query": self.query,
                "refId": "PrometheusVariableQueryEditor-VariableQuery",
            },
            "refresh": 2,
            "sort": 1,
            "multi": self.has_all,
            "includeAll": self.has_all,
            "allValue": ".*" if self.has_all else None,
            "current": chosen,
            "options": [],
            "hide": 0,
            "regex": self.regex,
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard. `question` is what it answers, and for whom."""

    name: str
    title: str
    question: str
    bands: tuple[Band, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-1h"

    @property
    def uid(self) -> str:
        """The same in every Grafana, so that links between dashboards work."""
        return f"lofty-ghl-{self.name}"

    def json(self, console: str = CONSOLE) -> Json:
        """What Grafana reads."""
        return frame(
            self.uid,
            self.title,
            self.question,
            _laid_out(self.bands),
            variables=self.variables,
            since=self.since,
            console=console,
        )


def frame(
    uid: str,
    title: str,
    question: str,
    panels: list[Json],
    *,
    variables: tuple[Variable, ...] = (),
    since: str = "now-1h",
    console: str = CONSOLE,
    has_data: bool = True,
) -> Json:
    """A whole dashboard from its panels. A dashboard without data needs no data source and no annotations."""
    return {
        "uid": uid,
        "title": title,
        "description": question,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "preload": False,
        "annotations": {"list": [_alerts_annotation(), _starts_annotation()] if has_data else []},
        "links": [
            {
                "type": "dashboards",
                "title": "lofty-ghl",
                "tags": [TAG],
                "asDropdown": False,
                "includeVars": False,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "The other dashboards",
                "url": "",
            },
            {
                "type": "link",
                "title": "Console",
                "tags": [],
                "asDropdown": False,
                "includeVars": False,
                "keepTime": False,
                "targetBlank": True,
                "icon": "bolt",
                "tooltip": "Contacts, parked work, connections",
                "url": "${console}",
            },
        ],
        "templating": {
            "list": [
                *([_datasource_variable()] if has_data else []),
                *(one.json() for one in variables),
                _console_variable(console),
            ]
        },
        "panels": panels,
    }


def _laid_out(bands: tuple[Band, ...]) -> list[Json]:
    panels: list[Json] = []
    y = 0
    for band in bands:
        if band.heading is not None:
            panels.append(_heading(len(panels) + 1, band.heading, y))
            y += 1
        x = 0
        for panel in band.panels:
            panels.append(panel.json(len(panels) + 1, x, y, band.height))
            x += panel.width
        if x != COLUMNS:
            raise ValueError(f"the panels of a band fill {COLUMNS} columns, got {x}: {[p.title for p in band.panels]}")
        y += band.height
    return panels


def _heading(number: int, title: str, y: int) -> Json:
    grid = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": grid, "panels": []}


def _datasource_variable() -> Json:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "description": "The Prometheus that scrapes the workers and gateways.",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "lofty-ghl", "value": "lofty-ghl"},
        "options": [],
        "refresh": 1,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "hide": 0,
    }


def _console_variable(console: str) -> Json:
    return {
        "name": "console",
        "description": "The address of the console, for links.",
        "type": "constant",
        "query": console,
        "current": {"selected": True, "text": console, "value": console},
        "options": [],
        "hide": 2,
        "skipUrlSync": True,
    }


def _alerts_annotation() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"LoftyGhl.*",alertstate="firing"}',
        "step": "30s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{connection}}{{budget}}{{instance}}",
        "tagKeys": "severity",
    }


def _starts_annotation() -> dict[str, Any]:
    return {
        "name": "Starts",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "blue",
        "expr": 'changes(process_start_time_seconds{job=~"worker|gateway"}[2m]) > 0',
        "step": "60s",
        "titleFormat": "{{job}} started",
        "textFormat": "{{instance}}",
        "tagKeys": "job",
    }
