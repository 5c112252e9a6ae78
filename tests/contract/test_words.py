"""The words of the project: sentences and names that a reader from outside does not understand do not come back.

`CONTRIBUTING.md` ("Words and English") says what to write instead. The lists here hold only the worst; they are no style guide.
Pages and templates are read whole, Python files by their comments, docstrings and other texts; names of classes separately.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("connectors", "deploy", "docs", "grafana", "streams", "tests")
WHOLE = {".md", ".html", ".js", ".toml", ".yml", ".yaml"}
LOOSE = ("Makefile", "Dockerfile", "docker-compose.yml", "pyproject.toml")

INSTEAD: Mapping[str, str] = {
    r"anew": "again",
    r"any more": "no longer",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"way back": "Lofty sync",
    r"errand": "Lofty command",
    r"come again": "retry",
    r"takes nobody": "access denied",
    r"nobody answers": "connection refused",
    r"refuses us": "connection refused",
    r"half are faster": "p50",
    r"\d+ of 100 (?:are|batches|answers|wake-ups)": "p95, p99",
    r"cannot go on": "fails",
    r"imported else": "otherwise none of it is imported",
    r"(?:tell(?:s|ing)?|told) of": "report",
    r"heard of": "report, receive",
    r"stand(?:s|ing)? (?:in|on|at|there|here|beside|above|below|open)": "is",
    r"collaborators?": "dependencies",
    r"foresee[ns]?": "simulate, planned outcome",
    r"responder": "GHL event processor",
    r"vitals": "worker status",
    r"reseal(?:s|ed|ing)?": "key rotation",
    r"kept access": "stored token",
    r"desks?": "queue, console",
    r"front door": "the first topic",
    r"bears?": "have, contain",
    r"shall": "should, will, desired",
    r"(?<![{\"'`])told": "reported, called with, known by",
}
"""A pattern, without regard to case and as whole words, and what to write instead."""

CLASSES = frozenset(
    (
        *("Word", "NotAWord", "Appender", "Observing", "Shifts", "Collaborators"),
        *("MappingDesk", "NotNow", "NotThis", "Strange", "Door", "Patience"),
        *("Foreseen", "Remedy", "Responder", "Errand", "Vitals", "Side", "Town"),
    )
)
"""Names that no class has."""

EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("streams/messages/inspection.py", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("streams/contract/internal.py", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("docs/topics.md", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("streams/operations/verify/repair.py", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("streams/operations/conflicts/decide.py", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("streams/operations/verify/report.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("streams/console/services/verifications.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("tests/unit/streams/console/services/test_run_records.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("tests/browser/samples.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("streams/worker/dispatch/inspector.py", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("tests/chaos/forgetting.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("streams/cli/mapping.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("streams/cli/secrets.py", r"reseal(?:s|ed|ing)?"): "a key of the command's JSON",
    ("tests/chaos/README.md", r"desks?"): "the name of a module",
    ("tests/chaos/run.py", r"desks?"): "a variable in a text",
    ("tests/integration/test_deleted_unread.py", r"mend(?:s|ed|ing)?"): "a key of the command's JSON",
    ("tests/integration/test_mending.py", r"mend(?:s|ed|ing)?"): "values of a message: they are on topics",
    ("tests/unit/streams/messages/test_inspection.py", r"mend(?:s|ed|ing)?"): "a value of a message: it is on topics",
}
"""(the file, or the beginning of its path; the pattern) and the reason why the word is right there."""

CLASSES_LEFT = frozenset(
    (
        "streams/messages/inspection.py: class Remedy",
        "tests/bench/town.py: class Town",
        "tests/chaos/history_builder.py: class Town",
        "tests/chaos/strange.py: class Strange",
    )
)
"""Old names that are left, by file."""

COMPILED = {pattern: re.compile(rf"(?<![\w.-]){pattern}(?![\w-])", re.IGNORECASE) for pattern in INSTEAD}
ANY = re.compile(rf"(?<![\w.-])(?:{'|'.join(INSTEAD)})(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One bad word: where it is, and in which line."""

    path: str
    pattern: str
    line: str

    def __str__(self) -> str:
        return f"{self.path}: {self.line!r}: write {INSTEAD.get(self.pattern, 'another name')}"


