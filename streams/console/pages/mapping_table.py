"""The mapping as a table: one field at a time is changed by a form, undone with one click, or left to what is inherited."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from streams.console.errors import NotFound, Unavailable, WrongInput
from streams.console.pages.layout import Form, Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views import mapping_table_view as table
from streams.console.pages.views import mapping_view
from streams.console.pages.views.mapping_table_view import FieldFormView, FieldInput, MappingTableView
from streams.console.services.mapping import StaleMapping
from streams.console.services.mapping_table import LeadExample, NewField
from streams.mapping.compile import CUSTOM, DEFAULT
from streams.mapping_versions.form.arguments import transform_of
from streams.mapping_versions.form.edit import with_field, without_field, written_of
from streams.mapping_versions.form.rows import FieldRow, field_key, rows_of
from streams.mapping_versions.form.source import (
    OPERATORS,
    Condition,
    Constant,
    Fields,
    Formula,
    Operator,
    Source,
    Unmapped,
)
from streams.mapping_versions.listing import MappingState, MappingText

CHANGED_MEANWHILE = "Somebody changed this field after you had opened it. Your choices are below. Save again to replace the other change."


@dataclass(frozen=True, slots=True)
class _Mapping:
    """A mapping as it is now: its text, its rows by field, and all versions."""

    known: MappingState
    text: MappingText
    rows: Mapping[str, FieldRow]

    def row(self, target: str) -> FieldRow | None:
        return self.rows.get(field_key(target)) if target else None


class MappingTablePage(Page):
    """`/console/mapping/{name}/table`, and the form of a field below it."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._guard
        guard.add(app, "GET", "/mapping/{name}/table", self.table, role="viewer")
        guard.add(app, "GET", "/mapping/{name}/field", self.field, role="viewer")
        guard.add(app, "POST", "/mapping/{name}/field", self.change, role="operator")
        guard.add(app, "POST", "/mapping/{name}/undo", self.undo, role="operator")
        guard.add(app, "POST", "/mapping/{name}/delete", self.delete, role="operator")

    # -- the table --------------------------------------------------------------------------------------------

    async def table(self, request: web.Request) -> web.StreamResponse:
        """All fields of a mapping, with what it inherits."""
        mapping = await self._mapping(request)
        text, connections = mapping.text, self._connections(mapping.text)
        connection = self._connection(request.query.get("connection", ""), connections)
        examples, problem = await self._examples(connection)
        directory = (await self._services.mapping_table.directories([connection])).get(connection)
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
        )
        return await self._layout.page(request, "mapping_table.html", view)

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
        await self._services.mapping.save(self._guard.actor(request), name, None, mapping.known.version)
        return self._layout.redirect(href("/mapping"), f"The mapping {name} was deleted.")

    # -- the form of a field ----------------------------------------------------------------------------------

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
        choice, row = _input(form), mapping.row(form.get("field", ""))
        view = await self._form_view(mapping, row, choice, form.get("connection", ""))
        try:
            target = _target(form, mapping)
            text = self._text(mapping, target, choice, row, form.get("do", ""))
        except (ValueError, WrongInput) as error:
            return await self._again(request, replace(view, problem=str(error)))
        faults = await self._services.mapping.validate(mapping.text.name, text)
        if faults:
            return await self._again(request, replace(view, faults=faults))
        if form.get("do") == "preview":
            return await self._layout.page(request, "mapping_field.html", await self._tried(view, target, text))
        if form.get("seen") != table.mark(row):
            return await self._again(request, replace(view, problem=CHANGED_MEANWHILE), 409)
        return await self._save(request, mapping, view, text, target, form)

    async def _save(
        self, request: web.Request, mapping: _Mapping, view: FieldFormView, text: str, target: str, form: Form
    ) -> web.StreamResponse:
        name = mapping.text.name
        effects = await self._services.mapping_table.effects(name, text, mapping.text.used_by)
        asked = _new_fields(effects.new_fields) if effects.new_fields else ()
        if effects.trouble:
            asked = (f"{effects.trouble} A custom field that GHL lacks will be created.",)
        if asked and form.get("confirm") != "yes":
            return await self._layout.page(request, "mapping_field.html", replace(view, confirm=asked))
        try:
            await self._services.mapping.save(self._guard.actor(request), name, text, mapping.known.version)
        except StaleMapping:
            words = "Somebody saved a mapping in this very moment. Your choices are below: save again."
            return await self._again(request, replace(view, problem=words), 409)
        except WrongInput as error:
            return await self._again(request, replace(view, problem=error.words, faults=tuple(error.faults)))
        after = rows_of(name, _tables(mapping.known) | tomllib.loads(text)["mappings"])
        saved = next((one for one in after if field_key(one.target) == field_key(target)), None)
        words = (
            f"Saved. {saved.name}: {table.source_words(saved.source)}." if saved else f"Saved. {target} is not filled."
        )
        return self._layout.redirect(href(f"/mapping/{part(name)}/table", saved=1), words)

    async def _again(self, request: web.Request, view: FieldFormView, status: int = 422) -> web.StreamResponse:
        return await self._layout.page(request, "mapping_field.html", view, status=status)

    def _text(self, mapping: _Mapping, target: str, choice: FieldInput, row: FieldRow | None, do: str) -> str:
        """The mapping's text with what was chosen. Raises `ValueError` with what to do about a choice that is none."""
        name = mapping.text.name
        if do == "inherit":
            return without_field(mapping.text.text, name, target)
        before = row.transforms if row is not None else ()
        changes = [
            transform_of(change, text, before[index] if index < len(before) else None)
            for index, (change, text) in enumerate(choice.changes)
        ]
        is_custom = target.startswith(CUSTOM)
        options = [one.strip() for one in choice.options.split("\n") if one.strip()] if is_custom else []
        kind = choice.type if is_custom and choice.type != "TEXT" else ""
        written = written_of(_source(choice), changes, kind, options, row.written if row is not None else None)
        return with_field(mapping.text.text, name, target, written)

    async def _tried(self, view: FieldFormView, target: str, text: str) -> FieldFormView:
        try:
            found = await self._services.mapping.preview(view.name, text, view.connection)
        except (WrongInput, Unavailable, NotFound) as error:
            return replace(view, preview_problem=str(error))
        previews = table.only_field(mapping_view.previews(found.previews), target)
        problem = "" if previews else "No lead of this connection has been read yet."
        return replace(view, previews=previews, preview_problem=problem)

    async def _form_view(
        self, mapping: _Mapping, row: FieldRow | None, choice: FieldInput | None, connection: str
    ) -> FieldFormView:
        name, connections = mapping.text.name, self._connections(mapping.text)
        chosen = self._connection(connection, connections)
        examples, _ = await self._examples(chosen)
        directories = {} if row is not None else await self._services.mapping_table.directories([chosen])
        known = sorted(
            {one for found in directories.values() for one in found.custom_fields if not one.startswith("contact.")}
        )
        return table.field_form(name, row, examples, choice, chosen, tuple(known))

    # -- what both need ---------------------------------------------------------------------------------------

    async def _mapping(self, request: web.Request) -> _Mapping:
        name = request.match_info["name"]
        known = await self._services.mapping.state()
        found = known.mapping(name)
        if found is None:
            raise NotFound(f"There is no mapping {name[:60]!r}.")
        rows = {field_key(row.target): row for row in rows_of(name, _tables(known))}
        return _Mapping(known, found, rows)

    async def _examples(self, connection: str) -> tuple[Sequence[LeadExample], str]:
        try:
            examples = await self._services.mapping_table.examples(connection)
        except Unavailable as error:
            return (), str(error)
        return examples, "" if examples else "No lead of this connection has been read yet, so no values are shown."

    def _connections(self, text: MappingText) -> tuple[str, ...]:
        return text.used_by or tuple(sorted(self._services.mapping.settings().connections))

    @staticmethod
    def _connection(wanted: str, connections: Sequence[str]) -> str:
        return wanted if wanted in connections else next(iter(connections), "")


