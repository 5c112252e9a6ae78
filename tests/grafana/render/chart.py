"""Courses over time: axes, lines, areas, stacks, bars, thresholds, legends; and the small course behind a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from typing import Any

from tests.grafana.render.ask import Series, Span
from tests.grafana.render.fields import color_of, field_of, name_of, text_of
from tests.grafana.render.theme import GRID, WEAK, rgb

Json = dict[str, Any]
Points = Sequence[tuple[float, float]]

LEGEND_ROW, AXIS = 19, 20
MOST_LEGEND_ROWS = 3


def timeseries(panel: Json, series: list[Series], span: Span, width: int, height: int) -> str:
    """A whole panel of courses, with its legend."""
    legend = panel["options"]["legend"]
    fields = [field_of(panel, one.name) for one in series]
    colors = [color_of(one.last, field, n) for n, (one, field) in enumerate(zip(series, fields, strict=True))]
    if legend["placement"] == "right":
        longest = max((len(name_of(s.name, f)) for s, f in zip(series, fields, strict=True)), default=4)
        beside = min(width * 0.55, 44 + 7.0 * longest + 66 * len(legend["calcs"]))
        plot = _plot(panel, series, fields, colors, span, int(width - beside), height)
        return f'<div class="beside">{plot}{_legend_table(series, fields, colors, legend, int(beside))}</div>'
    items = _legend_list(series, fields, colors)
    taken = min(MOST_LEGEND_ROWS, _rows(series, fields, width)) * LEGEND_ROW + 4
    plot = _plot(panel, series, fields, colors, span, width, height - taken)
    return f'{plot}<div class="legend" style="height:{taken}px">{items}</div>'


def spark(points: Points, span: Span, color: str, width: int, height: int) -> str:
    """The course behind a number."""
    good = [(at, value) for at, value in points if math.isfinite(value)]
    if len(good) < 2:
        return ""
    low, high = min(v for _, v in good), max(v for _, v in good)
    scale = (high - low) or 1.0
    if high == low:
        low -= 0.5
    place = [(_x(at, span, 0, width), height - 2 - (value - low) / scale * (height - 6)) for at, value in good]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
    return (
        f'<svg class="spark" width="{width}" height="{height}">'
        f'<polygon points="{place[0][0]:.1f},{height} {line} {place[-1][0]:.1f},{height}" fill="{color}" opacity=".15"/>'
        f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1" opacity=".8"/></svg>'
    )


def _plot(
    panel: Json, series: list[Series], fields: list[Json], colors: list[str], span: Span, width: int, height: int
) -> str:
    field = panel["fieldConfig"]["defaults"]
    custom = field["custom"]
    is_stacked = custom["stacking"]["mode"] == "normal"
    courses = _stacked(series) if is_stacked else [list(one.points) for one in series]
    low, high = _limits(courses, field)
    ticks = _log_ticks(low, high) if _is_log(custom) else _ticks(low, high, max(2, height // 38), field)
    high = max(high, ticks[-1])
    labels = [text_of(tick, field) for tick in ticks]
    left = 12 + max(len(label) for label in labels) * 6.6

    def y_of(value: float) -> float:
        if _is_log(custom):
            low_, high_ = math.log10(ticks[0]), math.log10(high)
            share = (math.log10(max(value, ticks[0])) - low_) / ((high_ - low_) or 1)
        else:
            share = (value - low) / ((high - low) or 1)
        return height - AXIS - share * (height - AXIS - 8)

    out = [f'<svg width="{width}" height="{height}">']
    for tick, label in zip(ticks, labels, strict=True):
        y = y_of(tick)
        out.append(f'<line x1="{left}" x2="{width - 8}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
    out += _time_axis(span, left, width, height)
    if custom["thresholdsStyle"]["mode"] != "off":
        for step in field["thresholds"]["steps"]:
            if step["value"] is not None and low <= step["value"] <= high:
                y = y_of(step["value"])
                color = rgb(step["color"])
                out.append(
                    f'<line x1="{left}" x2="{width - 8}" y1="{y:.1f}" y2="{y:.1f}" stroke="{color}" stroke-dasharray="8 6" opacity=".8"/>'
                )
    base: list[tuple[float, float]] = []
    for course, color, own in zip(courses, colors, fields, strict=True):
        out += _course(course, base if is_stacked else [], color, own["custom"], span, y_of, left, width, height)
        base = course if is_stacked else []
    out.append("</svg>")
    return "".join(out)


def _course(
    course: list[tuple[float, float]],
    base: list[tuple[float, float]],
    color: str,
    custom: Json,
    span: Span,
    y_of: Any,
    left: float,
    width: int,
    height: int,
) -> list[str]:
    out: list[str] = []
    floor = height - AXIS
    under = dict(base)
    opacity = custom["fillOpacity"] / 100
    dash = ' stroke-dasharray="6 4"' if custom.get("lineStyle", {}).get("fill") == "dash" else ""
    if custom["drawStyle"] == "bars" and len(course) > 1:
        wide = max(1.5, (width - left - 8) / len(course) * 0.8)
        for at, value in course:
            if math.isfinite(value):
                x, y, foot = _x(at, span, left, width), y_of(value), y_of(under.get(at, 0.0))
                out.append(
                    f'<rect x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{max(0.0, foot - y):.1f}" fill="{color}" opacity="{opacity}"/>'
                )
        return out
    pieces = [[one for one in course if math.isfinite(one[1])]] if custom.get("spanNulls") else _pieces(course)
    for piece in (one for one in pieces if one):
        place = [(_x(at, span, left, width), y_of(value)) for at, value in piece]
        if custom["lineInterpolation"] == "stepAfter":
            place = [one for n, (x, y) in enumerate(place) for one in ([(x, place[n - 1][1])] if n else []) + [(x, y)]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
        if opacity:
            feet = [
                (_x(at, span, left, width), y_of(under[at]) if at in under else float(floor))
                for at, _ in reversed(piece)
            ]
            foot = " ".join(f"{x:.1f},{y:.1f}" for x, y in feet)
            out.append(f'<polygon points="{line} {foot}" fill="{color}" opacity="{opacity}"/>')
        out.append(
            f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="{1.3 * custom["lineWidth"]}"{dash}/>'
        )
    return out


def _pieces(course: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """A course without its holes."""
    if len(course) < 2:
        return [course] if course and math.isfinite(course[0][1]) else []
    step = min(b[0] - a[0] for a, b in pairwise(course))
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in course:
        if pieces[-1] and at - pieces[-1][-1][0] > 1.5 * step:
            pieces.append([])
        if math.isfinite(value):
            pieces[-1].append((at, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _stacked(series: list[Series]) -> list[list[tuple[float, float]]]:
    total: dict[float, float] = {}
    times = sorted({at for one in series for at, _ in one.points})
    courses = []
    for one in series:
        values = dict(one.points)
        course = []
        for at in times:
            value = values.get(at, 0.0)
            total[at] = total.get(at, 0.0) + (value if math.isfinite(value) else 0.0)
            course.append((at, total[at]))
        courses.append(course)
    return courses


def _limits(courses: list[list[tuple[float, float]]], field: Json) -> tuple[float, float]:
    values = [value for course in courses for _, value in course if math.isfinite(value)]
    low = field.get("min", min([0.0, *values]))
    high = field.get("max", max(values, default=1.0))
    return low, (high if high > low else low + 1.0)


def _ticks(low: float, high: float, most: int, field: Json) -> list[float]:
    rough = (high - low) / most
    if field.get("decimals") == 0 and field["unit"] in {"none", "short"}:
        rough = max(rough, 1.0)
    unit = 1024.0 ** math.floor(math.log(max(high, 1.0), 1024)) if field["unit"] == "bytes" else 1.0
    power = 10 ** math.floor(math.log10(rough / unit)) * unit
    step = next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(max(low, 1e-3))), math.ceil(math.log10(high))
    return [10.0**n for n in range(first, max(last, first + 1) + 1)]


def _is_log(custom: Json) -> bool:
    return bool(custom.get("scaleDistribution", {}).get("type") == "log")


def _time_axis(span: Span, left: float, width: int, height: int) -> list[str]:
    length = span.end - span.start
    most = max(2, int((width - left) // 90))
    step = next(s for s in (1, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400) if length / s <= most)
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    out = []
    at = span.start - span.start % step + step
    while at <= span.end:
        x = _x(at, span, left, width)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{height - AXIS}" stroke="{GRID}"/>')
        if x < width - 24:
            label = datetime.fromtimestamp(at, UTC).strftime(form)
            out.append(f'<text x="{x:.1f}" y="{height - 5}" text-anchor="middle">{label}</text>')
        at += step
    return out


def _x(at: float, span: Span, left: float, width: float) -> float:
    right = 8 if left else 0
    return left + (at - span.start) / (span.end - span.start) * (width - left - right)


def _rows(series: list[Series], fields: list[Json], width: int) -> int:
    rows, used = 1, 0.0
    for one, field in zip(series, fields, strict=True):
        wide = 40 + 6.7 * len(name_of(one.name, field))
        if used and used + wide > width - 16:
            rows, used = rows + 1, 0.0
        used += wide
    return rows


def _legend_list(series: list[Series], fields: list[Json], colors: list[str]) -> str:
    return "".join(
        f'<span><i style="background:{color}"></i>{escape(name_of(one.name, field))}</span>'
        for one, field, color in zip(series, fields, colors, strict=True)
    )


CALCS: dict[str, tuple[str, Callable[[list[float]], float]]] = {
    "lastNotNull": ("Last", lambda values: values[-1]),
    "max": ("Max", max),
    "mean": ("Mean", lambda values: sum(values) / len(values)),
    "min": ("Min", min),
}


def _legend_table(series: list[Series], fields: list[Json], colors: list[str], legend: Json, width: int) -> str:
    heads = "".join(f'<th style="color:{WEAK}">{CALCS[calc][0]}</th>' for calc in legend["calcs"])
    rows = []
    for one, field, color in zip(series, fields, colors, strict=True):
        values = [value for _, value in one.points if math.isfinite(value)]
        cells = "".join(
            f"<td>{escape(text_of(CALCS[calc][1](values) if values else None, field))}</td>" for calc in legend["calcs"]
        )
        rows.append(f'<tr><th><i style="background:{color}"></i>{escape(name_of(one.name, field))}</th>{cells}</tr>')
    return f'<table class="legend-table" style="width:{width}px"><tr><th></th>{heads}</tr>{"".join(rows)}</table>'
