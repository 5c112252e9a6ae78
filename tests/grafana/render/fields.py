"""How one series of a panel is written and coloured: the panel's defaults, then the overrides that fit its name."""

from __future__ import annotations

import copy
import re
from typing import Any

from tests.grafana.render.theme import classic, rgb, threshold_color
from tests.grafana.render.units import mapped, written

Json = dict[str, Any]


def field_of(panel: Json, name: str) -> Json:
    """The configuration of a series or column."""
    config: Json = copy.deepcopy(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if _fits(override["matcher"], name):
            for one in override["properties"]:
                _put(config, one["id"], one["value"])
    return config


def text_of(value: float | None, field: Json) -> str:
    """A value as the field writes it."""
    if value is None and "noValue" in field:
        return str(field["noValue"])
    return written(value, field["unit"], field.get("decimals"), field.get("mappings"))


def color_of(value: float | None, field: Json, number: int = 0) -> str:
    """The colour of a value, or of the n-th series."""
    if (word := mapped(value, field.get("mappings", []))) and "color" in word:
        return rgb(word["color"])
    mode = field["color"]["mode"]
    if mode == "fixed":
        return rgb(field["color"]["fixedColor"])
    if mode == "palette-classic":
        return classic(number)
    return threshold_color(value, field["thresholds"])


def name_of(name: str, field: Json) -> str:
    """A series' name, or the one that an override gives it."""
    return str(field.get("displayName", name))


def _fits(matcher: Json, name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return re.search(matcher["options"].strip("/"), name) is not None
    return bool(matcher["options"] == name)


def _put(config: Json, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        config = config.setdefault(parent, {})
    config[last] = value
