"""A panel of what came of something: how often each result of a counter came, as stacked bars."""

from __future__ import annotations

from typing import Literal

from grafana.build.panel import Look, Panel, Query
from grafana.build.panels import lines
from grafana.build.queries import count


def outcomes(
    title: str,
    about: str,
    counter: str,
    *,
    by: str,
    name: str,
    width: int,
    see: str,
    looks: tuple[Look, ...] = (),
    decimals: int | None = None,
    legend: Literal["bottom", "right"] = "bottom",
) -> Panel:
    """`by` are the labels by which `counter` is counted, `name` is what each bar is called."""
    return lines(
        title,
        about,
        Query(count(counter, by=by), name),
        unit="short",
        width=width,
        see=see,
        bars=True,
        stacked=True,
        looks=looks,
        decimals=decimals,
        legend=legend,
    )
