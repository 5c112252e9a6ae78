"""The API, added to the application that the gateway mounts under `/api/v1`."""

from __future__ import annotations

from importlib.metadata import version

import orjson
from aiohttp import web

from streams.console.api.all_endpoints import ENDPOINTS
from streams.console.api.endpoint import add_endpoints
from streams.console.api.openapi import document
from streams.console.auth.guard import Guard
from streams.console.services.services import Services


def add_api(app: web.Application, services: Services, guard: Guard) -> None:
    """Add the API to an application that is mounted at `/api/v1`."""
    described = orjson.dumps(openapi())

    async def describe(_: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    guard.add(app, "GET", "/openapi.json", describe, role="anyone", concerns="person")
    add_endpoints(app, guard, services, ENDPOINTS)


def openapi() -> dict[str, object]:
    """The OpenAPI document."""
    return document(ENDPOINTS, version("lofty-ghl"))
