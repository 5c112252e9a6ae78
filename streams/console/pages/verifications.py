"""Comparing GHL with Lofty: start, watch, read what was found, and repair it with one click."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import NotFound, TooMany, WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.verification_view import verification_view, verifications_view


class VerificationsPage(Page):
    """`/console/verify`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/verify", self.all, role="viewer", concerns="filtered")
        self._guard.add(app, "POST", "/verify", self.start, role="operator", concerns="filtered")
        self._guard.add(app, "GET", "/verify/{id}", self.one, role="viewer", concerns="filtered")

    async def all(self, request: web.Request) -> web.StreamResponse:
        """The form, and the newest comparisons."""
        view = verifications_view(
            await self._services.runs.verifications.all(),
            list(self._services.connection_names),
            request.query.get("connection", ""),
            request.query.get("lead", ""),
        )
        return await self._layout.page(request, "verifications.html", view)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start one."""
        form = await form_of(request)
        connection, lead = form.get("connection", ""), form.get("lead", "").strip()
        try:
            made = await self._services.runs.verifications.start_verification(
                self._guard.actor(request), connection, lead, is_repair=form.get("do") == "repair"
            )
        except (NotFound, TooMany, WrongInput) as error:
            return self._layout.redirect(href("/verify", connection=connection, lead=lead[:40]), error.words, "warn")
        return self._layout.redirect(href(f"/verify/{part(made.id)}"))

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One comparison."""
        found = await self._services.runs.verifications.get(request.match_info["id"])
        return await self._layout.page(request, "verification.html", verification_view(found))
