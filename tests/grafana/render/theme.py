"""Colours of Grafana's dark theme."""

from __future__ import annotations

from typing import Any

CANVAS, PANEL, BORDER = "#111217", "#181b1f", "rgba(204,204,220,.12)"
TEXT, WEAK, GRID = "#ccccdc", "rgba(204,204,220,.65)", "rgba(240,250,255,.09)"

NAMED = {
    "green": "#73bf69",
    "dark-green": "#37872d",
    "light-green": "#96d98d",
    "yellow": "#fade2a",
    "semi-dark-yellow": "#f2cc0c",
    "orange": "#ff9830",
    "semi-dark-orange": "#ff780a",
    "red": "#f2495c",
    "dark-red": "#c4162a",
    "blue": "#5794f2",
    "light-blue": "#8ab8ff",
    "dark-blue": "#1f60c4",
    "purple": "#b877d9",
}
CLASSIC = (
    *("green", "semi-dark-yellow", "light-blue", "semi-dark-orange", "red", "blue", "purple", "#705da0"),
    *("dark-green", "yellow", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477"),
)


def rgb(color: str) -> str:
    """The value of a colour's name."""
    return NAMED.get(color, color)


def classic(number: int) -> str:
    """The colour of a panel's n-th series."""
    return rgb(CLASSIC[number % len(CLASSIC)])


def threshold_color(value: float | None, thresholds: dict[str, Any]) -> str:
    """The colour of the last step at or below a value."""
    color = "green"
    for step in thresholds.get("steps", ()):
        if step["value"] is None or (value is not None and value >= step["value"]):
            color = step["color"]
    return rgb(color)
