"""What the linter sees in a query."""

from __future__ import annotations

import pytest

from tests.grafana.lint.promql import names, quantiles_are_sound, ranges, rated, variables


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("up", {"up"}),
        ('sum by (job) (rate(a_total{b="c_total"}[5m]))', {"a_total"}),
        ("a / on (x, y) group_left max by (x, y) (b)", {"a", "b"}),
        ("time() - a{b=~\"c|d\", e!='f'} offset 5m > 2 * vector(1)", {"a"}),
        ("job:a:rate5m unless on () sum(b) > 0", {"job:a:rate5m", "b"}),
        ('a{b="}"} or b', {"a", "b"}),
        ("min_over_time(a[1h:30s]) and -b", {"a", "b"}),
    ],
)
def test_the_names_of_a_query_are_its_series(expr: str, found: set[str]) -> None:
    """Neither functions, labels, keywords nor texts."""
    assert names(expr) == found


def test_the_counters_of_a_query_are_those_whose_increase_is_taken() -> None:
    """By `rate`, `irate`, `increase` or `resets`, with or without matchers."""
    assert rated('rate(a_total[5m]) + sum(increase(b_total{c="d"}[1h])) + delta(e[5m])') == {"a_total", "b_total"}


def test_ranges_are_in_brackets_and_not_in_texts() -> None:
    """A regular expression may have brackets, too."""
    assert ranges('rate(a{b=~"[ab]"}[$__rate_interval]) + max_over_time(c[1h:])') == ("$__rate_interval", "1h:")


def test_variables_are_found_in_both_spellings() -> None:
    """`$name` and `${name:regex}`."""
    assert variables('a{b=~"$first", c="${second:regex}"}[$__range]') == {"first", "second", "__range"}


@pytest.mark.parametrize(
    ("expr", "is_sound"),
    [
        ("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))", True),
        ('histogram_quantile(0.9, sum by (vendor, le) (rate(a_bucket{b="c"}[5m])))', True),
        ("histogram_quantile(0.9, sum by (vendor) (rate(a_bucket[5m])))", False),
        ("histogram_quantile(0.9, rate(a_bucket[5m]))", False),
        ("histogram_quantile(0.9, sum by (le) (a_bucket))", False),
    ],
)
def test_a_quantile_needs_the_buckets_of_all_processes(expr: str, is_sound: bool) -> None:
    """`sum by (le)` of a rate: of all workers together, not of each."""
    assert quantiles_are_sound(expr) is is_sound
