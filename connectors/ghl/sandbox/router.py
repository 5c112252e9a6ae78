"""Which operation a request is: the catalogue's own paths, literal segments before ids."""

from __future__ import annotations

from urllib.parse import unquote

from connectors.ghl.operations import OPERATIONS
from connectors.operation import Operation

_Pattern = tuple[tuple[str | None, ...], tuple[str, ...], Operation]


def _patterns() -> dict[tuple[str, int], list[_Pattern]]:
    found: dict[tuple[str, int], list[_Pattern]] = {}
    for operation in OPERATIONS.values():
        parts = operation.path.split("/")[1:]
        literals = tuple(None if part.startswith("{") else part for part in parts)
        names = tuple(part[1:-1] for part in parts if part.startswith("{"))
        found.setdefault((operation.method, len(parts)), []).append((literals, names, operation))
    for patterns in found.values():
        patterns.sort(key=lambda one: one[0].count(None))
    return found


_PATTERNS = _patterns()


def route(method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation and its ids, None when there is no such path. `raw_path` still is quoted."""
    parts = raw_path.split("/")[1:]
    for literals, names, operation in _PATTERNS.get((method, len(parts)), ()):
        if all(literal is None or literal == part for literal, part in zip(literals, parts, strict=True)):
            values = (unquote(part) for literal, part in zip(literals, parts, strict=True) if literal is None)
            ids = dict(zip(names, values, strict=True))
            if all(ids.values()):
                return operation, ids
    return None
