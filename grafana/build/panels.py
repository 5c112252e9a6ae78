"""The kinds of panel that we use. Settings that all share (tooltips, legends, line widths) are here once, so that all dashboards look alike."""

from __future__ import annotations

from typing import Literal

from grafana.build.panel import PLAIN, Json, Look, Panel, Query, Steps


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
