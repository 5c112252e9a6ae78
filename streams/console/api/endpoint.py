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
from streams.console.auth.guard import Guard, Required, Visitor
from streams.console.errors import Fault, WrongInput
from streams.console.services.services import Services
from streams.mapping.errors import shown


class Input(BaseModel):
    """The query or body of an endpoint: closed to names that are not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a handler is given. `path` are the parts of the address, `query` and `body` are checked already."""

    services: Services
    guard: Guard
    request: web.Request
    visitor: Visitor
    by: Actor
    path: Mapping[str, str]
    query: Any
    body: Any


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`answers` is the type of what `work` returns; `query` and `body` are checked before it is called.

    `refuses` are statuses beside those that every endpoint may answer.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    id: str
    tag: str
    summary: str
    role: Required
    answers: Any
    work: Callable[[Asked], Awaitable[Any]]
    query: type[Input] | None = None
    body: type[Input] | None = None
    refuses: tuple[int, ...] = ()
    is_idempotent: bool = True

    @property
    def parts(self) -> list[str]:
        """The names of the parts of the address."""
        return re.findall(r"{(\w+)}", self.path)


def add_endpoints(app: web.Application, guard: Guard, services: Services, endpoints: tuple[Endpoint, ...]) -> None:
    """Add the routes of all endpoints."""
    for one in endpoints:
        guard.add(app, one.method, one.path, _handler(one, guard, services), role=one.role)


def _handler(endpoint: Endpoint, guard: Guard, services: Services) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        asked = Asked(
            services=services,
            guard=guard,
            request=request,
            visitor=guard.visitor(request),
            by=guard.actor(request),
            path=dict(request.match_info),
            query=_checked(endpoint.query, _flat(request), "query"),
            body=_checked(endpoint.body, await _json(request), "body") if endpoint.body else None,
        )
        found = await endpoint.work(asked)
        return found if isinstance(found, web.Response) else answer(found)

    return handle


def answer(value: Any, status: int = 200) -> web.Response:
    """A value as JSON, whatever others have written into it."""
    return web.Response(body=write(value, default=_plain), status=status, content_type="application/json")


def _plain(value: Any) -> Any:
    """Words and their parts, which are pydantic models."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON")


def _flat(request: web.Request) -> dict[str, str]:
    repeated = [name for name in request.query if len(request.query.getall(name)) > 1]
    if repeated:
        raise WrongInput("A parameter stands there twice.", [Fault(f"query.{repeated[0]}", "one value", "several")])
    return dict(request.query)


async def _json(request: web.Request) -> Any:
    if request.content_type != "application/json":
        got = request.content_type
        raise WrongInput("The body must be JSON.", [Fault("header.Content-Type", "application/json", got)])
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise WrongInput("The body is not valid JSON.", [Fault("body", "valid JSON", str(error)[:200])]) from None


def _checked(model: type[Input] | None, value: Any, where: str) -> Any:
    if model is None:
        if value:
            raise WrongInput("There are parameters that are not known.", [Fault(where, "none", ", ".join(value)[:200])])
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = [
            Fault(
                ".".join((where, *(str(part) for part in detail["loc"]))),
                "no such name" if detail["type"] == "extra_forbidden" else str(detail["msg"]),
                "" if detail["type"] == "missing" else shown(detail["input"])[:200],
            )
            for detail in error.errors(include_url=False, include_context=False)
        ]
        raise WrongInput("Something in the request is not right.", faults) from None
