"""Charts as SVG, drawn by pure functions: a plot over time, a gauge. No script and no style: classes say what is what.

A plot has no fixed width: its lines are in an SVG that is stretched. Its words are outside of the SVG, placed by percentages, so
that they keep their size on a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from markupsafe import Markup

from streams.console.pages.wording import grouped
from streams.core.moments import utc

WIDTH, HEIGHT = 1000, 120
"""Of the stretched picture. Its height is in pixels; above it there is room for a label, beneath for the hours."""
_ABOVE, _BENEATH = 16, 24
_ABSURD = 1e15
_SHORT_MS = 10 * 60_000
_FEW = ((0.0, "start"), (1.0, "end"))
_MANY = (*_FEW, (0.25, "middle"), (0.5, "middle"), (0.75, "middle"))

Measurement = tuple[int, float | None]
"""A moment in epoch milliseconds and what was measured; None where nothing was."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places: `top` is the round number at the upper edge."""

    first_ms: int
    last_ms: int
    top: float

    def x(self, at_ms: int) -> float:
        """The place of a moment, as a part of 1."""
        return (at_ms - self.first_ms) / max(1, self.last_ms - self.first_ms)

    def y(self, value: float) -> float:
        """The place of a value, from above; what is off the scale stays at its edge."""
        return HEIGHT * (1 - min(max(value / self.top, 0.0), 1.0))


def round_top(highest: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten (and at least 1) that is not below the highest value."""
    if highest <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next((step * power for step in (1, 2, 2.5, 5) if step * power >= highest), 10 * power)


def runs(points: Sequence[Measurement]) -> list[list[tuple[int, float]]]:
    """The parts of a series without gaps; a line is not drawn over what was not measured."""
    found: list[list[tuple[int, float]]] = [[]]
    for at_ms, value in points:
        if value is None or not abs(value) < _ABSURD:  # also NaN
            found.append([])
        else:
            found[-1].append((at_ms, value))
    return [one for one in found if one]


def plot(points: Sequence[Measurement], *, title: str, unit: str = "", zone: tzinfo = UTC) -> Markup:
    """A line over time with its area, grid lines and a few hours beneath. Each point says its value under the pointer.

    What was not measured is a gap, at the end too. A sentence in place of the line where fewer than two points were measured.
    """
    parts = runs(points)
    known = [one for part in parts for one in part]
    if len(known) < 2:
        return Markup('<p class="plot-empty">Nothing measured yet. This fills while the console runs.</p>')
    highest = max(value for _, value in known)
    scale = Scale(points[0][0], points[-1][0], round_top(highest))
    last = known[-1] if known[-1][0] == points[-1][0] else None
    newest = f"now {_value(last[1], unit)}" if last else f"not measured since {_clock(known[-1][0], zone)}"
    spoken = f"{title}: {newest}, at most {_value(highest, unit)}"
    drawn = Markup("").join(_line(part, scale) for part in parts)
    bands = Markup("").join(_bands(known, scale, unit, zone))
    return Markup(
        '<svg class="plot" width="100%" height="{height}" role="img" aria-label="{spoken}">'
        '<svg y="{above}" width="100%" height="{inner}" viewBox="0 0 {width} {inner}" preserveAspectRatio="none">'
        "{grid}{drawn}{bands}</svg>{labels}</svg>"
    ).format(
        height=HEIGHT + _ABOVE + _BENEATH,
        spoken=spoken,
        above=_ABOVE,
        inner=HEIGHT,
        width=WIDTH,
        grid=Markup("").join(_grid()),
        drawn=drawn,
        bands=bands,
        labels=_labels(scale, last, unit, zone),
    )


def gauge(part: float, *, mark: float | None = None, is_judged: bool = True) -> Markup:
    """A bar that is filled by a part of 1, with a mark at another part. It is for the eye: the text beside it says the same.

    Nearly full is coloured as a warning, unless `is_judged` is false: then more is not worse.
    """
    filled = 100 * min(max(part, 0.0), 1.0) if math.isfinite(part) else 0.0
    level = "ok" if not is_judged or part < 0.8 else "warn" if part < 0.95 else "bad"
    line = Markup()
    if mark is not None:
        line = Markup('<rect class="gauge-mark" x="{:.1f}%" width="2" height="8"/>').format(100 * mark)
    return Markup(
        '<svg class="gauge gauge-{}" width="100%" height="8" aria-hidden="true">'
        '<rect class="gauge-back" width="100%" height="8" rx="4"/>'
        '<rect class="gauge-fill" width="{:.1f}%" height="8" rx="4"/>{}</svg>'
    ).format(level, filled, line)


def _line(part: Sequence[tuple[int, float]], scale: Scale) -> Markup:
    places = [(WIDTH * scale.x(at), scale.y(value)) for at, value in part]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    area = f"{places[0][0]:.1f},{HEIGHT} {line} {places[-1][0]:.1f},{HEIGHT}"
    return Markup('<polygon class="plot-area" points="{}"/><polyline class="plot-line" points="{}"/>').format(
        area, line
    )


def _grid() -> list[Markup]:
    return [
        Markup('<line class="plot-grid" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(WIDTH, y, y)
        for y in (0.5, HEIGHT / 2, HEIGHT - 0.5)
    ]


def _labels(scale: Scale, last: tuple[int, float] | None, unit: str, zone: tzinfo) -> Markup:
    values = [
        Markup('<text class="plot-label" x="0" y="{:.1f}">{}</text>').format(
            _ABOVE - 4 + HEIGHT * (1 - part), _value(part * scale.top, unit if part == 1 else "")
        )
        for part in ((0.5, 1.0) if scale.top > 1 else (1.0,))
    ]
    hours = [
        Markup('<text class="plot-label" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
            100 * part,
            HEIGHT + _ABOVE + _BENEATH - 6,
            anchor,
            _clock(round(scale.first_ms + part * (scale.last_ms - scale.first_ms)), zone),
        )
        for part, anchor in (_FEW if scale.last_ms - scale.first_ms < _SHORT_MS else _MANY)
    ]
    now = Markup()
    if last is not None:
        now = Markup('<circle class="plot-now" cx="{:.1f}%" cy="{:.1f}" r="3.5"/>').format(
            100 * scale.x(last[0]), _ABOVE + scale.y(last[1])
        )
    return Markup("").join([*values, *hours, now])


def _bands(known: Sequence[tuple[int, float]], scale: Scale, unit: str, zone: tzinfo) -> list[Markup]:
    """One invisible band a point, which shows the point's value while the pointer is over it."""
    width = WIDTH / len(known)
    return [
        Markup('<rect class="plot-band" x="{:.1f}" width="{:.1f}" height="{}"><title>{} · {}</title></rect>').format(
            WIDTH * scale.x(at) - width / 2, width, HEIGHT, _clock(at, zone), _value(value, unit)
        )
        for at, value in known
    ]


def _clock(at_ms: int, zone: tzinfo) -> str:
    return f"{utc(at_ms).astimezone(zone):%H:%M}"


def _value(value: float, unit: str) -> str:
    return f"{grouped(round(value, 1))} {unit}".strip()
