"""The catalogue of triggers and actions."""

from __future__ import annotations

from aiohttp import web

from streams.catalogue.row import KINDS, STATES, VENDORS
from streams.console.pages.layout import Page
from streams.console.pages.views.catalogue_view import catalogue_view
from streams.console.services.catalogue import catalogue_page


class CataloguePages(Page):
    """`/console/catalogue`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/catalogue", self.all, role="viewer", concerns="person")

    async def all(self, request: web.Request) -> web.StreamResponse:
        """The rows that are asked for; what is no state, vendor or kind narrows nothing."""
        asked = {name: request.query.get(name, "") for name in ("state", "vendor", "kind")}
        state = asked["state"] if asked["state"] in STATES else None
        vendor = asked["vendor"] if asked["vendor"] in VENDORS else None
        kind = asked["kind"] if asked["kind"] in KINDS else None
        words = request.query.get("q", "")[:200]
        view = catalogue_view(catalogue_page(state, vendor, kind, words), state, vendor, kind, words)
        return await self._layout.page(request, "catalogue.html", view)
