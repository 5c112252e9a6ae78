"""`make test` and `make test-rest` have no test in common, and together all of them."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.harness.planted import PROJECT, run

PLANTS = """
import pytest

@pytest.fixture
def real_kafka(): return "real"

@pytest.fixture(params=["embedded", "real"])
def broker(request): return request.param

@pytest.fixture(params=["embedded", "real"])
def vendor(request): return request.param

def test_plain(): pass

@pytest.mark.thorough
def test_marked(): pass

def test_in_turn(broker): pass

@pytest.mark.in_make_test
def test_chosen_in_turn(broker): pass

def test_on_real(real_kafka): pass

@pytest.mark.in_make_test
def test_chosen_on_real(real_kafka): pass

def test_of_something_else(vendor): pass

@pytest.mark.thorough
class TestMarked:
    def test_inside(self): pass
"""
THOROUGH = {"test_marked", "test_in_turn[real]", "test_on_real", "TestMarked::test_inside"}
QUICK = {
    "test_plain",
    "test_in_turn[embedded]",
    "test_chosen_in_turn[embedded]",
    "test_chosen_in_turn[real]",
    "test_chosen_on_real",
    "test_of_something_else[embedded]",
    "test_of_something_else[real]",
}


def arguments(target: str) -> list[str]:
    """What a target of the Makefile gives to pytest."""
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/.ready", target],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in done.stdout.splitlines() if "pytest" in line)
    return shlex.split(line)[1:]


def collected(*given: str) -> list[str]:
    """The tests of this project that pytest would run with these arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *given, "--collect-only"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=within(240),
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.parametrize(("mark", "expected"), [("thorough", THOROUGH), ("not thorough", QUICK)])
def test_what_needs_a_real_kafka_is_thorough_unless_chosen(tmp_path: Path, mark: str, expected: set[str]) -> None:
    """And nothing else that is not marked so."""
    found = run(tmp_path, {"test_plants.py": PLANTS}, "-m", mark)
    assert {name.split("::", 1)[1] for name in found.names("PASSED")} == expected, found.text


def test_the_two_targets_differ_in_their_mark_alone() -> None:
    """The same files and the same options otherwise."""
    test, rest = arguments("test"), arguments("test-rest")
    assert [test.pop(at) for at in (test.index("-m"),) * 2] == ["-m", "not thorough"]
    assert [rest.pop(at) for at in (rest.index("-m"),) * 2] == ["-m", "thorough"]
    assert test == rest


def test_ci_runs_both_parts() -> None:
    """As a person would."""
    lines = (PROJECT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line in {"make test", "make test-rest"}] == ["make test", "make test-rest"]


@pytest.mark.thorough
def test_the_two_parts_are_disjoint_and_complete() -> None:
    """Of this project's own tests, as they are collected."""
    ignoring = [argument for argument in arguments("test") if argument.startswith("--ignore")]
    quick, thorough = (collected("-q", *ignoring, "-m", mark) for mark in ("not thorough", "thorough"))
    everything = collected("-q", *ignoring)
    assert not set(quick) & set(thorough)
    assert sorted(quick + thorough) == sorted(everything)
