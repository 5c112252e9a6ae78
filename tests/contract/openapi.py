"""Holds one HTTP exchange against a vendor's OpenAPI 3.0 documents, and says what differs.

The documents are read from the vendors' own files, which are not part of this project:
`LOFTY_GHL_SPECS` names their folder, else it is `../shared/specs` beside the repository.

The check is stricter than a validator alone.
An operation, status, query parameter or body property that the document does not name is a fault too:
the vendors refuse what they do not know, so a misspelt field must not pass.
Where a document is wrong, the test that uses it lists an `Excuse` with its reason (`tests/contract/faults.py`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.contract.faults import Fault

_METHODS = ("get", "post", "put", "patch", "delete")


def specs_folder(vendor: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of one vendor's documents. Skips the test when it is absent, and fails it when CI demands it."""
    root = Path(environ.get("LOFTY_GHL_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs")
    folder = root / vendor
    if not folder.is_dir():
        reason = f"the vendor's OpenAPI documents are not at {folder} (LOFTY_GHL_SPECS names their folder)"
        if environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@dataclass(frozen=True, slots=True)
class Described:
    """One operation of a document. `pointer` leads to it in the registry."""

    operation_id: str
    method: str
    template: str
    pattern: re.Pattern[str]
    content: Mapping[str, Any]
    pointer: str
    parameters: tuple[Mapping[str, Any], ...]


class OpenApi:
    """Some of a vendor's documents (`documents`, relative to `folder`), and those that they refer to (`neighbours`)."""

    def __init__(self, folder: Path, documents: Sequence[str], neighbours: Sequence[str] = ()) -> None:
        self._resources: dict[str, Any] = {}
        for name in (*documents, *neighbours):
            self._resources[f"http://specs/{name}"] = json.loads((folder / name).read_text(encoding="utf-8"))
        self._registry: Registry[Any] = Registry().with_resources(
            (uri, DRAFT4.create_resource(content)) for uri, content in self._resources.items()
        )
        found = [one for name in documents for one in self._read(f"http://specs/{name}")]
        self.operations = tuple(sorted(found, key=lambda one: one.template.count("{")))

    def find(self, method: str, url: str) -> Described | None:
        """The operation that a request is, literal paths before templates."""
        path = urlsplit(url).path
        return next((one for one in self.operations if one.method == method and one.pattern.fullmatch(path)), None)

    def by_id(self, operation_id: str) -> Described:
        """The operation of this id."""
        return next(one for one in self.operations if one.operation_id == operation_id)

    def request_faults(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> list[Fault]:
        """What is wrong with a request: its path, query, headers and body."""
        described = self.find(method, url)
        if described is None:
            return [Fault(f"{method} {urlsplit(url).path}", "request", "path", "path", "no such operation")]
        return [
            Fault(described.operation_id, "request", where, rule, message)
            for where, rule, message in (
                *self._parameter_faults(described, url, headers),
                *self._body_faults(described, headers, body),
            )
        ]

    def answer_faults(self, method: str, url: str, status: int, body: bytes, *, closed: bool = True) -> list[Fault]:
        """What is wrong with an answer: status and body. `closed` also refuses properties that are not described."""
        described = self.find(method, url)
        if described is None:
            return [Fault(f"{method} {urlsplit(url).path}", "answer", "path", "path", "no such operation")]
        return [
            Fault(described.operation_id, "answer", where, rule, message)
            for where, rule, message in self._answer_faults(described, status, body, closed)
        ]

    def value_faults(
        self, pointer: str, value: Any, where: str, *, closed: bool = True
    ) -> Iterator[tuple[str, str, str]]:
        """What is wrong with a value, by the schema at a pointer (`http://specs/NAME#/…`): place, rule and message."""
        validator = OAS30Validator({"$ref": pointer}, registry=self._registry, format_checker=oas30_format_checker)
        for error in validator.iter_errors(value):
            place = where + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
            yield place, str(error.validator), error.message
        if closed:
            yield from self._undescribed({"$ref": pointer}, pointer.split("#")[0], value, where)

    # -- reading the documents ------------------------------------------------------------------------------

    def _read(self, uri: str) -> Iterator[Described]:
        for template, methods in self._resources[uri]["paths"].items():
            shared = methods.get("parameters", [])
            pattern = re.compile(
                "".join(
                    "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template)
                )
            )
            for method in _METHODS:
                if (content := methods.get(method)) is None:
                    continue
                pointer = f"{uri}#/paths/{_escape(template)}/{method}"
                parameters = tuple(self._resolve(uri, one)[1] for one in (*shared, *content.get("parameters", [])))
                name = content.get("operationId") or f"{method.upper()} {template}"
                yield Described(name, method.upper(), template, pattern, content, pointer, parameters)

    def _resolve(self, uri: str, schema: Any) -> tuple[str, Any]:
        """Follow `$ref` to a schema; also returns the document that it is in."""
        while isinstance(schema, dict) and "$ref" in schema:
            found = self._registry.resolver(uri).lookup(schema["$ref"])
            uri, schema = found.resolver._base_uri or uri, found.contents
        return uri, schema

    # -- the checks -----------------------------------------------------------------------------------------

    def _parameter_faults(
        self, described: Described, url: str, headers: Mapping[str, str]
    ) -> Iterator[tuple[str, str, str]]:
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        given_headers = {name.lower(): value for name, value in headers.items()}
        by_name: dict[str, list[str]] = {}
        for name, value in query:
            by_name.setdefault(name, []).append(value)
        known = {one["name"] for one in described.parameters if one["in"] == "query"}
        for name in by_name.keys() - known - {f"{name}[]" for name in known}:
            yield f"query.{name}", "undescribed", "the document has no such query parameter"
        for one in described.parameters:
            name, place, schema = one["name"], one["in"], one.get("schema", {})
            if place == "query":
                values = by_name.get(name) or by_name.get(f"{name}[]")
            elif place == "header":
                values = [given_headers[name.lower()]] if name.lower() in given_headers else None
            else:
                values = [unquote(part) for part in self._path_values(described, url, name)]
            if not values:
                if one.get("required"):
                    yield f"{place}.{name}", "required", "is missing"
                continue
            value = _coerced(values, self._resolve(described.pointer.split("#")[0], schema)[1])
            for error in OAS30Validator(
                schema, registry=self._registry, format_checker=oas30_format_checker
            ).iter_errors(value):
                yield f"{place}.{name}", str(error.validator), error.message

    @staticmethod
    def _path_values(described: Described, url: str, name: str) -> list[str]:
        named = re.split(r"(\{[^}]*\})", described.template)
        expression = "".join(
            f"(?P<p{i}>[^/]+)" if part.startswith("{") else re.escape(part) for i, part in enumerate(named)
        )
        match = re.fullmatch(expression, urlsplit(url).path)
        return [match[f"p{i}"] for i, part in enumerate(named) if part == f"{{{name}}}"] if match else []

    def _body_faults(
        self, described: Described, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[tuple[str, str, str]]:
        promised = described.content.get("requestBody")
        if body is None:
            if promised is not None and promised.get("required"):
                yield "body", "required", "is missing"
            return
        if promised is None:
            yield "body", "undescribed", "the document has no body here"
            return
        kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "").split(";")[0]
        if kind not in promised["content"]:
            yield "header.Content-Type", "content type", f"{kind!r} is none of {sorted(promised['content'])}"
            return
        pointer = f"{described.pointer}/requestBody/content/{_escape(kind)}/schema"
        is_form = kind == "application/x-www-form-urlencoded"
        given = dict(parse_qsl(body.decode(), keep_blank_values=True)) if is_form else json.loads(body)
        yield from self.value_faults(pointer, given, "body")

    def _answer_faults(
        self, described: Described, status: int, body: bytes, closed: bool
    ) -> Iterator[tuple[str, str, str]]:
        responses = described.content.get("responses", {})
        key = next((one for one in (str(status), f"{status // 100}XX", "default") if one in responses), None)
        if key is None:
            yield f"status.{status}", "undescribed", f"the document knows only {sorted(responses)}"
            return
        content = responses[key].get("content", {})
        kind = next((one for one in content if "json" in one or one == "*/*"), None)
        if kind is None or "schema" not in content[kind]:
            return
        try:
            value = json.loads(body)
        except ValueError as error:
            yield f"status.{status}.body", "json", str(error)
            return
        pointer = f"{described.pointer}/responses/{key}/content/{_escape(kind)}/schema"
        yield from self.value_faults(pointer, value, f"status.{status}.body", closed=closed)

    def _undescribed(self, schema: Any, uri: str, value: Any, where: str) -> Iterator[tuple[str, str, str]]:
        """The properties of a value that its schema does not name. A schema without properties leaves them free."""
        uri, schema = self._resolve(uri, schema)
        if isinstance(value, list):
            for place, item in enumerate(value):
                if "items" in schema:
                    yield from self._undescribed(schema["items"], uri, item, f"{where}[{place}]")
            return
        if not isinstance(value, dict):
            return
        properties = self._properties(uri, schema)
        if not properties or schema.get("additionalProperties"):
            return
        for name, item in value.items():
            if name not in properties:
                yield f"{where}.{name}", "undescribed", "the document has no such property"
            elif len(properties[name]) == 1:
                home, one = properties[name][0]
                yield from self._undescribed(one, home, item, f"{where}.{name}")

    def _properties(self, uri: str, schema: Any) -> dict[str, list[tuple[str, Any]]]:
        uri, schema = self._resolve(uri, schema)
        found: dict[str, list[tuple[str, Any]]] = {
            name: [(uri, one)] for name, one in schema.get("properties", {}).items()
        }
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                for name, places in self._properties(uri, part).items():
                    found.setdefault(name, []).extend(places)
        return found


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _coerced(values: list[str], schema: Mapping[str, Any]) -> Any:
    """A query's text as the type that its schema asks for; text that is no such value stays text, and fails."""
    kind = schema.get("type")
    if kind == "array":
        return [_coerced([value], schema.get("items", {})) for value in values]
    text = values[0]
    if kind in {"integer", "number"} and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text