def texts(path: Path) -> Iterator[str]:
    """What people read in a file."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from content.splitlines()
        return
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) or tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
            yield from token.string.splitlines()


def bad_words(name: str, path: Path) -> Iterator[Found]:
    """Every bad word of a file's texts that no exception allows."""
    if not ANY.search(path.read_text(encoding="utf-8")):
        return
    for line in texts(path):
        for pattern, compiled in COMPILED.items():
            if compiled.search(line) and not is_excepted(name, pattern):
                yield Found(name, pattern, line.strip())


def bad_classes(name: str, path: Path) -> Iterator[str]:
    """Classes of a Python file with a name that the project no longer uses."""
    for found in re.findall(r"^\s*class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
        if found in CLASSES:
            yield f"{name}: class {found}"


def is_excepted(name: str, pattern: str) -> bool:
    """Whether an exception allows the pattern in a file."""
    return any(name.startswith(path) and pattern == allowed for path, allowed in EXCEPTIONS)


def files() -> dict[str, Path]:
    """Every file that people read, by its path; not the corpora of hostile input, and not this one."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in WHOLE | {".py"}]
    found += [*ROOT.glob("*.md"), *(ROOT / name for name in LOOSE)]
    here = Path(__file__).resolve()
    return {str(path.relative_to(ROOT)): path for path in sorted(found) if path != here and "corpus" not in path.parts}


def test_no_text_has_a_bad_word() -> None:
    """Write what the table says instead, or add an exception with its reason."""
    assert [str(word) for name, path in files().items() for word in bad_words(name, path)] == []


def test_no_class_has_a_bad_name() -> None:
    """A name that an engineer from outside would search for."""
    python = {name: path for name, path in files().items() if path.suffix == ".py"}
    assert [
        found for name, path in python.items() for found in bad_classes(name, path) if found not in CLASSES_LEFT
    ] == []


def test_every_exception_is_needed() -> None:
    """An exception that nothing uses would hide the next bad word."""
    needed = {
        (prefix, pattern)
        for prefix, pattern in EXCEPTIONS
        for name, path in files().items()
        if name.startswith(prefix) and any(COMPILED[pattern].search(line) for line in texts(path))
    }
    assert set(EXCEPTIONS) - needed == set()


PLANTS = {
    "page.md": "This address takes nobody.\n",
    "docstring.py": '"""It is read\nanew."""\n',
    "comment.py": "x = 1  # does not stand in the file any more\n",
    "error.py": 'raise ValueError(f"nobody answers at {address}, or refuses us")\n',
    "template.html": "<h1>1 thing to mend</h1>\n",
    "title.yml": "title: 95 of 100 are faster\n",
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_word_is_found(name: str, tmp_path: Path) -> None:
    """In pages, docstrings, comments, errors, templates and titles."""
    path = tmp_path / name
    path.write_text(PLANTS[name], encoding="utf-8")
    assert list(bad_words(name, path))


def test_code_is_no_text(tmp_path: Path) -> None:
    """A name in code is not read as prose: the contracts with other systems keep theirs."""
    path = tmp_path / "code.py"
    path.write_text("mend = anew  # fixes it\n", encoding="utf-8")
    assert list(bad_words("code.py", path)) == []


def test_a_planted_class_is_found(tmp_path: Path) -> None:
    """Also one inside another."""
    path = tmp_path / "code.py"
    path.write_text("class Outer:\n    class Word:\n        pass\n", encoding="utf-8")
    assert list(bad_classes("code.py", path)) == ["code.py: class Word"]
