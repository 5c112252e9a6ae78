"""Connections: their state, and connecting one by OAuth."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import Unavailable, WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.connections_list import ListChoice, connection_list
from streams.console.pages.views.connections_view import ConnectLoftyView, connections_view


class ConnectionsPage(Page):
    """`/console/connections` and `/console/connect`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/connections", self.connections, role="viewer", concerns="filtered")
        self._guard.add(app, "POST", "/connections/{connection}/refresh", self.refresh, role="operator")
        self._guard.add(app, "GET", "/connect/{vendor}/{connection}", self.connect, role="settings")
        self._guard.add(app, "POST", "/connect/{vendor}/{connection}", self.connected, role="settings")

    async def connections(self, request: web.Request) -> web.StreamResponse:
        """Every connection."""
        found = connections_view(await self._services.connections.all(), await self._deployment())
        view = connection_list(found.connections, ListChoice.of(request.query))
        return await self._layout.page(request, "connections.html", view)

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """Have the worker read the GHL location again."""
        connection = request.match_info["connection"]
        try:
            found = await self._services.locations.refresh(self._guard.actor(request), connection)
        except Unavailable as error:
            return self._layout.redirect(href("/connections"), error.words, "warn")
        words = f"{connection}: {found.custom_fields} custom fields and {found.users} users were read from GHL."
        return self._layout.redirect(href("/connections"), words)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """On to the vendor's page of consent; for Lofty, whose answer must be pasted, by a page of ours."""
        vendor, connection = request.match_info["vendor"], request.match_info["connection"]
        link = await self._services.connection_access.connect_link(self._guard.actor(request), connection, vendor)
        if not link.pastes_answer:
            return self._layout.redirect(link.url)
        return await self._paste(request, connection, link.url, link.ticket)

    async def connected(self, request: web.Request) -> web.StreamResponse:
        """Take Lofty's answer."""
        vendor, connection = request.match_info["vendor"], request.match_info["connection"]
        form = await form_of(request)
        try:
            granted = await self._services.connection_access.connect_by_answer(
                self._guard.actor(request), connection, vendor, form.get("answer", ""), form.get("ticket", "")
            )
        except (WrongInput, Unavailable) as error:
            return await self._paste(request, connection, form.get("link", ""), form.get("ticket", ""), error.words)
        lacks = f" Missing scopes: {', '.join(granted.missing)}." if granted.missing else ""
        words = f"Lofty of {connection} is connected.{lacks}"
        return self._layout.redirect(href(f"/connections/{part(connection)}/steps"), words, "warn" if lacks else "ok")

    async def _paste(
        self, request: web.Request, connection: str, link: str, ticket: str, problem: str = ""
    ) -> web.Response:
        if problem and not link.startswith("https://") and not link.startswith("http://"):
            link = ""
        view = ConnectLoftyView(connection, href(f"/connect/lofty/{part(connection)}"), link, ticket, problem)
        return await self._layout.page(request, "connect_lofty.html", view, status=422 if problem else 200)
