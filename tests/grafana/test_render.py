"""The renderer writes values and fills in queries as Grafana does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.grafana.render.ask import Series, Span
from tests.grafana.render.fields import color_of, field_of, text_of
from tests.grafana.render.page import KINDS
from tests.grafana.render.theme import rgb
from tests.grafana.render.units import written

SPAN = Span(0, 3600, 15, {"connection": "acme"})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (0.0042, "s", "4.2 ms"),
        (61.0, "s", "1.02 mins"),
        (60.0, "s", "1 min"),
        (7200.0, "s", "2 hours"),
        (0.9953, "percentunit", "99.5%"),
        (1536.0, "bytes", "1.5 KiB"),
        (12_345.0, "short", "12.3 K"),
        (3.0, "suffix:/s", "3/s"),
        (float("nan"), "s", "No data"),
    ],
)
def test_a_value_is_written_with_its_unit(value: float, unit: str, text: str) -> None:
    """Scaled, and with as many digits as tell something."""
    assert written(value, unit) == text


def test_an_unknown_unit_is_refused() -> None:
    """A picture with a wrong unit would be worse than none."""
    with pytest.raises(ValueError, match="expected a unit"):
        written(1.0, "furlongs")


def test_the_rate_interval_spans_four_scrapes() -> None:
    """So a rate sees at least two samples, also when one scrape was missed."""
    assert SPAN.filled('rate(a{b="$connection"}[$__rate_interval])', 15) == 'rate(a{b="acme"}[60s])'
    assert SPAN.filled("rate(a[$__rate_interval])", 300) == "rate(a[315s])"
    assert Span(0, 60, 1.5, {}).filled("rate(a[$__rate_interval])", 15) == "rate(a[16500ms])"


def test_an_unknown_variable_is_refused() -> None:
    """Grafana would send it as it stands, and Prometheus would refuse it."""
    with pytest.raises(KeyError):
        SPAN.filled("a[$nothing]", 15)


def _panel() -> dict[str, Any]:
    steps = [{"value": None, "color": "green"}, {"value": 10, "color": "red"}]
    defaults = {"unit": "short", "color": {"mode": "thresholds"}, "thresholds": {"steps": steps}, "mappings": []}
    mapping = {"type": "value", "options": {"1": {"text": "pauses", "color": "red"}}}
    own = {
        "matcher": {"id": "byRegexp", "options": "/^State/"},
        "properties": [{"id": "mappings", "value": [mapping]}, {"id": "custom.align", "value": "left"}],
    }
    return {"fieldConfig": {"defaults": defaults, "overrides": [own]}}


def test_a_colour_is_that_of_the_last_threshold_that_was_reached() -> None:
    """Below the first value it is the base colour."""
    field = field_of(_panel(), "anything")
    assert color_of(9.9, field) == rgb("green")
    assert color_of(10.0, field) == rgb("red")


def test_an_override_holds_for_the_series_that_it_names() -> None:
    """By name or pattern; also for what lies deeper."""
    field = field_of(_panel(), "State")
    assert text_of(1.0, field) == "pauses"
    assert field["custom"] == {"align": "left"}
    assert text_of(1.0, field_of(_panel(), "Other")) == "1"


def test_the_newest_number_is_what_a_panel_shows() -> None:
    """NaN is no number."""
    assert Series("a", {}, ((1, 2.0), (2, float("nan")))).last == 2.0
    assert Series("a", {}, ()).last is None


def test_every_kind_of_panel_that_the_linter_allows_can_be_drawn() -> None:
    """A new kind is taught to both."""
    from tests.grafana.lint.dashboards import KINDS as ALLOWED

    assert set(KINDS) == ALLOWED
