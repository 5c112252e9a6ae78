"""The fixed corpus: hostile bodies, texts, values, answers, headers, mappings and addresses that we wrote ourselves.

| file | a row is |
| --- | --- |
| `bodies` | a body: `parts` are texts, one byte a character, or `[text, times]` |
| `texts` | a text for any field, `times` in a row; it may hold half a surrogate pair |
| `values` | a JSON value for any field, or how deep a list is nested (`nested`) |
| `answers` | a vendor's answer: `status`, `headers`, `parts`; `packed` with gzip |
| `headers` | headers, one byte a character |
| `mappings` | a text of the mappings' editor |
| `paths` | what replaces a part of an address |
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("corpus")


@dataclass(frozen=True, slots=True)
class Lie:
    """What a vendor answers in place of the truth."""

    name: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [json.loads(line) for line in _lines(name)]


@cache
def _lines(name: str) -> tuple[str, ...]:
    return tuple((FOLDER / f"{name}.jsonl").read_text().splitlines())


@cache
def bodies(location: str, team: str) -> tuple[bytes, ...]:
    """All bodies, with this location and team where they name one."""
    return tuple(
        _joined(one["parts"]).replace(b"LOCATION", location.encode()).replace(b"TEAM", team.encode())
        for one in rows("bodies")
    )


@cache
def texts() -> tuple[str, ...]:
    """All texts."""
    return tuple(one["text"] * one["times"] for one in rows("texts"))


def values() -> tuple[Any, ...]:
    """All values, made again each time, so that a test may change them."""
    found = (json.loads(line) for line in _lines("values"))
    return tuple(_nested(one["nested"]) if "nested" in one else one["value"] for one in found)


@cache
def answers() -> tuple[Lie, ...]:
    """All answers."""
    found = []
    for one in rows("answers"):
        body = _joined(one["parts"])
        body = gzip.compress(body, 9) if one.get("packed") else body
        found.append(Lie(one["name"], one["status"], tuple(one["headers"].items()), body))
    return tuple(found)


@cache
def headers() -> tuple[tuple[tuple[bytes, bytes], ...], ...]:
    """All headers, as bytes."""
    return tuple(
        tuple((name.encode(), value.encode("latin-1")) for name, value in one.items()) for one in rows("headers")
    )


@cache
def mappings() -> tuple[str, ...]:
    """All texts of mappings."""
    return tuple(one["text"] * one["times"] for one in rows("mappings"))


@cache
def paths() -> tuple[bytes, ...]:
    """All parts of addresses, as bytes."""
    return tuple(one["path"].encode("latin-1") for one in rows("paths"))


def written(value: Any, *, escaped: bool = True) -> bytes:
    """A value as JSON, whatever is in it: halves of pairs, NaN, depth."""
    if escaped:
        return _dumped(value).encode()
    return _dumped(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _dumped(value: Any, **options: Any) -> str:
    depth, inner = 0, value
    while isinstance(inner, list) and len(inner) == 1:  # what is nested without an end is written without recursion
        depth, inner = depth + 1, inner[0]
    return "[" * depth + json.dumps(inner, **options) + "]" * depth


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(min(depth, 250)):  # what is written and copied with recursion goes to a thousand
        value = [value]
    return value


def _joined(parts: Iterable[Any]) -> bytes:
    return "".join(one if isinstance(one, str) else one[0] * one[1] for one in parts).encode("latin-1")
