"""The overview: is it running?"""

from __future__ import annotations

from aiohttp import web

from streams.console.pages.layout import Page
from streams.console.pages.views.overview_view import overview_view


class OverviewPage(Page):
    """`/console/`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/", self.overview, role="viewer", concerns="filtered")

    async def overview(self, request: web.Request) -> web.StreamResponse:
        """Is it running?"""
        found, history = await self._services.overview.now(), await self._services.overview.history()
        return await self._layout.page(request, "overview.html", overview_view(found, history))
