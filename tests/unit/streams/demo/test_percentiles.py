"""Percentiles are values that were measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.demo.percentiles import percentile


@pytest.mark.parametrize(
    ("percent", "value"), [(1, 15), (5, 15), (20, 15), (30, 20), (40, 20), (50, 35), (99, 50), (100, 50)]
)
def test_the_nearest_rank_of_five_values(percent: int, value: int) -> None:
    assert percentile([35, 15, 50, 20, 40], percent) == value


def test_the_99th_of_a_hundred_is_the_last_but_one_and_of_fewer_the_greatest() -> None:
    assert percentile(range(1, 101), 99) == 99
    assert percentile(range(1, 100), 99) == 99
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_enough_of_them_do_not_exceed_it(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
