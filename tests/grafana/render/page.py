"""The whole dashboard as an HTML page, and its picture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from tests.grafana.render.ask import Prometheus, Series, Span, series_of
from tests.grafana.render.chart import timeseries
from tests.grafana.render.heat import heatmap
from tests.grafana.render.small import bargauge, gauge, stat, table
from tests.grafana.render.theme import BORDER, CANVAS, PANEL, TEXT, WEAK

Json = dict[str, Any]

WIDTH, GAP, ROW, TITLE, HEAD, SIDE = 1600, 8, 30, 30, 56, 16
KINDS: dict[str, Callable[[Json, list[Series], Span, int, int], str]] = {
    "stat": stat,
    "timeseries": timeseries,
    "table": table,
    "gauge": gauge,
    "bargauge": bargauge,
    "heatmap": heatmap,
}
STYLE = f"""
*{{box-sizing:border-box;margin:0}} body{{background:{CANVAS};color:{TEXT};font:12px Inter,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;width:{WIDTH}px;position:relative}}
header{{height:{HEAD}px;padding:16px {SIDE}px;font-size:18px;display:flex;gap:16px;align-items:center}} header span{{font-size:12px;color:{WEAK};border:1px solid {BORDER};background:{PANEL};padding:5px 10px;border-radius:2px}} header em{{margin-left:auto;font-style:normal;font-size:12px;color:{WEAK}}}
section{{position:absolute;background:{PANEL};border:1px solid {BORDER};border-radius:2px;overflow:hidden}} section>h2{{font-size:13px;font-weight:500;height:{TITLE}px;padding:7px 8px;white-space:nowrap;overflow:hidden}} section>h2 i{{color:{WEAK};font-style:normal;font-size:11px;border:1px solid {WEAK};border-radius:50%;padding:0 4px;margin-left:6px}}
section>main{{padding:0 4px;display:flex;flex-wrap:wrap;align-content:flex-start}}
h1{{position:absolute;font-size:15px;font-weight:500;padding:5px 0}} h1::before{{content:'▾';color:{WEAK};padding:0 8px 0 2px}}
svg text{{fill:{WEAK};font-size:11px}} .legend{{display:flex;flex-wrap:wrap;gap:0 14px;padding:0 8px;overflow:hidden;align-content:flex-start}} .legend span{{height:19px;white-space:nowrap;line-height:19px}} i{{display:inline-block}} .legend i,.legend-table i{{width:14px;height:4px;border-radius:2px;margin-right:6px;vertical-align:middle}}
.beside{{display:flex}} .legend-table{{border-collapse:collapse;align-self:flex-start}} .legend-table th{{text-align:left;font-weight:400;padding:2px 4px;white-space:nowrap}} .legend-table tr:first-child th{{text-align:right}} .legend-table td{{text-align:right;padding:2px 6px;white-space:nowrap}}
.stats{{display:flex;width:100%}} .stat{{position:relative;display:flex;flex-direction:column;align-items:center;justify-content:center;border-radius:2px}} .stat b{{font-weight:500;position:relative;line-height:1.1}} .stat small{{position:relative;color:{TEXT};font-size:13px}} .spark ~ b{{margin-bottom:16px}} .spark{{position:absolute;left:0;bottom:0}}
.bars{{width:100%;padding:0 6px;display:flex;flex-direction:column;justify-content:space-evenly}} .bar{{display:flex;align-items:center;gap:8px}} .bar span{{white-space:nowrap}} .bar div{{flex:1;background:#22252b;height:100%;border-radius:2px}} .bar p{{height:100%;border-radius:2px}} .bar b{{width:92px;text-align:right;font-weight:500;font-size:13px}}
.rows{{width:100%;border-collapse:collapse}} .rows th{{text-align:left;color:#6e9fff;font-weight:500;padding:6px 8px;border-bottom:1px solid {BORDER}}} .rows td{{padding:6px 8px;border-bottom:1px solid {BORDER};white-space:nowrap}} .rows th:not(:first-child){{text-align:left}}
.empty{{display:flex;align-items:center;justify-content:center;width:100%;color:{WEAK};font-size:15px}}
"""


def page(dashboard: Json, span: Span, prometheus: Prometheus) -> tuple[str, int, list[str]]:
    """The HTML, its height, and the titles of panels without data."""
    out, bottom, empty = [], 0, []
    for panel in dashboard["panels"]:
        x, y, w, h = _place(panel["gridPos"])
        bottom = max(bottom, y + h)
        if panel["type"] == "row":
            out.append(f'<h1 style="left:{x}px;top:{y}px">{escape(panel["title"])}</h1>')
            continue
        series = series_of(panel, span, prometheus, w)
        if not any(one.last is not None for one in series):
            empty.append(panel["title"])
        body = KINDS[panel["type"]](panel, series, span, w - 10, h - TITLE - 8)
        title = f"{escape(panel['title'])}<i>i</i>"
        out.append(
            f'<section style="left:{x}px;top:{y}px;width:{w}px;height:{h}px"><h2>{title}</h2><main>{body}</main></section>'
        )
    height = bottom + SIDE
    html = f'<!doctype html><meta charset="utf-8"><style>{STYLE}body{{height:{height}px}}</style><body>{_head(dashboard, span)}{"".join(out)}'
    return html, height, empty


def photograph(html: str, height: int, file: Path) -> None:
    """The page's picture, by Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": height})
        shown.set_content(html)
        shown.screenshot(path=str(file))
        browser.close()


def _head(dashboard: Json, span: Span) -> str:
    chosen = "".join(
        f"<span>{escape(one.get('label') or one['name'])}: {escape(_shown(one, span))}</span>"
        for one in dashboard["templating"]["list"]
        if one["hide"] == 0
    )
    begin, end = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") for at in (span.start, span.end))
    return f"<header>{escape(dashboard['title'])}{chosen}<em>{begin} to {end} UTC</em></header>"


def _shown(variable: Json, span: Span) -> str:
    value = span.variables.get(variable["name"], "")
    return "All" if value == ".*" else value


def _place(grid: Json) -> tuple[int, int, int, int]:
    column = (WIDTH - 2 * SIDE + GAP) / 24
    x, w = SIDE + grid["x"] * column, grid["w"] * column - GAP
    y, h = HEAD + grid["y"] * (ROW + GAP), grid["h"] * (ROW + GAP) - GAP
    return round(x), round(y), round(w), round(h)
