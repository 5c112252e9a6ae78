"""One endpoint of the API as data, and the handler that is made from it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.http.json_reader import write
from streams.console.auth.audit_log import Actor
from streams.console.auth.guard import Guard, Visitor
from streams.console.auth.route_table import Required
from streams.console.auth.scope import Concerns
from streams.console.errors import Fault, WrongInput
from streams.console.services.services import Services
from streams.mapping.errors import shown


class Input(BaseModel):
    """The query or body of an endpoint: unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """What a handler is given. `path` holds the parts of the address; `query` and `body` are validated."""

    services: Services
    guard: Guard
    request: web.Request
    visitor: Visitor
    by: Actor
    path: Mapping[str, Any]
    query: Any
    body: Any

    @property
    def arguments(self) -> dict[str, Any]:
        """The fields of the body, or of the query, by name."""
        return dict(self.body or self.query)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`result` is the type of what `handle` returns; `query` and `body` are validated before it is called.

    `errors` are statuses besides those that every endpoint may answer. `concerns` is left out where the address has `{connection}`.
    `answers` is the media type of what is done.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    id: str
    tag: str
    summary: str
    role: Required
    result: Any
    handle: Callable[[ApiCall], Awaitable[Any]]
    query: type[Input] | None = None
    body: type[Input] | None = None
    errors: tuple[int, ...] = ()
    concerns: Concerns | None = None
    answers: str = "application/json"

    @property
    def parts(self) -> list[str]:
        """The names of the parts of the address."""
        return re.findall(r"{(\w+)}", self.path)


def add_endpoints(app: web.Application, guard: Guard, services: Services, endpoints: tuple[Endpoint, ...]) -> None:
    """Add the routes of all endpoints."""
    for endpoint in endpoints:
        handler = _handler(endpoint, guard, services)
        guard.add(app, endpoint.method, endpoint.path, handler, role=endpoint.role, concerns=endpoint.concerns)


def _handler(endpoint: Endpoint, guard: Guard, services: Services) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        call = ApiCall(
            services=services,
            guard=guard,
            request=request,
            visitor=guard.visitor(request),
            by=guard.actor(request),
            path=dict(request.match_info),
            query=_validated(endpoint.query, _flat(request), "query"),
            body=_validated(endpoint.body, await _json(request), "body") if endpoint.body else None,
        )
        result = await endpoint.handle(call)
        return result if isinstance(result, web.Response) else json_response(result)

    return handle


def json_response(value: Any, status: int = 200) -> web.Response:
    """A value as JSON, whatever text it holds."""
    return web.Response(body=write(value, default=_plain), status=status, content_type="application/json")


def _plain(value: Any) -> Any:
    """Messages and their parts are pydantic models."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON")


def _flat(request: web.Request) -> dict[str, str]:
    repeated = [name for name in request.query if len(request.query.getall(name)) > 1]
    if repeated:
        raise WrongInput("A query parameter was given twice.", [Fault(f"query.{repeated[0]}", "one value", "several")])
    return dict(request.query)


async def _json(request: web.Request) -> Any:
    if request.content_type != "application/json":
        got = request.content_type
        raise WrongInput("The body must be JSON.", [Fault("header.Content-Type", "application/json", got)])
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise WrongInput("The body is not valid JSON.", [Fault("body", "valid JSON", str(error)[:200])]) from None


def _validated(model: type[Input] | None, value: Any, where: str) -> Any:
    if model is None:
        if value:
            raise WrongInput("The request has unknown parameters.", [Fault(where, "none", ", ".join(value)[:200])])
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = [
            Fault(
                ".".join((where, *(str(part) for part in detail["loc"]))),
                "a known name" if detail["type"] == "extra_forbidden" else str(detail["msg"]),
                "" if detail["type"] == "missing" else shown(detail["input"])[:200],
            )
            for detail in error.errors(include_url=False, include_context=False)
        ]
        raise WrongInput("The request is not valid; see its faults.", faults) from None
