"""The direction of imports: folders are on floors and import downwards only; decisions have no I/O, clock or chance.

A new file needs no entry here: its folder says where it lives, and what it may import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("connectors", "streams")

FLOORS: tuple[tuple[str, ...], ...] = (
    ("streams.cli",),
    ("streams.console", "streams.demo"),
    ("streams.gateway", "streams.worker", "streams.operations"),
    ("streams.telemetry", "streams.oauth", "streams.mapping_versions", "streams.contract"),
    ("streams.core", "streams.kafka", "streams.catalogue"),
    ("streams.settings",),
    ("streams.mapping",),
    ("streams.messages",),
    ("connectors.sandbox",),
    ("connectors.ghl", "connectors.lofty"),
    ("connectors.auth",),
    ("connectors.http",),
    ("connectors",),
)
"""From the top. A folder imports from those below it: not from above, and not from its neighbours on the same floor.

`connectors` at the bottom are its loose modules, which all of its folders share.
"""

PURE = (
    "streams.messages",
    "streams.mapping",
    "streams.settings",
    "streams.core",
    "streams.catalogue",
    "streams.contract",
)
"""Folders whose modules decide: the same arguments give the same result."""
IMPURE = {
    "streams.settings.load": "reads the configuration file and the environment",
}
"""Modules of those folders that touch the world, each with its reason."""

MOST_IMPORTS = 15
"""First-party modules that one module may import."""

# What pure folders may import from outside: nothing that reads, writes, waits, has the time or rolls dice.
PURE_IMPORTS = frozenset(
    (
        *(
            "__future__",
            "base64",
            "collections",
            "collections.abc",
            "csv",
            "dataclasses",
            "datetime",
            "difflib",
            "email.utils",
        ),
        *(
            "enum",
            "fnmatch",
            "functools",
            "hashlib",
            "heapq",
            "hmac",
            "html",
            "io",  # texts in memory; `open` is forbidden below
            "itertools",
            "json",
            "math",
            "re",
            "tomllib",
            "unicodedata",
            "zoneinfo",  # the tz database: the same for everybody
        ),
        *("types", "typing", "urllib.parse"),
        *("jmespath", "jmespath.exceptions", "jmespath.functions", "orjson", "phonenumbers", "selectolax.lexbor"),
        *("jmespath.lexer", "jmespath.visitor"),
        *("contextlib", "contextvars"),  # a context's own value: what one contact may still cost
        *("pydantic", "pydantic.alias_generators", "pydantic.fields", "pydantic_core"),
        "aiokafka.partitioner",  # murmur2, the function that every Kafka client knows
        *("cryptography.exceptions", "cryptography.hazmat.primitives.ciphers.aead"),  # AES-GCM: the nonce is given
        *(f"cryptography.hazmat.primitives.asymmetric.{name}" for name in ("ed25519", "padding", "rsa")),
        *("cryptography.hazmat.primitives.hashes", "cryptography.hazmat.primitives.serialization"),
        *("binascii", "copy", "ipaddress"),
        "inspect",  # the text of docstrings
    )
)
# What they may not call, although its module is allowed or built in.
IMPURE_NAMES = frozenset({"open", "print", "input"})
IMPURE_METHODS = frozenset({"now", "today", "utcnow", "read_text", "write_text", "read_bytes", "write_bytes"})
IMPURE_OWNERS = frozenset({"date", "datetime"})

RELATIVE = "a relative import"
Sources = Mapping[str, str]


def folder_of(module: str) -> str | None:
    """The folder of FLOORS in which a module lives, or None when it has no place."""
    known = {folder for floor in FLOORS for folder in floor}
    parts = module.split(".")
    if parts[0] == "connectors" and len(parts) == 2 and module not in known:
        return "connectors"
    found = ".".join(parts[:2])
    return found if found in known else None


def floor_of(folder: str) -> int:
    """Counted from the bottom."""
    return next(len(FLOORS) - number for number, floor in enumerate(FLOORS) if folder in floor)


def is_pure(module: str) -> bool:
    """Whether a module may neither read, write, wait, tell the time nor roll dice."""
    return folder_of(module) in PURE and module not in IMPURE


def imports_of(tree: ast.AST, known: Sources) -> Iterator[str]:
    """The modules that a module imports, wherever in it: `from a import b` means `a.b` where that is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield RELATIVE
                continue
            source = node.module or ""
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in known else source


