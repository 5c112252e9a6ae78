"""The OpenAPI 3.1 document, made from the endpoints: what is served is what is described."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from streams.console.api.endpoint import Endpoint

_REF = "#/components/schemas/{model}"
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_STATUS_TEXTS = {
    401: "Not signed in, or an unknown token",
    403: "Another role is needed, or the request does not come from the console's own pages",
    404: "Not found",
    409: "Conflict: somebody else changed it first",
    422: "The request is not valid; `faults` say why",
    429: "Too many attempts",
    503: "the storage or the index is not reachable",
}
_SCOPE_TEXTS = {
    "connection": " Whoever is limited to some connections gets 404 for another one.",
    "filtered": " Whoever is limited to some connections gets what is of those.",
    "deployment": " Not for those who are limited to some connections.",
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "description": "for programs: the kind of problem"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what happened, and what to do, for a person"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "expected", "got", "hint", "line"],
                "additionalProperties": False,
                "properties": {
                    "where": {"type": "string"},
                    "expected": {"type": "string"},
                    "got": {"type": "string"},
                    "hint": {"type": "string"},
                    "line": {"type": ["integer", "null"]},
                },
            },
        },
    },
}


def document(endpoints: tuple[Endpoint, ...], version: str) -> dict[str, Any]:
    """The whole document."""
    adapters = [(one.id, "serialization", TypeAdapter(one.result)) for one in endpoints]
    schemas, shared = TypeAdapter.json_schemas(adapters, ref_template=_REF)  # type: ignore[arg-type]  # a literal in a tuple
    bodies = [(one.body, "validation") for one in endpoints if one.body is not None]
    _, in_bodies = models_json_schema(bodies, ref_template=_REF)  # type: ignore[arg-type]  # as above
    results, inputs = shared.get("$defs", {}), in_bodies.get("$defs", {})
    if twice := [name for name in results.keys() & inputs.keys() if results[name] != inputs[name]]:
        raise ValueError(f"two different schemas have the name {', '.join(sorted(twice))}: rename one of the classes")
    components = {**results, **inputs, "Problem": _PROBLEM_SCHEMA}
    paths: dict[str, Any] = {}
    for one in endpoints:
        result = schemas[(one.id, "serialization")]
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, result)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lofty-ghl",
            "version": version,
            "description": "Everything that the console shows and does. Times are epoch milliseconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"session": []}],
        "tags": [{"name": name} for name in sorted({one.tag for one in endpoints})],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "made by lofty-ghl console new-token"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "lofty_ghl_session",
                    "description": "from signing in; requests that change something need the header X-CSRF-Token",
                },
            },
        },
    }


def _operation(endpoint: Endpoint, result: Any) -> dict[str, Any]:
    statuses = {*endpoint.errors, 422, 503}
    if endpoint.role != "anyone":
        statuses |= {401, 403, 429}  # 429: of tokens that are none
    if endpoint.method != "GET":
        statuses.add(403)
    responses: dict[str, Any] = {"200": {"description": "done", "content": {endpoint.answers: {"schema": result}}}}
    for status in sorted(statuses):
        content = {"application/problem+json": {"schema": _PROBLEM}}
        responses[str(status)] = {"description": _STATUS_TEXTS[status], "content": content}
    found: dict[str, Any] = {
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "description": {
            "anyone": "For anyone.",
            "viewer": "For every role.",
            "operator": "For the roles operator and admin.",
            "settings": "For the role admin, and for operators unless console.operators_edit_connections is false.",
            "admin": "For the role admin.",
        }[endpoint.role]
        + _SCOPE_TEXTS.get(endpoint.concerns or "connection", ""),
        "parameters": [*_parts(endpoint), *_query(endpoint)],
        "responses": responses,
    }
    if endpoint.role == "anyone":
        found["security"] = []
    if endpoint.body is not None:
        schema = {"$ref": _REF.format(model=endpoint.body.__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _parts(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in endpoint.parts]


def _query(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(schema_generator=GenerateJsonSchema)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            **({"description": one["description"]} if "description" in one else {}),
            "schema": {key: value for key, value in one.items() if key not in ("description", "title")},
        }
        for name, one in schema.get("properties", {}).items()
    ]
