"""The mapping as a table, with what was saved before: undone with one click, deleted where nobody uses it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from streams.console.pages.layout import Layout, Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views import mapping_table_view as table
from streams.console.pages.views.mapping_table_view import MappingTableView
from streams.console.pages.views.page_view import Hyperlink
from streams.console.services.mapping import StaleMapping
from streams.console.services.mapping_table import MappingRows, MappingTables, chosen
from streams.console.services.services import Services
from streams.mapping.compile import CUSTOM


class MappingTablePage(Page):
    """`/console/mapping/{name}/table`."""

    def __init__(self, layout: Layout, services: Services) -> None:
        super().__init__(layout, services)
        self._tables = MappingTables(services.mapping)

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._guard
        guard.add(app, "GET", "/mapping/{name}/table", self.table, role="viewer", concerns="filtered")
        guard.add(app, "POST", "/mapping/{name}/undo", self.undo, role="operator", concerns="deployment")
        guard.add(app, "POST", "/mapping/{name}/delete", self.delete, role="operator", concerns="deployment")

    async def table(self, request: web.Request) -> web.StreamResponse:
        """All fields of a mapping, with what it inherits."""
        mapping = await self._mapping(request)
        text, connections = mapping.text, self._tables.connections(mapping.text)
        connection = chosen(request.query.get("connection", ""), connections)
        (examples, problem), directory = await asyncio.gather(
            self._tables.examples(connection), self._tables.directory(connection)
        )
        rows = [
            table.table_row(row, text.name, examples[0] if examples else None, directory)
            for row in mapping.rows.values()
        ]
        custom = tuple(row for row in rows if row.target.startswith(CUSTOM))
        standard = tuple(row for row in rows if not row.target.startswith(CUSTOM))
        view = MappingTableView(
            name=text.name,
            groups=(("Fields that every GHL contact has", standard), ("Custom fields of GHL", custom)),
            used_by=text.used_by,
            connection=connection,
            connections=connections,
            example=examples[0].name if examples else "",
            example_problem=problem,
            is_built_in=not text.is_editable,
            can_delete=text.source == "edited" and not text.used_by,
            history=table.past_edits(text.name, mapping.known.history, text.text),
            steps=self._steps(text.used_by),
        )
        return await self._layout.page(request, "mapping_table.html", view)

    def _steps(self, used_by: tuple[str, ...]) -> tuple[Hyperlink, ...]:
        """Back to the steps of each connection that is not switched on."""
        known = self._services.mapping.settings().connections
        waiting = (known[one] for one in used_by if one in known and known[one].paused)
        return tuple(
            Hyperlink(f"Go on with the steps of {one.label or one.name}", href(f"/connections/{part(one.name)}/steps"))
            for one in waiting
        )

    async def undo(self, request: web.Request) -> web.StreamResponse:
        """Save the text as it was before the newest edit of this mapping."""
        mapping, form = await self._mapping(request), await form_of(request)
        name, path = mapping.text.name, href(f"/mapping/{part(mapping.text.name)}/table")
        past = [one for one in mapping.known.history if one.kind == "text" and one.name == name]
        if not past or str(past[0].version) != form.get("version"):
            words = "Somebody saved this mapping meanwhile, so nothing was undone. Its newest change is at the top of the history."
            return self._layout.redirect(path, words, "warn")
        by = self._guard.actor(request)
        try:
            await self._services.mapping.save(by, name, past[0].before, mapping.known.version)
        except StaleMapping as error:
            return self._layout.redirect(path, f"Nothing was undone: {error}.", "warn")
        return self._layout.redirect(path, f"Undone. The mapping {name} is as it was before {past[0].by} saved it.")

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete a mapping that no connection uses; one that the configuration file has is as in the file again."""
        mapping = await self._mapping(request)
        name = mapping.text.name
        if mapping.text.source != "edited" or mapping.text.used_by:
            used = ", ".join(mapping.text.used_by)
            words = f"Used by {used}: give them another mapping first." if used else "It was never edited here."
            return self._layout.redirect(href(f"/mapping/{part(name)}/table"), words, "warn")
        known = await self._services.mapping.save(self._guard.actor(request), name, None, mapping.known.version)
        words = "is as in the configuration file again" if known.mapping(name) is not None else "was deleted"
        return self._layout.redirect(href("/mapping"), f"The mapping {name} {words}.")

    async def _mapping(self, request: web.Request) -> MappingRows:
        return await self._tables.mapping(request.match_info["name"])
