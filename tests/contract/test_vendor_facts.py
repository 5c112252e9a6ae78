"""The table of vendor facts names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in (TESTS / "contract" / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| fact", "| ---"))
]
KNOWN = {
    name
    for path in TESTS.rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_fact_has_its_tests_or_a_reason(row: list[str]) -> None:
    """One of the sandbox and one of the product."""
    _, *cells = row
    assert len(cells) == 2
    for cell in cells:
        named = re.findall(r"`(test_\w+)`", cell)
        assert named or cell.startswith("none"), cell
        assert [name for name in named if name not in KNOWN] == []


def test_the_table_is_read() -> None:
    """A table in another form would check nothing."""
    assert len(ROWS) > 25
