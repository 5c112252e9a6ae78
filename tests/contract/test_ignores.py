"""Every `noqa` and `type: ignore` has its reason on the line, and names the rule that it sets aside."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("streams", "connectors", "tests", "grafana", ".ci")

IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b")
WITH_RULES = re.compile(r"#\s*(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[a-z-]+(?:,\s*[a-z-]+)*\])")
REASON = re.compile(r"\s*#\s*\w.*")


def faults(text: str) -> Iterator[str]:
    """The comments of a file that set a rule aside without naming it, or without a reason behind them."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT or not IGNORE.search(token.string):
            continue
        rest = WITH_RULES.sub("", token.string)
        if IGNORE.search(rest) or not REASON.fullmatch(rest):
            yield f"line {token.start[0]}: {token.string}"


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("f(1)  # type: ignore[arg-type]  # a fake", False),
        ("f(1)  # type: ignore[arg-type, return-value]  # a fake", False),
        ("import a  # noqa: E402, F401  # after the path is set", False),
        ("f(1)  # type: ignore[arg-type]  # noqa: S101  # as above", False),
        ("f(1)  # an ordinary remark", False),
        ('f("# noqa")', False),
        ("f(1)  # type: ignore[arg-type]", True),
        ("f(1)  # type: ignore  # a fake", True),
        ("import a  # noqa", True),
        ("import a  # noqa: F401", True),
        ("import a  # noqa: F401  #", True),
        ("f(1)  # type: ignore[arg-type]  # noqa: S101", True),
    ],
)
def test_the_check_knows_a_reason(line: str, is_fault: bool) -> None:
    assert bool(list(faults(f"{line}\n"))) == is_fault


def test_every_ignore_has_its_rule_and_its_reason() -> None:
    """Write `# type: ignore[rule]  # reason`, or better: make it unnecessary."""
    found = [
        f"{path.relative_to(ROOT)}, {fault}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for fault in faults(path.read_text(encoding="utf-8"))
    ]
    assert found == []
