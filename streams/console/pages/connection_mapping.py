"""Which mapping a connection uses: one that is there, or a copy of one for itself alone."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import NotFound
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.connection_mapping_view import connection_mapping_view, free_name
from streams.console.pages.views.mapping_view import new_text
from streams.console.services.mapping import StaleMapping
from streams.mapping_versions.form.edit import CannotEdit, copied


class ConnectionMappingPage(Page):
    """`/console/connections/NAME/mapping`."""

    def add(self, app: web.Application) -> None:
        """Add the routes. A copy is a new mapping, which is for whoever may change all of them."""
        guard, page = self._guard, "/connections/{connection}/mapping"
        guard.add(app, "GET", page, self.show, role="viewer")
        guard.add(app, "POST", page, self.use, role="operator")
        guard.add(app, "POST", f"{page}/copy", self.copy, role="operator", concerns="deployment")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The mappings that there are, and who uses them."""
        connection = await self._services.connection_edits.get(request.match_info["connection"])
        view = connection_mapping_view(connection.id, connection.label, await self._services.mapping.state())
        return await self._layout.page(request, "connection_mapping.html", view)

    async def use(self, request: web.Request) -> web.StreamResponse:
        """Use a mapping that is there."""
        connection, wanted = request.match_info["connection"], (await form_of(request)).get("mapping", "")
        page, known = href(f"/connections/{part(connection)}"), await self._services.mapping.state()
        if known.mapping(wanted) is None:
            return self._layout.redirect(f"{page}/mapping", f"There is no mapping {wanted[:40]!r}.", "warn")
        try:
            await self._services.mapping.use(self._guard.actor(request), connection, wanted, known.version)
        except StaleMapping as error:
            return self._layout.redirect(f"{page}/mapping", f"Nothing was changed: {error}.", "warn")
        return self._layout.redirect(f"{page}/steps", f"It uses the mapping {wanted} now.")

    async def copy(self, request: web.Request) -> web.StreamResponse:
        """Copy a mapping for this connection, and on to its fields."""
        connection = await self._services.connection_edits.get(request.match_info["connection"])
        wanted, by = (await form_of(request)).get("mapping", ""), self._guard.actor(request)
        page = href(f"/connections/{part(connection.id)}/mapping")
        known = await self._services.mapping.state()
        name = free_name(connection.label, known)
        try:
            found = known.mapping(wanted)
            if found is None:
                raise NotFound(f"There is no mapping {wanted[:40]!r}.")
            text = copied(found.text, wanted, name) if found.is_editable else new_text(name)
            known = await self._services.mapping.save(by, name, text, known.version)
            await self._services.mapping.use(by, connection.id, name, known.version)
        except (StaleMapping, CannotEdit, NotFound) as error:
            return self._layout.redirect(page, f"Nothing was copied: {error}", "warn")
        words = f"The mapping {name} was made for {connection.label}, and no other connection uses it."
        return self._layout.redirect(href(f"/mapping/{part(name)}/table", connection=connection.id), words)
