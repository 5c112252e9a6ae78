"""A heatmap of a histogram's buckets."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from tests.grafana.render.ask import Series, Span
from tests.grafana.render.chart import AXIS, _time_axis, _x
from tests.grafana.render.units import written

Json = dict[str, Any]

TURBO = ("#30123b", "#4669db", "#26bce1", "#3ff58b", "#a4fc3c", "#eacf39", "#fb8022", "#d02f05", "#7a0403")


def heatmap(panel: Json, series: list[Series], span: Span, width: int, height: int) -> str:
    """Each bucket's own share: what is in it and not in the one below."""
    rows = sorted(series, key=lambda one: float(one.labels["le"].replace("+Inf", "inf")))
    edges = [float(one.labels["le"].replace("+Inf", "inf")) for one in rows]
    cells, most = _cells(rows)
    used = [n for n in range(len(rows)) if any(v > 0 for v in cells[n].values())]
    if not used:
        return f'<div class="empty" style="height:{height}px">No data</div>'
    first, last = max(0, used[0] - 1), min(len(rows) - 1, used[-1] + 1)
    labels = [written(edge, panel["options"]["yAxis"]["unit"]) for edge in edges]
    left = 14 + max(len(label) for label in labels[first : last + 1]) * 6.6
    tall = (height - AXIS - 8) / (last - first + 1)
    times = sorted({at for one in cells for at in one})
    wide = (width - left - 8) / max(1, len(times))
    out = [f'<svg width="{width}" height="{height}">', *_time_axis(span, left, width, height)]
    for n in range(first, last + 1):
        y = height - AXIS - (n - first + 1) * tall
        out.append(f'<text x="{left - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{escape(labels[n])}</text>')
        for at, value in cells[n].items():
            if value > 0:
                x = max(_x(at, span, left, width), left + wide / 2)
                out.append(
                    f'<rect x="{x - wide / 2:.1f}" y="{y + 0.5:.1f}" width="{max(1.0, wide - 1):.1f}" height="{tall - 1:.1f}" fill="{_color(value / most)}"/>'
                )
    return "".join([*out, "</svg>"])


def _cells(rows: list[Series]) -> tuple[list[dict[float, float]], float]:
    below: dict[float, float] = {}
    cells = []
    for one in rows:
        course = {at: value for at, value in one.points if math.isfinite(value)}
        cells.append({at: max(0.0, value - below.get(at, 0.0)) for at, value in course.items()})
        below = course
    return cells, max((value for one in cells for value in one.values()), default=1.0) or 1.0


def _color(share: float) -> str:
    return TURBO[min(len(TURBO) - 1, int(math.sqrt(share) * len(TURBO)))]
