"""What the console says needs no knowledge of Kafka, of TOML or of how the sync is built: in pages, in answers and in the API's document.

Checked are the texts of the templates, the texts in the console's source that people may read, what an explanation says of a
lead, and every description of the OpenAPI document.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.console.api.routes import openapi

ROOT = Path(__file__).resolve().parents[3]
CONSOLE = ROOT / "streams/console"
EXPLAINED = tuple(
    ROOT / f"streams/operations/history/{name}.py" for name in ("timeline", "decisions", "holds", "story")
)

INSTEAD: Mapping[str, str] = {
    r"kafka": "the sync engine's storage",
    r"toml": "text",
    r"jmespath": "formula",
    r"topics?": "the storage, or what it holds",
    r"partitions?|offsets?|changelogs?|consumers?|brokers?|tombstones?|outbox|dead letters?": "say what it means for a lead",
    r"fingerprints?|payloads?": "leave it out",
    r"backfill(?:s|ed)?": "import of existing leads",
    r"snapshots?": "latest data from Lofty",
    r"receipts?": "what was written",
    r"replay(?:s|ed)?": "apply mappings to existing contacts",
    r"dry[ -]runs?": "see what would change",
    r"sweeps?": "check",
}
"""A pattern of whole words, without regard to case, and what to write instead."""

EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("pages/templates/mapping_field.html", "JMESPath"): "the language that a formula is written in, behind Advanced",
    ("api/mapping.py", "TOML"): "the text form of a mapping, which programs send",
    ("pages/views/doctor_view.py", "Kafka"): "a check's name, which the page puts into words",
    ("services/replay.py", "replay resume"): "an act's name in the audit log, which audit_view.py puts into words",
    ("services/replay.py", "replay stop"): "an act's name in the audit log",
    ("auth/audit_actions.py", "replay"): "acts' names",
    ("pages/views/audit_view.py", "replay"): "acts' names, each with its words",
}
"""(the file beneath `streams/console`, a part of the text) and the reason why it is right there."""

OF_WORKERS = frozenset(
    ("GatewayStatus", "Growth", "LagStatus", "Overview", "ParkedOpen", "SweepStatus", "Sent", "WorkerStatus")
)
"""Parts of the API's document that describe the processes themselves, for who runs them."""

ANY = re.compile(rf"(?<![\w./-])(?:{'|'.join(INSTEAD)})(?![\w-])", re.IGNORECASE)


def of_template(text: str) -> Iterator[str]:
    """What a template shows, and the names of its controls; not its code examples."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    code = re.findall(r"\{[{%].*?[%}]\}", text, flags=re.DOTALL)
    yield from (one for part in code for one in re.findall(r"'([^']*)'", part) if " " in one)
    shown = re.sub(r"\{[{%].*?[%}]\}", " ", text, flags=re.DOTALL)
    yield from re.findall(r'(?:aria-label|title|placeholder|data-name)="([^"]*)"', shown)
    yield from re.sub(r"<code>.*?</code>|<[^>]*>", "\n", shown, flags=re.DOTALL).splitlines()


def of_source(text: str) -> Iterator[str]:
    """The texts of a Python file with more than one word; not its docstrings, and not what it logs."""
    tree = ast.parse(text)
    unread: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            unread.add(id(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
            unread |= {id(one) for one in ast.walk(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in unread:
            continue
        if " " in node.value.strip() or node.value != node.value.lower():
            yield node.value


def of_document(found: Any) -> Iterator[str]:
    """Every description and summary of the API's document."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("description", "summary") and isinstance(value, str):
                yield re.sub(r"`[^`]*`", "", value)
            elif key not in OF_WORKERS:
                yield from of_document(value)
    elif isinstance(found, list):
        for value in found:
            yield from of_document(value)


def console_texts() -> Iterator[tuple[str, str]]:
    """Each text with the file that it is in."""
    for path in sorted(CONSOLE.rglob("*")):
        if path.suffix in (".html", ".py"):
            read = of_template if path.suffix == ".html" else of_source
            for text in read(path.read_text(encoding="utf-8")):
                yield str(path.relative_to(CONSOLE)), text
    for path in EXPLAINED:
        for text in of_source(path.read_text(encoding="utf-8")):
            yield path.name, text


def is_excepted(name: str, text: str) -> bool:
    """Whether an exception allows a text in a file."""
    return any(name == file and part in text for file, part in EXCEPTIONS)


def test_no_text_of_the_console_needs_an_engineer() -> None:
    """Write what the table says instead, or add an exception with its reason."""
    found = [f"{name}: {text.strip()[:120]!r}" for name, text in console_texts() if ANY.search(text)]
    allowed = [f"{name}: {text.strip()[:120]!r}" for name, text in console_texts() if is_excepted(name, text)]
    assert [one for one in found if one not in allowed] == []


def test_no_description_of_the_api_needs_an_engineer() -> None:
    found = [text[:160] for text in of_document(openapi()) if ANY.search(text)]
    assert [text for text in found if not text.startswith("TOML as in the configuration")] == []


def test_every_exception_is_needed() -> None:
    """One that nothing uses would hide the next such word."""
    texts = [one for one in console_texts() if ANY.search(one[1])]
    used = {(file, part) for file, part in EXCEPTIONS for name, text in texts if name == file and part in text}
    assert set(EXCEPTIONS) - used == set()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<p>Read from the topic, fingerprint {{ one }}</p>", of_template),
        ('<a aria-label="Start a backfill">{{ x }}</a>', of_template),
        ("{{ parts.empty('No replay yet', '') }}", of_template),
        ('raise WrongInput(f"Kafka refuses {this}")', of_source),
        ('words = "Snapshots"', of_source),
    ],
)
def test_a_planted_word_is_found(text: str, read: Any) -> None:
    assert any(ANY.search(one) for one in read(text))


def test_what_nobody_reads_is_no_text() -> None:
    source = '"""A topic is read."""\nlog.warning("the topic %s", 1)\nkafka = topic["offset"]\n'
    assert not any(ANY.search(one) for one in of_source(source))
