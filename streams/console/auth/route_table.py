"""Who may use each route, and what it concerns: said when the route is added, or it is not added."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from aiohttp import web

from streams.console.auth.scope import Concerns

Required = Literal["anyone", "viewer", "operator", "settings", "admin"]
"""`settings`: connections with their settings and keys, which are the admins', and the operators' while
`console.operators_edit_connections` says so."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RouteTable:
    """The routes of pages and API."""

    def __init__(self) -> None:
        self._required: dict[web.AbstractRoute, Required] = {}
        self._concerns: dict[web.AbstractRoute, Concerns] = {}

    def add(
        self,
        app: web.Application,
        method: str,
        path: str,
        handler: Handler,
        role: Required,
        concerns: Concerns | None = None,
    ) -> None:
        """Add a route. An address with `{connection}` concerns that one. Raises `ValueError` for one that says nothing."""
        has_connection = "{connection}" in path
        concerns = concerns or ("connection" if has_connection else None)
        if concerns is None or (concerns == "connection" and not has_connection):
            raise ValueError(
                f"{method} {path}: expected concerns= person, filtered or deployment, as its address has no "
                f"{{connection}}; got {concerns}. See streams/console/auth/scope.py"
            )
        route = app.router.add_get(path, handler) if method == "GET" else app.router.add_route(method, path, handler)
        for one in (route, *((route.resource or ()) if method == "GET" else ())):  # with the HEAD beside a GET
            self._required[one], self._concerns[one] = role, concerns

    def required(self, route: web.AbstractRoute) -> Required | None:
        """Who may use a route; None when it was not added here."""
        return self._required.get(route)

    def concerns(self, route: web.AbstractRoute) -> Concerns:
        """What a route concerns; one that was not added here is for those who see everything."""
        return self._concerns.get(route, "deployment")
