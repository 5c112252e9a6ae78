"""All queries are found, and what they read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compose.queries import constants, panel_queries, selectors, substituted, variables


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("sum by (le, x) (rate(a_bucket[5m])) > 0.5", ["a_bucket"]),
        ('a{x="5m", y=~"b|c"} / on (x) group_left (z) b{x!=""} and c', ['a{x="5m", y=~"b|c"}', 'b{x!=""}', "c"]),
        ("job:a:rate5m > bool 1e3 unless vector(0) or absent(up)", ["job:a:rate5m", "up"]),
        ('label_replace(a, "x", "$1", "y", "(.*)")', ["a"]),
        ('a{x="by (y) {z}"} offset 5m', ['a{x="by (y) {z}"}']),
        ("time() - max(a) > 600", ["a"]),
    ],
)
def test_the_series_that_a_query_reads(expr: str, expected: list[str]) -> None:
    """With their matchers; without functions, operators, groupings, durations and texts."""
    assert [one for one in selectors(expr) if one not in {"5m", "m"}] == expected


def test_variables_are_replaced_in_every_form() -> None:
    """One that nobody gave a value is an error."""
    assert substituted(
        'a{x=~"$x", y="${y:regex}"}[$__rate_interval]', {"x": "1", "y": "2", "__rate_interval": "4s"}
    ) == ('a{x=~"1", y="2"}[4s]')
    with pytest.raises(KeyError):
        substituted("$unknown", {})


def test_panels_in_rows_and_variables_are_found(tmp_path: Path) -> None:
    """A collapsed row holds its panels inside."""
    target = {"refId": "A", "expr": "up"}
    row = {"title": "row", "type": "row", "panels": [{"title": "inner", "targets": [target]}]}
    asked = {"name": "connection", "type": "query", "query": {"query": "label_values(up, connection)"}}
    fixed = {"name": "console", "type": "constant", "query": "http://x", "current": {"value": "http://x"}}
    dashboard = {"panels": [{"title": "outer", "targets": [target]}, row], "templating": {"list": [asked, fixed]}}
    (tmp_path / "one.json").write_text(json.dumps(dashboard))
    assert [query.where for query in panel_queries(tmp_path)] == ["one/outer/A", "one/inner/A"]
    assert [(one.name, one.metric, one.label) for one in variables(tmp_path)] == [("connection", "up", "connection")]
    assert constants(tmp_path) == {"console": "http://x"}
