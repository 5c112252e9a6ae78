"""The form of one field of a mapping: previewed, saved, or left to what the mapping extends."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from streams.console.errors import NotFound, Unavailable, WrongInput
from streams.console.pages.layout import Form, Layout, Page, form_of
from streams.console.pages.mapping_field_form import input_of_form, text_with
from streams.console.pages.render import href, part
from streams.console.pages.views import mapping_field_view as field_view
from streams.console.pages.views import mapping_view
from streams.console.pages.views.mapping_field_view import FieldFormView, FieldInput
from streams.console.pages.views.mapping_words import source_words
from streams.console.pages.views.new_fields import new_field_words
from streams.console.services.mapping import StaleMapping
from streams.console.services.mapping_table import MappingRows, MappingTables, chosen
from streams.console.services.services import Services
from streams.mapping.compile import CUSTOM
from streams.mapping_versions.form.edit import without_field
from streams.mapping_versions.form.rows import FieldRow

CHANGED_MEANWHILE = "Somebody changed this field after you had opened it. Your choices are below. Save again to replace the other change."


class MappingFieldPage(Page):
    """`/console/mapping/{name}/field`."""

    def __init__(self, layout: Layout, services: Services) -> None:
        super().__init__(layout, services)
        self._tables = MappingTables(services.mapping)

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/mapping/{name}/field", self.field, role="viewer", concerns="filtered")
        self._guard.add(app, "POST", "/mapping/{name}/field", self.change, role="operator", concerns="deployment")

    async def field(self, request: web.Request) -> web.StreamResponse:
        """The form of one field; without `field` in the query, that of a new one."""
        mapping = await self._mapping(request)
        target = request.query.get("field", "")
        if target and mapping.row(target) is None:
            raise NotFound(f"The mapping {mapping.text.name} has no field {target[:60]!r}.")
        row = mapping.row(target)
        view = await self._form_view(mapping, row, None, request.query.get("connection", ""))
        return await self._layout.page(request, "mapping_field.html", view)

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Preview or save one field. What cannot be saved comes back with all that was chosen."""
        mapping, form = await self._mapping(request), await form_of(request)
        if not mapping.text.is_editable:
            raise WrongInput("The built-in mapping cannot be changed. Create a mapping that extends it.")
        choice, row = input_of_form(form), mapping.row(form.get("field", ""))
        view = await self._form_view(mapping, row, choice, form.get("connection", ""))
        try:
            target = _target(form, mapping)
            name = mapping.text.name
            if form.get("do") == "inherit":
                text = without_field(mapping.text.text, name, target)
            else:
                text = text_with(mapping.text.text, name, target, row, choice)
        except (ValueError, WrongInput) as error:
            return await self._again(request, replace(view, problem=str(error)))
        faults = await self._services.mapping.validate(mapping.text.name, text)
        if faults:
            return await self._again(request, replace(view, faults=faults))
        if form.get("do") == "preview":
            return await self._layout.page(request, "mapping_field.html", await self._tried(view, target, text))
        if form.get("seen") != field_view.mark(row):
            return await self._again(request, replace(view, problem=CHANGED_MEANWHILE), 409)
        return await self._save(request, mapping, view, text, target, form)

    async def _save(
        self, request: web.Request, mapping: MappingRows, view: FieldFormView, text: str, target: str, form: Form
    ) -> web.StreamResponse:
        name = mapping.text.name
        asked = new_field_words(await self._tables.effects(name, text, mapping.text.used_by))
        if asked and form.get("confirm") != "yes":
            return await self._layout.page(request, "mapping_field.html", replace(view, confirm=asked))
        try:
            await self._services.mapping.save(self._guard.actor(request), name, text, mapping.known.version)
        except StaleMapping:
            words = "Somebody saved a mapping in this very moment. Your choices are below: save again."
            return await self._again(request, replace(view, problem=words), 409)
        except WrongInput as error:
            return await self._again(request, replace(view, problem=error.words, faults=tuple(error.faults)))
        saved = (await self._mapping(request)).row(target)
        words = f"Saved. {saved.name}: {source_words(saved.source)}." if saved else f"Saved. {target} is not filled."
        return self._layout.redirect(href(f"/mapping/{part(name)}/table", saved=1), words)

    async def _again(self, request: web.Request, view: FieldFormView, status: int = 422) -> web.StreamResponse:
        return await self._layout.page(request, "mapping_field.html", view, status=status)

    async def _tried(self, view: FieldFormView, target: str, text: str) -> FieldFormView:
        try:
            found = await self._services.mapping.preview(view.name, text, view.connection)
        except (WrongInput, Unavailable, NotFound) as error:
            return replace(view, preview_problem=str(error))
        previews = field_view.only_field(mapping_view.previews(found.previews), target)
        problem = "" if previews else "No lead of this connection has been read yet."
        return replace(view, previews=previews, preview_problem=problem)

    async def _form_view(
        self, mapping: MappingRows, row: FieldRow | None, choice: FieldInput | None, connection: str
    ) -> FieldFormView:
        name, connections = mapping.text.name, self._tables.connections(mapping.text)
        connection = chosen(connection, connections)
        examples, _ = await self._tables.examples(connection)
        directory = None if row is not None else await self._tables.directory(connection)
        fields = directory.custom_fields if directory is not None else ()
        known = sorted({one for one in fields if not one.startswith("contact.")})
        return field_view.field_form(name, row, examples, choice, connection, tuple(known))

    async def _mapping(self, request: web.Request) -> MappingRows:
        return await self._tables.mapping(request.match_info["name"])


def _target(form: Form, mapping: MappingRows) -> str:
    """The GHL field that the form is about. Raises `WrongInput` for a new one that has no name, or is there already."""
    if form.get("field"):
        row = mapping.row(form["field"])
        return row.target if row is not None else form["field"]
    custom = form.get("custom", "").strip()
    target = f"{CUSTOM}{custom}" if custom else form.get("standard", "")
    if not target:
        raise WrongInput("Choose a field of GHL, or write the name of a custom field.")
    row = mapping.row(target)
    if row is not None and row.of == mapping.text.name:
        raise WrongInput(f"The mapping has “{row.name}” already: edit it in the table.")
    return target
