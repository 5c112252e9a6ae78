"""Adding many connections by a table in the browser: paste it or choose a file, look at every row, then add."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.views.connection_import_view import ConnectionImportView, import_view
from streams.core.connection_table.columns import template

TABLE = "secret_table"
"""The field with the table. A form that is kept over a sign-in leaves out fields of such names: the table has keys in it."""


class ConnectionImportsPage(Page):
    """`/console/connections/import`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/connections/import", self.form, role="settings", concerns="deployment")
        self._guard.add(app, "POST", "/connections/import", self.check_or_add, role="settings", concerns="deployment")
        self._guard.add(
            app, "GET", "/connections/import/template.csv", self.template, role="settings", concerns="deployment"
        )

    async def form(self, request: web.Request) -> web.StreamResponse:
        """The empty form."""
        return await self._layout.page(request, "connection_import.html", ConnectionImportView())

    async def template(self, _: web.Request) -> web.StreamResponse:
        """A table to fill in. Its byte order mark lets Excel read it as UTF-8."""
        headers = {"Content-Disposition": 'attachment; filename="connections.csv"'}
        return web.Response(body=template().encode("utf-8-sig"), content_type="text/csv", headers=headers)

    async def check_or_add(self, request: web.Request) -> web.StreamResponse:
        """Check the table, or add the rows of the one that was checked."""
        form, imports = await form_of(request), self._services.connection_imports
        try:
            if sealed := form.get("sealed", ""):
                view = import_view(await imports.add(self._guard.actor(request), await imports.opened(sealed)))
            else:
                table = form.get(TABLE, "").encode()
                view = import_view(await imports.check(table), await imports.seal(table))
        except WrongInput as error:
            view = ConnectionImportView(words=error.words, level="bad", faults=error.faults)
            return await self._layout.page(request, "connection_import.html", view, status=error.status)
        return await self._layout.page(request, "connection_import.html", view)
