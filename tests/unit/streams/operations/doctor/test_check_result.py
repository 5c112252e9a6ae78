"""What the doctor's verdicts lead to."""

from __future__ import annotations

import pytest

from streams.operations.doctor.check_result import CheckResult, Level, compare_clocks, exit_code


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        ((), 0),
        (("ok", "warning"), 0),
        (("ok", "wrong"), 1),
        (("ok", "not looked at"), 1),
        (("wrong", "away", "not looked at"), 3),
    ],
)
def test_the_exit_code_tells_wrong_from_away(levels: tuple[Level, ...], code: int) -> None:
    """A warning keeps nobody from working."""
    assert exit_code(CheckResult("check", "subject", level, "says") for level in levels) == code


@pytest.mark.parametrize(
    ("least", "most", "level"), [(-0.9, 0.2, "ok"), (0.5, 1.6, "ok"), (1.2, 2.3, "wrong"), (-3.1, -2.0, "wrong")]
)
def test_a_clock_is_wrong_only_when_it_is_surely_off_by_more_than_a_second(
    least: float, most: float, level: Level
) -> None:
    """A vendor's Date names whole seconds, so the least that it can be off counts."""
    assert compare_clocks("GHL", least, most).level == level
