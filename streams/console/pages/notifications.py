"""Notifications: who is sent what, the last messages, and a test message."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import Unavailable
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href
from streams.console.pages.views.notifications_view import notifications_view


class NotificationsPage(Page):
    """`/console/notifications`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/notifications", self.notifications, role="viewer", concerns="filtered")
        self._guard.add(app, "POST", "/notifications/test", self.test, role="operator", concerns="filtered")

    async def notifications(self, request: web.Request) -> web.StreamResponse:
        """The recipients."""
        found = await self._services.notifications.state()
        view = notifications_view(found, request.query.get("connection", ""))
        return await self._layout.page(request, "notifications.html", view)

    async def test(self, request: web.Request) -> web.StreamResponse:
        """Send a test message, and say on the same page what came of it."""
        form, by = await form_of(request), self._guard.actor(request)
        recipient = form.get("recipient", "")
        try:
            done = await self._services.notifications.test(by, recipient)
        except Unavailable as error:
            return self._layout.redirect(href("/notifications"), error.words, "bad")
        but = f", but not to {done.note}" if done.note else ""
        words = f"The test message to {done.label} was delivered{but}."
        return self._layout.redirect(href("/notifications"), words)
