"""Pages that only show: the overview, contacts and their stories, the audit."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import WrongInput
from streams.console.pages.layout import Frame
from streams.console.pages.views import audit_view as audit
from streams.console.pages.views import contacts_view as contacts
from streams.console.pages.views import overview_view as overview
from streams.console.pages.views.contacts import Search
from streams.console.pages.views.page_view import Notice
from streams.console.services.services import Services


class Reading:
    """The handlers."""

    def __init__(self, frame: Frame, services: Services) -> None:
        self._frame = frame
        self._services = services

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._frame.guard
        guard.add(app, "GET", "/", self.overview, role="viewer")
        guard.add(app, "GET", "/contacts", self.contacts, role="viewer")
        guard.add(app, "GET", "/contacts/{connection}/{lead}", self.contact, role="viewer")
        guard.add(app, "GET", "/audit", self.audit, role="viewer")

    async def overview(self, request: web.Request) -> web.StreamResponse:
        """Is it running?"""
        found, history = await self._services.overview.now(), await self._services.overview.history()
        return await self._frame.page(request, "overview.html", overview.page(found, history))

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """The search. One hit is opened at once, unless the person only looks at a connection."""
        wanted = request.query.get("q", "").strip()
        connection = request.query.get("connection", "")
        known = tuple(sorted(self._services.settings.connections))
        if not wanted:
            fresh = await self._services.contacts.freshness()
            count, is_complete = (fresh.contacts, fresh.is_complete) if fresh else (0, True)
            view = Search("", connection, known, (), False, count, 0.0, is_complete)
            return await self._frame.page(request, "contacts.html", view)
        try:
            found = await self._services.contacts.search(wanted, connection=connection)
        except WrongInput as error:
            view = Search(wanted, connection, known, (), False, 1, 0.0)
            return await self._frame.page(request, "contacts.html", view, message=Notice("warn", error.words))
        return await self._frame.page(request, "contacts.html", contacts.search(wanted, connection, known, found))

    async def contact(self, request: web.Request) -> web.StreamResponse:
        """The story of one contact."""
        connection, lead = request.match_info["connection"], request.match_info["lead"]
        found = await self._services.contacts.timeline(connection, lead)
        mapping = self._services.settings.connections[connection].mapping.name
        only = request.query.get("kind", "")
        view = contacts.timeline(found, only if only in contacts.KINDS else "", mapping)
        return await self._frame.page(request, "timeline.html", view)

    async def audit(self, request: web.Request) -> web.StreamResponse:
        """Who did what."""
        who, before = request.query.get("who", ""), request.query.get("before", "")
        found = await self._services.audit.page(who=who, before=before)
        return await self._frame.page(request, "audit.html", audit.page(found, who))
