"""The steps of a new connection, which can be left and taken up again: they are read from what the connection is and has done."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web

from streams.console.errors import NotFound, Unavailable
from streams.console.pages.layout import Page
from streams.console.pages.render import href, part
from streams.console.pages.views.steps_view import StepsView, access_words, steps_view


class StepsPage(Page):
    """`/console/connections/NAME/steps`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/connections/{connection}/steps", self.show, role="viewer")
        self._guard.add(app, "POST", "/connections/{connection}/steps", self.check, role="operator")
        self._guard.add(app, "POST", "/connections/{connection}/steps/invite", self.invite, role="settings")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What is done, what is missing, and what comes next."""
        view = await self._view(request.match_info["connection"])
        return await self._layout.page(request, "steps.html", view)

    async def invite(self, request: web.Request) -> web.StreamResponse:
        """The same, with a link that can be sent to the location's owner."""
        connection = request.match_info["connection"]
        made = await self._services.connection_access.invite_to_consent(self._guard.actor(request), connection)
        view = replace(await self._view(connection), invitation=made)
        return await self._layout.page(request, "steps.html", view)

    async def _view(self, connection: str) -> StepsView:
        services = self._services
        # Together, so that what both need of Kafka is read once: a page has a few seconds for that.
        known, imports = await asyncio.gather(services.connections.all(), services.backfill.all())
        one = next((one for one in known if one.name == connection), None)
        if one is None:
            raise NotFound(f"There is no connection {connection[:63]!r}.")
        rehearsals = await services.runs.rehearsals.of(connection)
        imported = next((row for row in imports if row.connection == connection), None)
        compared = (run for run in await services.runs.verifications.all(connection) if not run.lead)
        return steps_view(one, next(iter(rehearsals), None), imported, next(compared, None))

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Say whose accounts they are, and which permissions are missing."""
        connection = request.match_info["connection"]
        page = href(f"/connections/{part(connection)}/steps")
        try:
            found = await self._services.locations.check_access(self._guard.actor(request), connection)
        except Unavailable as error:
            return self._layout.redirect(page, error.words, "warn")
        words, level = access_words(found)
        return self._layout.redirect(page, words, level)
