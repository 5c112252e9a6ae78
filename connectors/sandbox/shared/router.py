"""Which operation of a catalogue a request is: literal segments before ids."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from connectors.http.operation import Operation

_Pattern = tuple[tuple[str | None, ...], tuple[str, ...], Operation]


class OperationRouter:
    """Finds operations by method and path."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._patterns: dict[tuple[str, int], list[_Pattern]] = {}
        for operation in operations:
            parts = operation.path.split("/")[1:]
            literals = tuple(None if part.startswith("{") else part for part in parts)
            names = tuple(part[1:-1] for part in parts if part.startswith("{"))
            self._patterns.setdefault((operation.method, len(parts)), []).append((literals, names, operation))
        for patterns in self._patterns.values():
            patterns.sort(key=lambda one: one[0].count(None))

    def route(self, method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation and its ids, None when there is no such path. `raw_path` still is quoted."""
        parts = raw_path.split("/")[1:]
        for literals, names, operation in self._patterns.get((method, len(parts)), ()):
            if all(literal is None or literal == part for literal, part in zip(literals, parts, strict=True)):
                values = (unquote(part) for literal, part in zip(literals, parts, strict=True) if literal is None)
                ids = dict(zip(names, values, strict=True))
                if all(ids.values()):
                    return operation, ids
        return None
