"""Wrong requests, made from a vendor's document: of each operation a good request, and everything that one mistake makes of it.

A mistake is a value of another type, a null, a number or text beyond its bounds, a word that no enum has, or a required field that
is missing: at every depth of the body, and in the query. Where a vendor refuses what it does not know (`closed`), a field that the
document does not name is one, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode

from tests.contract.openapi import Described, OpenApi

Path = tuple[str | int, ...]
MISSING = object()
_BESIDE: Mapping[str, tuple[Any, ...]] = {
    "string": (5, True, ["x"], {"x": "y"}, None),
    "integer": ("5", 1.5, True, [5], None),
    "number": ("5", True, [5], None),
    "boolean": ("true", 1, None),
    "array": ("x", 5, {"x": "y"}, None),
    "object": ("x", 5, ["x"], None),
}
"""By the type that a schema asks for: values of other types."""


@dataclass(frozen=True, slots=True)
class WrongRequest:
    """One request with one mistake at `where`. `mistake` is the value there, in words."""

    operation: str
    where: str
    mistake: str
    query: Mapping[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.operation} {self.where}: {self.mistake}"

    @property
    def target_query(self) -> str:
        """The query as it is sent."""
        return urlencode(self.query)


@dataclass(frozen=True, slots=True)
class Taken:
    """Wrong requests that a sandbox takes. All three patterns may hold `*`."""

    operation: str
    where: str
    mistake: str
    reason: str

    def covers(self, one: WrongRequest) -> bool:
        """Whether it covers a wrong request."""
        pairs = ((one.operation, self.operation), (one.where, self.where), (one.mistake, self.mistake))
        return all(fnmatchcase(text.replace("[", "<"), pattern.replace("[", "<")) for text, pattern in pairs)


class Requests:
    """The good request of one operation (`query`, `body`), and its wrong ones.

    `known` are values by name of which more is asked than their type, such as the ids of records that exist.
    """

    def __init__(
        self, documents: OpenApi, described: Described, name: str, known: Mapping[str, Any], *, closed: bool = False
    ) -> None:
        self._documents, self._described, self._name, self._known, self._closed = (
            documents,
            described,
            name,
            known,
            closed,
        )
        self._home = described.pointer.split("#")[0]
        self._parameters = {one["name"]: one for one in described.parameters if one["in"] == "query"}
        content = described.content.get("requestBody", {}).get("content", {})
        self._schema = content.get("application/json", {}).get("schema")
        self.query = {
            name: str(self._sample(name, {})) for name, one in self._parameters.items() if one.get("required")
        }
        self.body = None if self._schema is None else self._sample("", self._schema)

    def wrong(self) -> Iterator[WrongRequest]:
        """Every wrong request."""
        for name, one in self._parameters.items():
            for mistake, text in self._wrong_texts(one):
                query = {key: value for key, value in {**self.query, name: text}.items() if value is not None}
                yield WrongRequest(self._name, f"query.{name}", mistake, query, self.body)
        if self._schema is None:
            return
        for value in (None, [], "x"):
            yield WrongRequest(self._name, "body", f"{value!r}", self.query, value)
        for path, value in self._mistakes(self._schema, self.body, ()):
            where = "".join("[]" if isinstance(part, int) else f".{part}" for part in path)
            mistake = "is missing" if value is MISSING else f"{value!r:.40}"
            yield WrongRequest(self._name, f"body{where}", mistake, self.query, _with(self.body, path, value))

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._documents._resolve(self._home, schema)[1]  # type: ignore[no-any-return]  # a document is any JSON

    def _sample(self, name: str, schema: Mapping[str, Any]) -> Any:
        schema = self._resolved(schema)
        if name in self._known:
            value = self._known[name]
            return [value] if schema.get("type") == "array" and not isinstance(value, list) else value
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                return {key: self._sample(key, one) for key, one in schema.get("properties", {}).items()}
            case "array":
                return [self._sample("", schema["items"])]
            case "integer":
                return max(1, schema.get("minimum", 1))
            case "number":
                return 1.5
            case "boolean":
                return False
        return "text"

    def _wrong_texts(self, parameter: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
        schema = self._resolved(parameter.get("schema", {}))
        if parameter.get("required"):
            yield "is missing", None
        if schema.get("type") in ("integer", "number", "boolean"):
            yield "'abc'", "abc"
        if schema.get("type") == "integer":
            yield "'1.5'", "1.5"
        if "minimum" in schema:
            yield "is too small", str(schema["minimum"] - 1)

    def _mistakes(self, schema: Mapping[str, Any], good: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        schema = self._resolved(schema)
        kind = schema.get("type", "object" if "properties" in schema else "")
        is_nullable = schema.get("nullable", False)
        if path:
            yield from ((path, value) for value in _BESIDE.get(kind, ()) if value is not None or not is_nullable)
        if "enum" in schema:
            yield path, 99 if kind == "integer" else "no such word"
        if "minimum" in schema:
            yield path, schema["minimum"] - 1
        if "maximum" in schema:
            yield path, schema["maximum"] + 1000
        if schema.get("format") == "int32":
            yield path, 2**31
        if kind == "integer":
            yield path, 2**63
        if "maxLength" in schema:
            yield path, "x" * (schema["maxLength"] + 1)
        if kind == "array" and good:
            yield from self._mistakes(schema["items"], good[0], (*path, 0))
        if kind == "object" and not isinstance(good, dict):
            return  # a text that the document calls an object: its examples show what it means
        if self._closed and kind == "object" and schema.get("properties"):
            yield (*path, "notOfTheDocument"), "x"
        for name, one in schema.get("properties", {}).items():
            if name in schema.get("required", ()):
                yield (*path, name), MISSING
            yield from self._mistakes(one, good[name], (*path, name))


def _with(body: Any, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(body)
    at = changed
    for part in path[:-1]:
        at = at[part]
    if value is MISSING:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed
