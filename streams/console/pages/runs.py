"""The history of runs: imports, checks, comparisons, rehearsals, acts and replays."""

from __future__ import annotations

from aiohttp import web

from streams.console.pages.layout import Page
from streams.console.pages.views.runs_view import runs_view


class RunsPage(Page):
    """`/console/runs`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/runs", self.all, role="viewer", concerns="filtered")

    async def all(self, request: web.Request) -> web.StreamResponse:
        """The newest, of one connection and kind or of all."""
        connection, kind = request.query.get("connection", ""), request.query.get("kind", "")
        found = await self._services.runs.history.page(connection, kind)
        view = runs_view(found, self._services.connection_names, connection, kind)
        return await self._layout.page(request, "runs.html", view)
