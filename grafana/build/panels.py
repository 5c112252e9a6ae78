"""The kinds of panel that we use, as values, and their JSON in Grafana's classic schema.

Each panel has a title, a description that says how to read it, a unit, and the section of the runbook that helps.
Settings that all panels share (tooltips, legends, line widths) are here once, so that all dashboards look alike.
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


def value(text: str, color: str, **of: str) -> Json:
    """A mapping of values to texts: `value("paused", RED, value="1")`."""
    return {"type": "value", "options": {of["value"]: {"text": text, "color": color, "index": 0}}}


def stat(
    title: str,
    about: str,
    expr: str,
    *,
    unit: str,
    width: int,
    see: str | None = None,
    steps: Steps = PLAIN,
    legend: str | None = None,
    spark: bool = True,
    decimals: int | None = None,
    mappings: tuple[Json, ...] = (),
    low: float | None = None,
    high: float | None = None,
    no_value: str | None = None,
    color: Literal["value", "background", "none"] = "value",
    more_links: tuple[Json, ...] = (),
) -> Panel:
    """One number for now, with its graph behind it."""
    return Panel(
        kind="stat",
        title=title,
        about=about,
        unit=unit,
        width=width,
        queries=(Query(expr, legend or title),),
        see=see,
        steps=steps,
        decimals=decimals,
        mappings=mappings,
        low=low,
        high=high,
        no_value=no_value,
        more_links=more_links,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": color,
            "graphMode": "area" if spark else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
            "wideLayout": True,
        },
    )


def lines(
    title: str,
    about: str,
    *queries: Query,
    unit: str,
    width: int,
    see: str | None = None,
    steps: Steps = PLAIN,
    looks: tuple[Look, ...] = (),
    stacked: bool = False,
    bars: bool = False,
    low: float | None = 0,
    high: float | None = None,
    decimals: int | None = None,
    legend: Literal["bottom", "right"] = "bottom",
    calcs: tuple[str, ...] = ("lastNotNull",),
    show_steps: bool = False,
    log: bool = False,
    stepped: bool = False,
    mappings: tuple[Json, ...] = (),
    joined: bool = False,
) -> Panel:
    """Graphs over time. `show_steps` draws the thresholds as dashed lines, `joined` connects points across gaps."""
    return Panel(
        kind="timeseries",
        title=title,
        about=about,
        unit=unit,
        width=width,
        queries=queries,
        see=see,
        steps=steps,
        looks=looks,
        low=low,
        high=high,
        decimals=decimals,
        mappings=mappings,
        color_mode="palette-classic",
        custom={
            "drawStyle": "bars" if bars else "line",
            "lineInterpolation": "stepAfter" if stepped else "linear",
            "lineWidth": 0 if stacked and not bars else 1,
            "fillOpacity": 70 if bars else 60 if stacked else 0 if joined else 8,
            "gradientMode": "none",
            "showPoints": "never",
            "spanNulls": joined,
            "axisSoftMin": 0,
            "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"},
            "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if show_steps else "off"},
        },
        options={
            "legend": {
                "showLegend": True,
                "displayMode": "table" if legend == "right" else "list",
                "placement": legend,
                "calcs": list(calcs) if legend == "right" else [],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def bars(
    title: str,
    about: str,
    *queries: Query,
    unit: str,
    width: int,
    steps: Steps,
    see: str | None = None,
    low: float = 0,
    high: float | None = None,
    decimals: int | None = None,
    mappings: tuple[Json, ...] = (),
) -> Panel:
    """How full each of several things is now, as horizontal bars."""
    return Panel(
        kind="bargauge",
        title=title,
        about=about,
        unit=unit,
        width=width,
        queries=queries,
        see=see,
        steps=steps,
        low=low,
        high=high,
        decimals=decimals,
        mappings=mappings,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "horizontal",
            "displayMode": "gradient",
            "valueMode": "color",
            "showUnfilled": True,
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "auto",
            "sizing": "auto",
        },
    )


def gauge(
    title: str,
    about: str,
    *queries: Query,
    unit: str,
    width: int,
    steps: Steps,
    see: str | None = None,
    low: float = 0,
    high: float = 1,
) -> Panel:
    """How near one thing is to its limit."""
    return Panel(
        kind="gauge",
        title=title,
        about=about,
        unit=unit,
        width=width,
        queries=queries,
        see=see,
        steps=steps,
        low=low,
        high=high,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "auto",
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
            "sizing": "auto",
        },
    )


def heat(title: str, about: str, expr: str, *, unit: str, width: int, see: str | None = None) -> Panel:
    """How often each latency occurs, over time: the buckets of a histogram."""
    return Panel(
        kind="heatmap",
        title=title,
        about=about,
        unit=unit,
        width=width,
        queries=(Query(expr, "{{le}}"),),
        see=see,
        options={
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Turbo", "steps": 64, "exponent": 0.5, "reverse": False},
            "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False},
            "rowsFrame": {"layout": "auto"},
            "cellValues": {"unit": "short"},
            "filterValues": {"le": 1e-9},
            "tooltip": {"mode": "single", "yHistogram": True},
            "legend": {"show": True},
            "showValue": "never",
        },
    )


def table(
    title: str,
    about: str,
    *queries: Query,
    unit: str,
    width: int,
    columns: dict[str, str],
    looks: tuple[Look, ...] = (),
    steps: Steps = PLAIN,
    see: str | None = None,
    sort_by: str | None = None,
    descending: bool = True,
    hidden: tuple[str, ...] = (),
) -> Panel:
    """One row for each set of labels, a column for each query.

    `columns` names what is shown, in its order: a label, or `Value #A` for the first query; `hidden` what is not.
    """
    order = {name: number for number, name in enumerate(columns)}
    return Panel(
        kind="table",
        title=title,
        about=about,
        unit=unit,
        width=width,
        queries=queries,
        see=see,
        steps=steps,
        looks=looks,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False},
        transformations=(
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": dict.fromkeys(("Time", *hidden), True),
                    "indexByName": order,
                    "renameByName": columns,
                },
            },
        ),
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
            "sortBy": [{"displayName": sort_by, "desc": descending}] if sort_by else [],
        },
    )


def _thresholds(steps: Steps) -> Json:
    return {"mode": "absolute", "steps": [{"value": at, "color": color} for at, color in steps]}
