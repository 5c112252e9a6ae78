"""The audit: who did what."""

from __future__ import annotations

from aiohttp import web

from streams.console.pages.layout import Page
from streams.console.pages.views.audit_view import audit_view


class AuditLogPage(Page):
    """`/console/audit`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/audit", self.audit, role="viewer", concerns="filtered")

    async def audit(self, request: web.Request) -> web.StreamResponse:
        """Who did what."""
        who, before = request.query.get("who", ""), request.query.get("before", "")
        found = await self._services.audit.page(who=who, before=before)
        return await self._layout.page(request, "audit.html", audit_view(found, who))
