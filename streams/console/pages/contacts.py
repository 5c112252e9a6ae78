"""Leads: the list with its search and its export, and the timeline of one lead."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import Unavailable, WrongInput
from streams.console.pages.layout import Page
from streams.console.pages.views import contacts_view as contacts
from streams.console.pages.views.leads_view import LeadChoice, leads_view, no_leads
from streams.console.pages.views.page_view import Notice


class ContactsPage(Page):
    """`/console/contacts`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/contacts", self.contacts, role="viewer", concerns="filtered")
        self._guard.add(app, "GET", "/contacts/export", self.export, role="viewer", concerns="filtered")
        self._guard.add(app, "GET", "/contacts/{connection}/{lead}", self.contact, role="viewer")

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """The list of leads, or what a search finds."""
        choice, leads = LeadChoice.of(request.query), self._services.contacts.listing
        labels = self._services.settings.connections
        connections = tuple((name, labels[name].label) for name in self._services.connection_names if name in labels)
        try:
            wanted = choice.filter(self._layout.zone(request))
            found = await leads.page(wanted, connection=choice.connection, after=choice.after)
            view = leads_view(choice, connections, found, await leads.choices(choice.connection))
        except (WrongInput, Unavailable) as error:
            view = no_leads(choice, connections, error.words)
            return await self._layout.page(request, "contacts.html", view, message=Notice("warn", error.words))
        return await self._layout.page(request, "contacts.html", view)

    async def export(self, request: web.Request) -> web.StreamResponse:
        """The leads of the list as a CSV file."""
        choice = LeadChoice.of(request.query)
        wanted = choice.filter(self._layout.zone(request))
        by = self._guard.actor(request)
        lines = await self._services.contacts.listing.export(by, wanted, connection=choice.connection)
        headers = {"Content-Disposition": 'attachment; filename="leads.csv"'}
        return web.Response(body=lines, content_type="text/csv", charset="utf-8", headers=headers)

    async def contact(self, request: web.Request) -> web.StreamResponse:
        """The story of one contact."""
        connection, lead = request.match_info["connection"], request.match_info["lead"]
        found = await self._services.contacts.timeline(connection, lead)
        only = request.query.get("kind", "")
        view = contacts.timeline(found, only if only in contacts.KINDS else "", is_long="lines" in request.query)
        return await self._layout.page(request, "timeline.html", view)
