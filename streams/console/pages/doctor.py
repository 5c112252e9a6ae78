"""Checking everything: start, watch, and read how each thing is, with the page that helps."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import TooMany
from streams.console.pages.layout import Page
from streams.console.pages.render import href, part
from streams.console.pages.views.doctor_view import LineChoice, doctor_runs_view, doctor_view


class DoctorPage(Page):
    """`/console/doctor`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/doctor", self.all, role="viewer", concerns="filtered")
        self._guard.add(app, "POST", "/doctor", self.start, role="operator", concerns="filtered")
        self._guard.add(app, "GET", "/doctor/{id}", self.one, role="viewer", concerns="filtered")

    async def all(self, request: web.Request) -> web.StreamResponse:
        """The newest checks."""
        view = doctor_runs_view(await self._services.runs.doctor.all())
        return await self._layout.page(request, "doctor_runs.html", view)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start one."""
        try:
            made = await self._services.runs.doctor.start_check(self._guard.actor(request))
        except TooMany as error:
            return self._layout.redirect(href("/doctor"), error.words, "warn")
        return self._layout.redirect(href(f"/doctor/{part(made.id)}"))

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One check."""
        found = await self._services.runs.doctor.get(request.match_info["id"])
        return await self._layout.page(request, "doctor.html", doctor_view(found, LineChoice.of(request.query)))
