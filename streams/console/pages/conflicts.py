"""Conflicts: both people side by side, and who they are."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from streams.console.errors import WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href
from streams.console.pages.views.conflicts_view import conflicts_view
from streams.messages import IdentityDecision


class ConflictsPage(Page):
    """`/console/conflicts`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/conflicts", self.conflicts, role="viewer", concerns="filtered")
        self._guard.add(app, "POST", "/conflicts/decide", self.decide, role="operator", concerns="filtered")

    async def conflicts(self, request: web.Request) -> web.StreamResponse:
        """The list."""
        found = await self._services.conflicts.found(request.query.get("connection", ""))
        return await self._layout.page(request, "conflicts.html", conflicts_view(found))

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """One person, or two."""
        form, by = await form_of(request), self._guard.actor(request)
        decision = form.get("decision", "")
        if decision not in ("same", "apart"):
            raise WrongInput("Choose one of the two buttons on the page Conflicts.")
        connection, lead, contact = (form.get(name, "") for name in ("connection", "lead", "contact"))
        said = cast(IdentityDecision, decision)
        done = await self._services.conflicts.decide(by, connection, lead, said, contact)
        return self._layout.redirect(href("/conflicts"), f"Decided. What follows: {done.next}.")
