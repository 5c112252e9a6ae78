"""A failure is named when it happens, also if pytest itself ends before its summary."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import failures
from tests.harness.planted import run

PLANTS = {
    "test_a.py": "def test_wrong() -> None:\n    assert 1 == 2, 'one is not two'\n",
    "test_b.py": "import pytest\n\n@pytest.fixture\ndef no() -> None:\n    raise ValueError('cannot')\n\ndef test_it(no) -> None: ...\n",
    "conftest.py": "def pytest_terminal_summary() -> None:\n    raise RuntimeError('pytest itself fails')\n",
}


def test_failures_are_named_before_the_summary(tmp_path: Path) -> None:
    """With its phase and the first line of its reason; with workers, too."""
    for workers in ((), ("-n", "2")):
        found = run(tmp_path, PLANTS, *workers)
        assert "pytest itself fails" in found.text
        assert "failed in call: test_a.py::test_wrong: AssertionError: one is not two" in found.text, found.text
        assert "failed in setup: test_b.py::test_it: ValueError: cannot" in found.text
        assert found.text.index("failed in call") < found.text.index("pytest itself fails")


def test_a_parser_that_another_thread_disturbs_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disturbance ends no run."""
    asked = []

    def disturbed(*arguments: object) -> str:
        asked.append(arguments)
        if len(asked) < 3:
            raise SystemError("AST constructor recursion depth mismatch (before=144, after=164)")
        return "lines"

    monkeypatch.setattr(failures, "_statement_range", disturbed)
    assert (failures.statement_range(1), len(asked)) == ("lines", 3)
