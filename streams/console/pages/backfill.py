"""Backfills: their progress, and ordering one."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import Conflict, NotFound
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views import backfill_view as backfill


class BackfillPage(Page):
    """`/console/backfill`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/backfill", self.backfills, role="viewer", concerns="filtered")
        self._guard.add(app, "GET", "/backfill/start", self.confirm, role="operator", concerns="filtered")
        self._guard.add(app, "POST", "/backfill/start", self.start, role="operator", concerns="filtered")

    async def backfills(self, request: web.Request) -> web.StreamResponse:
        """Every connection's backfill."""
        found = await self._services.backfill.all()
        return await self._layout.page(request, "backfill.html", backfill.page(found, self._layout.now_ms()))

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Are you sure?"""
        wanted = request.query.get("connection", "")
        for one in await self._services.backfill.all():
            if one.connection == wanted:
                return await self._layout.page(
                    request, "question.html", backfill.question(one, request.query.get("back", ""))
                )
        raise NotFound(f"There is no connection {wanted[:60]!r}.")

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Order one."""
        form = await form_of(request)
        connection = form.get("connection", "")
        page = href(f"/connections/{part(connection)}/steps" if form.get("back") == "steps" else "/backfill")
        try:
            await self._services.backfill.order(self._guard.actor(request), connection)
        except Conflict as error:
            return self._layout.redirect(page, error.words, "warn")
        return self._layout.redirect(
            page, f"The import of {connection} is ordered. It goes on when this page is closed."
        )