def _tables(known: MappingState) -> dict[str, object]:
    """The tables of all mappings, as their texts have them."""
    tables: dict[str, object] = {}
    for one in known.mappings:
        if one.name == DEFAULT:
            continue
        try:
            tables |= tomllib.loads(one.text).get("mappings", {})
        except tomllib.TOMLDecodeError:  # a text of the file that does not compile here: the editor of texts shows it
            continue
    return tables


def _target(form: Form, mapping: _Mapping) -> str:
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


def _input(form: Form) -> FieldInput:
    """What the form holds."""
    indexes = range(1, 21)
    return FieldInput(
        standard=form.get("standard", ""),
        custom=form.get("custom", ""),
        take=form.get("take", "fields"),
        keys=tuple(form[f"lofty{index}"] for index in indexes if form.get(f"lofty{index}")),
        value=form.get("value", ""),
        formula=form.get("formula", "").strip(),
        when_field=form.get("when_field", ""),
        when_operator=form.get("when_operator", "is"),
        when_value=form.get("when_value", ""),
        changes=tuple((form[f"change{i}"], form.get(f"with{i}", "")) for i in indexes if form.get(f"change{i}")),
        type=form.get("type", ""),
        options=form.get("options", "").replace("\r\n", "\n"),
    )


def _source(choice: FieldInput) -> Source:
    """Where the value comes from. Raises `ValueError` with what to choose."""
    match choice.take:
        case "constant":
            if not choice.value.strip():
                raise ValueError("Write the fixed value, or choose another source.")
            return Constant(choice.value.strip())
        case "unmapped":
            return Unmapped()
        case "formula":
            if not choice.formula:
                raise ValueError("Write the formula, or choose another source.")
            return Formula(choice.formula)
    if not choice.keys:
        raise ValueError("Choose a field of Lofty, or another source.")
    operator: Operator = next((one for one in OPERATORS if one == choice.when_operator), "is")
    value = choice.when_value.strip()
    if choice.when_field and operator in ("is", "is not") and not value:
        raise ValueError("Write the value that the condition compares with, or choose “is there” or “is missing”.")
    when = Condition(choice.when_field, operator, value) if choice.when_field else None
    return Fields(choice.keys, when)


def _new_fields(found: Sequence[NewField]) -> tuple[str, ...]:
    """The custom fields that saving creates, each once, with the connections in whose locations it is new."""
    by_field: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        by_field.setdefault((one.name, one.type, one.hint), []).append(one.connection)
    return tuple(table.new_field_words(*field, connections) for field, connections in by_field.items())
