"""The rehearsal of a connection: start one, watch it, read what an import would do."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import NotFound, TooMany
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.rehearsal_view import rehearsal_view
from streams.console.services.rehearsals import Rehearsal

SAMPLES = {"500": 500}
"""The choices of the form beside all leads."""


class RehearsalsPage(Page):
    """`/console/connections/NAME/rehearsal`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/connections/{connection}/rehearsal", self.show, role="viewer")
        self._guard.add(app, "POST", "/connections/{connection}/rehearsal", self.start, role="operator")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """A rehearsal of the connection: the one that is asked for, or the newest."""
        connection = await self._services.connection_edits.get(request.match_info["connection"])
        rehearsals, wanted = self._services.runs.rehearsals, request.query.get("run", "")
        if wanted:
            found: Rehearsal | None = await rehearsals.get(connection.id, wanted)
        else:
            found = next(iter(await rehearsals.of(connection.id)), None)
        view = rehearsal_view(connection.id, connection.label, found)
        return await self._layout.page(request, "rehearsal.html", view)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start one."""
        connection, form = request.match_info["connection"], await form_of(request)
        page = href(f"/connections/{part(connection)}/rehearsal")
        try:
            sample = SAMPLES.get(form.get("sample", ""))
            await self._services.runs.rehearsals.start_rehearsal(self._guard.actor(request), connection, sample)
        except (NotFound, TooMany) as error:
            return self._layout.redirect(page, error.words, "warn")
        return self._layout.redirect(page)