def impure_calls(tree: ast.AST) -> Iterator[str]:
    """Calls that read a clock, a file or the terminal."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in IMPURE_NAMES:
            yield f"{called.id}() in line {node.lineno}"
        elif isinstance(called, ast.Attribute) and called.attr in IMPURE_METHODS:
            owner = ast.unparse(called.value)
            if called.attr not in {"now", "today", "utcnow"} or owner.rpartition(".")[2] in IMPURE_OWNERS:
                yield f"{owner}.{called.attr}() in line {node.lineno}"


def violations(sources: Sources) -> list[str]:
    """Every breach of the rules above, one sentence each."""
    found = []
    for module, source in sorted(sources.items()):
        if module == "streams":
            continue
        folder = folder_of(module)
        if folder is None:
            found.append(f"{module} has no floor: move it into a folder of FLOORS")
            continue
        tree = ast.parse(source)
        imported = sorted(set(imports_of(tree, sources)))
        ours = [one for one in imported if one.partition(".")[0] in PACKAGES]
        found += [f"{module}: {breach}" for one in ours if (breach := _upward(folder, one))]
        if len(ours) > MOST_IMPORTS:
            found.append(f"{module} imports {len(ours)} modules of ours, {MOST_IMPORTS} are allowed: it has two ideas")
        if RELATIVE in imported:
            found.append(f"{module} has a relative import, which hides its direction")
        if is_pure(module):
            others = [one for one in imported if one not in ours and one not in PURE_IMPORTS and one != RELATIVE]
            found += [f"{module} is pure and imports {one}" for one in others]
            found += [f"{module} is pure and calls {call}" for call in impure_calls(tree)]
    return found


def _upward(folder: str, imported: str) -> str:
    other = folder_of(imported)
    if other is None or other == folder:
        return ""
    if folder.startswith("connectors") and other.startswith("streams"):
        return f"imports {imported}: connectors are usable without streams"
    if floor_of(other) > floor_of(folder):
        return f"imports {imported} from a floor above it"
    if floor_of(other) == floor_of(folder):
        return f"imports {imported} from the same floor"
    return ""


def project_sources() -> dict[str, str]:
    """Every module of both packages."""
    sources = {}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            sources[name] = file.read_text(encoding="utf-8")
    return sources


def test_imports_go_downwards_and_decisions_are_pure() -> None:
    """No module of the project breaks a rule of this file."""
    sources = project_sources()
    assert len(sources) > 50
    assert violations(sources) == []


@pytest.mark.parametrize(
    ("module", "source", "breach"),
    [
        ("streams.core.plan", "from streams.worker.agents.record import record", "from a floor above it"),
        ("streams.messages.change", "import streams.core.plan", "from a floor above it"),
        ("streams.core.plan", "def f():\n    from streams.worker.worker import Worker", "from a floor above it"),
        ("streams.core.plan", "from streams.kafka.admin import topics", "from the same floor"),
        ("streams.worker.worker", "from streams.operations.replay import runs", "from the same floor"),
        ("connectors.ghl.client", "from connectors.lofty.client import Client", "from the same floor"),
        ("connectors.outcome", "from connectors.ghl.operations import OPERATIONS", "from a floor above it"),
        ("connectors.ghl.client", "from streams.messages import Change", "usable without streams"),
        ("streams.core.plan", "import time", "imports time"),
        ("streams.core.plan", "from random import random", "imports random"),
        ("streams.mapping.compile", "import os.path", "imports os.path"),
        ("streams.core.plan", "from datetime import datetime\nx = datetime.now()", "calls datetime.now()"),
        ("streams.core.plan", "import datetime\nx = datetime.date.today()", "calls datetime.date.today()"),
        ("streams.core.plan", "x = open('y')", "calls open()"),
        ("streams.core.plan", "from . import rows", "relative"),
        ("streams.somewhere", "", "has no floor"),
        ("streams.worker.x", "\n".join(f"import streams.kafka.m{n}" for n in range(MOST_IMPORTS + 1)), "two ideas"),
    ],
)
def test_a_planted_breach_is_found(module: str, source: str, breach: str) -> None:
    """The rules see what they are there to see."""
    found = violations({module: source, "streams.worker.agents.record": "", "streams.core.plan.x": ""})
    assert any(breach in sentence for sentence in found), found
