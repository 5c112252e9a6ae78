"""One factor lengthens all deadlines of the tests, and no deadline escapes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadlines import VARIABLE, read_factor
from tests.harness.planted import PROJECT, run

TESTS = PROJECT / "tests"
WAITS = {"timeout": 0, "wait_for": 1, "wait": 0, "join": 0, "settimeout": 0}
"""Calls that wait, and where their deadline stands among the arguments."""
PAUSE_SECONDS = 1.0
"""What is shorter is the pause between two looks."""


def fixed_deadlines(text: str) -> Iterator[int]:
    """The lines in which something is waited for so many seconds, whatever the factor."""
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        place = WAITS.get(name, len(call.args))
        given = [*call.args[place : place + 1], *(one.value for one in call.keywords if one.arg == "timeout")]
        if name == "wait" and len(call.args) > 1:  # for something of this name and that
            continue
        is_marker = name == "timeout" and "mark" in ast.unparse(
            call.func
        )  # pytest's limit: tests.harness.stuck scales it
        values = [one.value for one in given if isinstance(one, ast.Constant)]
        if not is_marker and any(isinstance(value, int | float) and value >= PAUSE_SECONDS for value in values):
            yield call.lineno


@pytest.mark.parametrize(
    ("line", "is_fixed"),
    [
        ("asyncio.timeout(5)", True),
        ("asyncio.wait_for(it, 5.0)", True),
        ("wait_for(it, timeout=5)", True),
        ("subprocess.run(it, timeout=60)", True),
        ("process.wait(10)", True),
        ("asyncio.timeout(within(5))", False),
        ("process.wait()", False),
        ("stopped.wait(0.1)", False),
        ("recorded.wait(0, 7)", False),
        ("subprocess.run(it, timeout=within(60))", False),
        ("pytest.mark.timeout(300)", False),
    ],
)
def test_a_fixed_deadline_is_found(line: str, is_fixed: bool) -> None:
    """The next test would be worth nothing otherwise."""
    assert list(fixed_deadlines(line)) == [1] * is_fixed


def test_no_test_has_a_fixed_deadline() -> None:
    """Whoever waits says `within(seconds)`. (A benchmark measures; it has limits of its own.)"""
    files = [path for path in sorted(TESTS.rglob("*.py")) if "bench" not in path.parts]
    found = [f"{path.relative_to(PROJECT)}:{line}" for path in files for line in fixed_deadlines(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("environ", "factor"), [({}, 1.0), ({VARIABLE: ""}, 1.0), ({VARIABLE: "2.5"}, 2.5), ({VARIABLE: " 4 "}, 4.0)]
)
def test_the_factor_is_one_unless_the_environment_says_more(environ: dict[str, str], factor: float) -> None:
    """An empty variable is none."""
    assert read_factor(environ) == factor


@pytest.mark.parametrize("given", ["0", "-1", "nan", "inf", "much"])
def test_a_factor_that_is_no_positive_number_is_refused(given: str) -> None:
    """With the variable's name."""
    with pytest.raises(ValueError, match=f"{VARIABLE}: expected a number above 0, got '{given}'"):
        read_factor({VARIABLE: given})


@pytest.mark.thorough
def test_the_limit_of_a_test_grows_by_the_factor(tmp_path: Path) -> None:
    """pytest's own deadline, two seconds here."""
    text = "import time\n\ndef test_it():\n    time.sleep(3600)\n"
    found = run(tmp_path, {"test_stuck.py": text}, environ={VARIABLE: "1.5"})
    assert "test_stuck.py::test_it was stuck: over its limit of 3 s" in found.text
