"""Contacts: the search, and the timeline of one contact."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import WrongInput
from streams.console.pages.layout import Page
from streams.console.pages.views import contacts_view as contacts
from streams.console.pages.views.contacts_view import SearchView
from streams.console.pages.views.page_view import Notice


class ContactsPage(Page):
    """`/console/contacts`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/contacts", self.contacts, role="viewer", concerns="filtered")
        self._guard.add(app, "GET", "/contacts/{connection}/{lead}", self.contact, role="viewer")

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """The search. One hit is opened at once, unless the person only looks at a connection."""
        wanted = request.query.get("q", "").strip()
        connection = request.query.get("connection", "")
        known = self._services.connection_names
        if not wanted:
            fresh = await self._services.contacts.freshness()
            count, is_complete = (fresh.contacts, fresh.is_complete) if fresh else (0, True)
            view = SearchView("", connection, known, (), False, count, 0.0, is_complete, is_searched=False)
            return await self._layout.page(request, "contacts.html", view)
        try:
            found = await self._services.contacts.search(wanted, connection=connection)
        except WrongInput as error:
            view = SearchView(wanted, connection, known, (), False, 1, 0.0, is_searched=False)
            return await self._layout.page(request, "contacts.html", view, message=Notice("warn", error.words))
        return await self._layout.page(request, "contacts.html", contacts.search(wanted, connection, known, found))

    async def contact(self, request: web.Request) -> web.StreamResponse:
        """The story of one contact."""
        connection, lead = request.match_info["connection"], request.match_info["lead"]
        found = await self._services.contacts.timeline(connection, lead)
        only = request.query.get("kind", "")
        view = contacts.timeline(found, only if only in contacts.KINDS else "", is_long="lines" in request.query)
        return await self._layout.page(request, "timeline.html", view)
