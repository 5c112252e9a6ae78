"""Panels of numbers: stat, gauge, bars, tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from tests.grafana.render.ask import Series, Span
from tests.grafana.render.chart import spark
from tests.grafana.render.fields import color_of, field_of, name_of, text_of
from tests.grafana.render.theme import rgb

Json = dict[str, Any]


def stat(panel: Json, series: list[Series], span: Span, width: int, height: int) -> str:
    """Big numbers beside each other, each with its course."""
    shown: list[Series | None] = [*series] or [None]
    each = width / len(shown)
    cells = []
    for number, one in enumerate(shown):
        field = field_of(panel, one.name if one else "")
        last = one.last if one else None
        text, color = text_of(last, field), color_of(last, field, number)
        is_filled = panel["options"]["colorMode"] == "background"
        size = min(height * 0.5, each / max(3, len(text)) * 1.45, 52)
        name = f"<small>{escape(name_of(one.name, field))}</small>" if one and len(shown) > 1 else ""
        course = (
            spark(one.points, span, "#fff" if is_filled else color, int(each), int(height * 0.45))
            if one and panel["options"]["graphMode"] == "area"
            else ""
        )
        style = f"background:{color};color:#fff" if is_filled else f"color:{color}"
        cells.append(
            f'<div class="stat" style="{style};width:{each:.0f}px">{course}{name}<b style="font-size:{size:.0f}px">{escape(text)}</b></div>'
        )
    return f'<div class="stats" style="height:{height}px">{"".join(cells)}</div>'


def gauge(panel: Json, series: list[Series], _span: Span, width: int, height: int) -> str:
    """Arcs, each with its thresholds around it."""
    if not series:
        return _empty(height)
    each = width / len(series)
    return "".join(_arc(panel, one, each, height) for one in series)


def _arc(panel: Json, one: Series, width: float, height: int) -> str:
    field = field_of(panel, one.name)
    low, high, value = field["min"], field["max"], one.last
    radius = min(width / 2 - 14, height * 0.62)
    cx, cy = width / 2, height * 0.5 + radius * 0.42
    share = max(0.0, min(1.0, ((value or 0) - low) / (high - low)))
    out = [f'<svg width="{width:.0f}" height="{height}">', _ring(cx, cy, radius - 11, 18, 0, 1, "#2a2d33")]
    out.append(_ring(cx, cy, radius - 11, 18, 0, share, color_of(value, field)))
    steps = field["thresholds"]["steps"]
    edges = [0.0 if s["value"] is None else max(0.0, min(1.0, (s["value"] - low) / (high - low))) for s in steps] + [
        1.0
    ]
    out += [
        _ring(cx, cy, radius, 3, a, b, rgb(s["color"]))
        for s, a, b in zip(steps, edges, edges[1:], strict=False)
        if b > a
    ]
    out.append(
        f'<text x="{cx:.0f}" y="{cy - 2:.0f}" text-anchor="middle" style="font-size:{radius * 0.32:.0f}px;font-weight:500" fill="{color_of(value, field)}">{escape(text_of(value, field))}</text>'
    )
    out.append(
        f'<text x="{cx:.0f}" y="{cy + radius * 0.4:.0f}" text-anchor="middle" style="font-size:12px" fill="#ccccdc">{escape(name_of(one.name, field))}</text></svg>'
    )
    return "".join(out)


def _ring(cx: float, cy: float, radius: float, thick: float, a: float, b: float, color: str) -> str:
    begin, end = (math.radians(200 - 220 * one) for one in (a, b))
    x1, y1 = cx + radius * math.cos(begin), cy - radius * math.sin(begin)
    x2, y2 = cx + radius * math.cos(end), cy - radius * math.sin(end)
    large = 1 if (b - a) * 220 > 180 else 0
    return f'<path d="M{x1:.1f} {y1:.1f} A{radius:.1f} {radius:.1f} 0 {large} 1 {x2:.1f} {y2:.1f}" stroke="{color}" stroke-width="{thick}" fill="none"/>'


def bargauge(panel: Json, series: list[Series], _span: Span, width: int, height: int) -> str:
    """Horizontal bars, one a series, as long as their share of the maximum."""
    if not series:
        return _empty(height)
    names = max(len(one.name) for one in series) * 7.2 + 14
    most = panel["fieldConfig"]["defaults"].get("max") or max((one.last or 0) for one in series) or 1
    each = min(34, height // len(series))
    rows = []
    for number, one in enumerate(series):
        field = field_of(panel, one.name)
        color = color_of(one.last, field, number)
        share = max(0.0, min(1.0, (one.last or 0) / most)) * 100
        rows.append(
            f'<div class="bar" style="height:{each - 6}px"><span style="width:{names:.0f}px">{escape(one.name)}</span>'
            f'<div><p style="width:{share:.1f}%;background:linear-gradient(90deg,{color}55,{color})"></p></div>'
            f'<b style="color:{color}">{escape(text_of(one.last, field))}</b></div>'
        )
    return f'<div class="bars" style="height:{height}px">{"".join(rows)}</div>'


def table(panel: Json, series: list[Series], _span: Span, _width: int, height: int) -> str:
    """Rows by their labels, a column for each query, named and ordered as the transformation says."""
    order = next(t["options"] for t in panel["transformations"] if t["id"] == "organize")
    columns = sorted(order["renameByName"], key=lambda name: order["indexByName"][name])
    rows = _sorted(_merged(series), panel, order["renameByName"])
    head = "".join(f"<th>{escape(order['renameByName'][one])}</th>" for one in columns)
    body = "".join(
        f"<tr>{''.join(_cell(panel, row, one, order['renameByName'][one]) for one in columns)}</tr>" for row in rows
    )
    if not rows:
        return _empty(height)
    return f'<div style="height:{height}px;width:100%;overflow:hidden"><table class="rows"><tr>{head}</tr>{body}</table></div>'


def _merged(series: list[Series]) -> list[dict[str, Any]]:
    rows: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for one in series:
        labels = {name: text for name, text in one.labels.items() if name != "__name__"}
        row = rows.setdefault(tuple(sorted(labels.items())), dict(labels))
        row[f"Value #{one.ref}"] = one.last
    return list(rows.values())


def _sorted(rows: list[dict[str, Any]], panel: Json, names: Mapping[str, str]) -> list[dict[str, Any]]:
    for by in panel["options"]["sortBy"]:
        column = next(key for key, name in names.items() if name == by["displayName"])
        blank: Any = "" if not column.startswith("Value") else -math.inf
        rows = sorted(rows, key=lambda row: blank if row.get(column) is None else row[column], reverse=by["desc"])
    return rows


def _cell(panel: Json, row: Mapping[str, Any], column: str, name: str) -> str:
    if not column.startswith("Value"):
        return f"<td>{escape(str(row.get(column, '')))}</td>"
    field, value = field_of(panel, name), row.get(column)
    text = text_of(value, field) if value is not None else "-"
    kind = field["custom"].get("cellOptions", {}).get("type", "auto")
    color = color_of(value, field)
    style = (
        f"color:{color}"
        if kind == "color-text"
        else f"background:{color};color:#fff"
        if kind == "color-background"
        else ""
    )
    return f'<td class="number" style="{style}">{escape(text)}</td>'


def _empty(height: int) -> str:
    return f'<div class="empty" style="height:{height}px">No data</div>'
