"""Plots and gauges, as pictures that say what they show."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.console.pages.charts import Measurement, gauge, plot, round_top, runs

NOW = 1_764_042_000_000


def points(*values: float | None) -> list[Measurement]:
    """A value a minute."""
    return [(NOW + at * 60_000, value) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (1, 1), (1.2, 2), (23, 25), (26, 50), (51, 100), (100, 100), (1001, 2000)]
)
def test_the_scale_ends_at_a_round_number(highest: float, top: float) -> None:
    assert round_top(highest) == top


def test_what_was_not_measured_is_a_gap_in_the_line() -> None:
    assert len(runs(points(1, 2, None, None, 3))) == 2
    assert plot(points(1, 2, None, 3, 4), title="Rate").count("<polyline") == 2


def test_the_time_since_which_nothing_is_measured_is_shown_as_a_gap_at_the_end() -> None:
    drawn = plot(points(4, 4, None, None, None), title="Rate")
    assert "not measured since" in drawn
    assert "plot-now" not in drawn
    assert "250.0," in drawn, "the second of five points is at a quarter of the width"


def test_a_plot_says_in_words_what_it_shows() -> None:
    drawn = plot(points(1, 9, 4), title="Changes", unit="a minute")
    assert 'aria-label="Changes: now 4 a minute, at most 9 a minute"' in drawn


def test_too_little_to_draw_is_said() -> None:
    assert "Nothing measured yet" in plot(points(None, 3), title="Changes")


def test_a_title_from_outside_is_text() -> None:
    assert '"><script' not in plot(points(1, 2), title='"><script>')


@given(st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=40))
def test_whatever_was_measured_the_picture_is_well_formed(values: list[float | None]) -> None:
    """No NaN and no infinity reaches a coordinate."""
    drawn = plot(points(*values), title="x")
    ElementTree.fromstring(drawn)
    assert "nan" not in drawn.lower()
    assert 'points="inf' not in drawn


@pytest.mark.parametrize(
    ("part", "level", "width"), [(0.5, "ok", "50.0"), (0.8, "warn", "80.0"), (0.99, "bad", "99.0"), (7, "bad", "100.0")]
)
def test_a_gauge_is_filled_and_coloured_by_its_part(part: float, level: str, width: str) -> None:
    drawn = gauge(part, mark=0.75)
    assert f"gauge-{level}" in drawn
    assert f'width="{width}%"' in drawn
    assert 'x="75.0%"' in drawn
