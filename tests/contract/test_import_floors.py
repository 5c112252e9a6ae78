"""The direction of imports: downwards only, `connectors` without `streams`, and decisions without I/O, clock or chance."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("connectors", "streams")

CONSOLE_SHELLS = (
    *(
        "api",
        "api.*",
        "audit",
        "ended",
        "malformed",
        "guard",
        "headers",
        "oidc",
        "oidc_routes",
        "pages",
        "pages.*",
        "replaying",
        "replaying.*",
        "server",
    ),
    *("services", "services.*"),
)

# The first line that names a module says where it lives. Without a mention a module has no place, and the test fails:
# what is new under a pure package is pure until somebody says here that it is not.
FLOORS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (5, "entry", ("streams.cli", "streams.cli.*", "streams.demo", "streams.demo.*")),
    (
        4,
        "root",
        (
            *("streams.app", "streams.collaborators", "streams.dispatchers", "streams.pipeline"),
            *("streams.back", "streams.shifts", "streams.vendors", "streams.faust_app"),
        ),
    ),
    (
        3,
        "shells",
        (
            *("streams.agents", "streams.agents.*", "streams.dispatch", "streams.dispatch.*"),
            *(
                "streams.connecting",
                "streams.resealing",
                "streams.gateway",
                "streams.gateway.*",
                "streams.verify",
                "streams.verify.*",
                "streams.parked",
                "streams.parked.desk",
                "streams.explain",
                "streams.explain.find",
                *(f"streams.explain.{name}" for name in ("ask", "choose", "indexed")),
                "streams.explain.read",
                "streams.backfill",
                "streams.accept_lost",
                "streams.mappings.check",
                "streams.doctor",
                "streams.doctor.examine",
                "streams.doctor.kafka",
                "streams.doctor.machine",
                "streams.doctor.vendors",
                "streams.parked.waiting",
                "streams.mappings.desk",
                *("streams.mappings.evaluator", "streams.mappings.trial_process"),
                "streams.mappings.look",
                "streams.mappings.now",
                "streams.replay",
                *(f"streams.replay.{name}" for name in ("compute", "directories", "dry_run", "engine", "runs")),
                *(f"streams.replay.{name}" for name in ("pace", "shelf", "snapshots", "sources")),
                "streams.subscriptions",
                "streams.observing",
                "streams.observing.*",
                "streams.kept_access",
            ),
            *(f"streams.console.{name}" for name in CONSOLE_SHELLS),
            *("streams.history", "streams.history.*"),
            *("connectors.sandbox", "connectors.sandbox.*"),
            *("connectors.ghl.sandbox", "connectors.ghl.sandbox.*"),
            *("connectors.lofty.sandbox", "connectors.lofty.sandbox.*"),
        ),
    ),
    (
        2,
        "effects",
        (
            *(
                "streams.admin",
                "streams.appender",
                *("streams.kafka", "streams.kafka_rights", "streams.kafka_trouble", "streams.patience"),
                *("streams.logs", "streams.left_out"),
                "streams.metrics",
                "streams.metrics.metrics",
                "streams.metrics.exposition",
                "streams.observe",
                "streams.statuses",
                *("streams.lost_links", "streams.topic_ids"),
                "streams.tracing",
                "streams.otel",
                "streams.producer",
            ),
            *(
                "streams.oauth",
                "streams.parking",
                "streams.places",
                "streams.rules",
                "streams.state",
                "streams.tables",
                "streams.tables.*",
                "streams.brokers",
                "streams.brokers.*",
            ),
            *("streams.settings", "streams.settings.load"),
            *("connectors.http", "connectors.refresh", "connectors.ghl", "connectors.lofty"),
            *(f"connectors.ghl.{name}" for name in ("call", "client", "contacts", "location", "notes")),
            *(f"connectors.ghl.{name}" for name in ("calendars", "relations", "tasks")),
            *(f"connectors.lofty.{name}" for name in ("call", "client", "leads", "notes", "tasks", "team")),
        ),
    ),
    (
        1,
        "decisions",
        (
            *(
                "streams.core",
                "streams.core.*",
                "streams.parked.judge",
                *(f"streams.explain.{name}" for name in ("decisions", "holds", "sent", "story", "timeline")),
                "streams.mappings",
                "streams.mappings.*",
                "streams.doctor.verdict",
                "streams.replay.errors",
                "streams.replay.tally",
                "streams.mapping",
                "streams.mapping.*",
                "streams.settings.*",
            ),
            *("streams.console", "streams.console.*"),
            *("streams.metrics.catalogue", "streams.metrics.spec", "streams.metrics.gauges"),
            *("streams.topics", "streams.limits", "streams.placement", "streams.gateway.addresses"),
            *(
                "connectors.answered",
                "connectors.auth",
                "connectors.operation",
                "connectors.outcome",
                "connectors.error_texts",
            ),
            *("connectors.keyring", "connectors.oauth", "connectors.tokens"),
            *("connectors.ghl.*", "connectors.lofty.*"),
        ),
    ),
    (
        0,
        "words",
        (
            *("streams", "connectors", "streams.words", "streams.words.*"),
            *("connectors.errors", "connectors.rate", "connectors.request", "connectors.json_reader"),
        ),
    ),
)
PURE_UP_TO = 1

# What floors 0 and 1 may import from outside: nothing that reads, writes, waits, tells the time or rolls dice.
PURE_IMPORTS = frozenset(
    (
        *(
            "__future__",
            "base64",
            "collections",
            "collections.abc",
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
            "itertools",
            "json",
            "math",
            "re",
            "tomllib",
        ),
        *("types", "typing", "urllib.parse"),
        *("jmespath", "jmespath.exceptions", "jmespath.functions", "orjson", "phonenumbers"),
        *("jmespath.lexer", "jmespath.visitor"),
        *("contextlib", "contextvars"),  # a context's own value: what one contact may still cost
        *("pydantic", "pydantic.alias_generators", "pydantic.fields", "pydantic_core"),
        "aiokafka.partitioner",  # murmur2, the function that every Kafka client knows
        *("cryptography.exceptions", "cryptography.hazmat.primitives.ciphers.aead"),  # AES-GCM: the nonce is given
        *(f"cryptography.hazmat.primitives.asymmetric.{name}" for name in ("ed25519", "padding", "rsa")),
        *("cryptography.hazmat.primitives.hashes", "cryptography.hazmat.primitives.serialization"),
        *("binascii", "copy", "ipaddress"),
    )
)
# What they may not call, although its module is allowed or built in.
IMPURE_NAMES = frozenset({"open", "print", "input"})
IMPURE_METHODS = frozenset({"now", "today", "utcnow", "read_text", "write_text", "read_bytes", "write_bytes"})
IMPURE_OWNERS = frozenset({"date", "datetime"})

RELATIVE = "a relative import"
Sources = Mapping[str, str]


def floor_of(module: str) -> int | None:
    """The floor of a module, or None when it has no place."""
    for floor, _name, patterns in FLOORS:
        if any(fnmatchcase(module, pattern) for pattern in patterns):
            return floor
    return None


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
        tree = ast.parse(source)
        floor = floor_of(module)
        if floor is None:
            found.append(f"{module} has no floor: give it a place in FLOORS")
            continue
        for imported in sorted(set(imports_of(tree, sources))):
            package = imported.partition(".")[0]
            if imported == RELATIVE:
                found.append(f"{module} has a relative import, which hides its direction")
                continue
            if package in PACKAGES:
                other = floor_of(imported)
                if other is not None and other > floor:
                    found.append(f"{module} (floor {floor}) imports {imported} (floor {other}) above it")
                if module.partition(".")[0] == "connectors" and package == "streams":
                    found.append(f"{module} imports {imported}: connectors are usable without streams")
            elif floor <= PURE_UP_TO and imported not in PURE_IMPORTS:
                found.append(f"{module} (floor {floor}) is pure and imports {imported}")
        if floor <= PURE_UP_TO:
            found += [f"{module} (floor {floor}) is pure and calls {call}" for call in impure_calls(tree)]
    return found


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
        ("streams.core.plan", "from streams.agents.record import record", "above it"),
        ("streams.words.change", "import streams.core.plan", "above it"),
        ("streams.core.plan", "def f():\n    from streams.app import Worker", "above it"),
        ("connectors.ghl.client", "from streams.words import Change", "usable without streams"),
        ("streams.core.plan", "import time", "imports time"),
        ("streams.core.plan", "from random import random", "imports random"),
        ("streams.mapping.compile", "import os.path", "imports os.path"),
        ("streams.core.plan", "from datetime import datetime\nx = datetime.now()", "calls datetime.now()"),
        ("streams.core.plan", "import datetime\nx = datetime.date.today()", "calls datetime.date.today()"),
        ("streams.core.plan", "x = open('y')", "calls open()"),
        ("streams.core.plan", "from . import rows", "relative"),
        ("streams.somewhere", "", "has no floor"),
    ],
)
def test_a_planted_breach_is_found(module: str, source: str, breach: str) -> None:
    """The rules see what they are there to see."""
    found = violations({module: source, "streams.agents.record": "", "streams.core.plan.x": ""})
    assert any(breach in sentence for sentence in found), found
