"""Values with their units, as Grafana writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

SECONDS = (
    (31_536_000, "year"),
    (604_800, "week"),
    (86_400, "day"),
    (3600, "hour"),
    (60, "min"),
    (1, "s"),
    (1e-3, "ms"),
    (1e-6, "µs"),
    (1e-9, "ns"),
)
LONG = {"year", "week", "day", "hour", "min"}
BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
SHORT = ("", " K", " Mil", " Bil", " Tri")
SUFFIXES = {"reqps": " req/s", "ops": " ops/s", "cps": " c/s", "celsius": " °C"}


def written(
    value: float | None, unit: str, decimals: int | None = None, mappings: list[dict[str, Any]] | None = None
) -> str:
    """A value as text. Raises ValueError for a unit that is not known here."""
    if (word := mapped(value, mappings or [])) is not None:
        return str(word["text"])
    if value is None or math.isnan(value):
        return "No data"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit in {"none", "short"}:
        return _scaled(value, SHORT, 1000, decimals)
    if unit == "percentunit":
        return _number(value * 100, decimals) + "%"
    if unit == "percent":
        return _number(value, decimals) + "%"
    if unit == "s":
        return _seconds(value, decimals)
    if unit == "bytes":
        return _scaled(value, tuple(f" {one}" for one in BYTES), 1024, decimals)
    if unit == "binBps":
        return _scaled(value, tuple(f" {one}/s" for one in BYTES), 1024, decimals)
    if unit == "dateTimeAsIso":
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit == "dateTimeFromNow":
        return _ago(value / 1000)
    if unit.startswith("suffix:"):
        return _number(value, decimals) + unit.removeprefix("suffix:")
    if unit in SUFFIXES:
        return _scaled(value, tuple(f"{one}{SUFFIXES[unit]}" for one in SHORT), 1000, decimals)
    raise ValueError(f"expected a unit that this renderer knows, got {unit!r}: teach it in {__file__}")


def mapped(value: float | None, mappings: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The word and colour that stand for a value."""
    for mapping in mappings:
        if mapping["type"] == "value" and value is not None:
            if (word := mapping["options"].get(f"{value:g}")) is not None:
                return dict(word)
        elif mapping["type"] == "range" and value is not None and not math.isnan(value):
            of = mapping["options"]
            low, high = of.get("from"), of.get("to")
            if (low is None or value >= low) and (high is None or value <= high):
                return dict(of["result"])
    return None


def _ago(at: float) -> str:
    seconds = datetime.now(UTC).timestamp() - at
    return _seconds(abs(seconds), 0) + (" ago" if seconds >= 0 else " from now")


def _seconds(value: float, decimals: int | None) -> str:
    size = abs(value)
    if size == 0:
        return "0 s"
    for per, name in SECONDS:
        if size >= per:
            number = _number(value / per, decimals)
            return f"{number} {name}{'s' if name in LONG and number != '1' else ''}"
    return _number(value, decimals) + " s"


def _scaled(value: float, names: tuple[str, ...], by: float, decimals: int | None) -> str:
    step = 0
    while abs(value) >= by and step < len(names) - 1:
        value, step = value / by, step + 1
    return _number(value, decimals) + names[step]


def _number(value: float, decimals: int | None) -> str:
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 0.1 else 3
        return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
    return f"{value:.{decimals}f}"
