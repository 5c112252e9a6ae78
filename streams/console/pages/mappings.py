"""The mapping's pages: the list, the editor with its check and its preview, saving, and which connection uses which."""

from __future__ import annotations

import re
from dataclasses import replace

from aiohttp import web

from streams.console.errors import NotFound, WrongInput
from streams.console.pages.layout import Form, Layout, Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views import mapping_view as mapping
from streams.console.pages.views.mapping_view import EditorView, SaveConflict
from streams.console.pages.views.new_fields import new_field_words
from streams.console.pages.views.page_view import Hyperlink
from streams.console.services.mapping import StaleMapping
from streams.console.services.mapping_table import MappingTables
from streams.console.services.services import Services

_NAME = re.compile(r"(?!new$|use$)[a-z0-9][a-z0-9_-]{0,39}")

_TRIAL = "trial"
"""The built-in mapping is tried as one that extends it and adds nothing."""


class MappingsPage(Page):
    """`/console/mapping`."""

    def __init__(self, layout: Layout, services: Services) -> None:
        super().__init__(layout, services)
        self._tables = MappingTables(services.mapping)

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._guard
        guard.add(app, "GET", "/mapping", self.mappings, role="viewer", concerns="filtered")
        guard.add(app, "POST", "/mapping/new", self.new, role="operator", concerns="deployment")
        guard.add(app, "POST", "/mapping/use", self.use, role="operator", concerns="filtered")
        guard.add(app, "GET", "/mapping/{name}", self.show, role="viewer", concerns="filtered")
        guard.add(app, "POST", "/mapping/{name}", self.save, role="operator", concerns="deployment")
        guard.add(app, "POST", "/mapping/{name}/preview", self.preview, role="viewer", concerns="filtered")

    async def mappings(self, request: web.Request) -> web.StreamResponse:
        """Which mappings there are, and who uses them."""
        return await self._layout.page(request, "mappings.html", await self._services.mapping.state())

    async def new(self, request: web.Request) -> web.StreamResponse:
        """A mapping of one's own, which begins as the built-in one."""
        form = await form_of(request)
        name = form.get("name", "").strip().lower()
        known = await self._services.mapping.state()
        if not _NAME.fullmatch(name) or known.mapping(name) is not None:
            words = "The name of a mapping has small letters, digits and hyphens, and must not be taken."
            return self._layout.redirect(href("/mapping"), words, "warn")
        by, text = self._guard.actor(request), mapping.new_text(name)
        known = await self._services.mapping.save(by, name, text, known.version)
        if form.get("connection"):
            await self._services.mapping.use(by, form["connection"], name, known.version)
        return self._layout.redirect(href(f"/mapping/{part(name)}/table"), f"The mapping {name} was created.")

    async def use(self, request: web.Request) -> web.StreamResponse:
        """Give a connection another mapping."""
        form = await form_of(request)
        connection, name = form.get("connection", ""), form.get("mapping", "")
        known = await self._services.mapping.state()
        await self._services.mapping.use(self._guard.actor(request), connection, name, known.version)
        return self._layout.redirect(href("/mapping"), f"Connection {connection} uses the mapping {name} now.")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The editor; with `leads` in the query it tries them at once."""
        name, leads = request.match_info["name"], request.query.get("leads", "")
        editor = await self._editor(name, {"connection": request.query.get("connection", ""), "leads": leads})
        if leads:
            editor = await self._tried(editor)
        saved = None
        if request.query.get("saved"):
            ways = {"topic": "lofty.snapshots", "connection": editor.connection if len(editor.connections) == 1 else ""}
            saved = Hyperlink("See what would change", href("/replay", **ways))
        return await self._layout.page(request, "editor.html", replace(editor, saved=saved))

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """Check the editor's text, and try it on leads. It changes nothing."""
        editor, form = await self._edited(request)
        if not editor.faults and (form.get("do") == "preview" or editor.is_built_in):
            editor = await self._tried(editor)
        elif not editor.faults:
            editor = replace(editor, creates=await self._new_fields(editor))
        return await self._layout.page(request, "editor.html", editor, status=422 if editor.faults else 200)

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Save the editor's text. If it has problems, or somebody saved a newer text, these are shown and the typed text is kept."""
        editor, form = await self._edited(request)
        if editor.faults:
            return await self._layout.page(request, "editor.html", editor, status=422)
        name = editor.name
        if form.get("confirm") != "yes" and (asked := await self._new_fields(editor)):
            return await self._layout.page(request, "editor.html", replace(editor, confirm=asked, is_checked=False))
        try:
            version = await self._based_on(editor)
            await self._services.mapping.save(self._guard.actor(request), name, editor.text, version)
        except StaleMapping as error:
            known = await self._services.mapping.state()
            theirs = known.mapping(name)
            diff = mapping.diff(theirs.text if theirs else "", editor.text)
            conflict = SaveConflict(
                error.by, error.at_ms or None, str(known.version), theirs.text if theirs else "", diff
            )
            editor = replace(editor, conflict=conflict, version=str(known.version), is_checked=False)
            return await self._layout.page(request, "editor.html", editor, status=409)
        except WrongInput as error:
            faults = error.faults
            editor = replace(editor, faults=faults, preview_problem="" if faults else error.words)
            return await self._layout.page(request, "editor.html", editor, status=422)
        return self._layout.redirect(href(f"/mapping/{part(name)}", saved=1))

    async def _new_fields(self, editor: EditorView) -> tuple[str, ...]:
        """What saving the text would create in GHL, for people."""
        effects = await self._tables.effects(editor.name, editor.text, editor.used_by)
        return new_field_words(effects)

    async def _based_on(self, editor: EditorView) -> int:
        """The version to save on: an edit of another mapping since this one was opened is no conflict."""
        opened = int(editor.version) if editor.version.isdigit() else 0
        known = await self._services.mapping.state()
        found = known.mapping(editor.name)
        return max(opened, known.version) if found is not None and found.version <= opened else opened

    async def _edited(self, request: web.Request) -> tuple[EditorView, Form]:
        """The editor with the text that was sent, checked."""
        name, form = request.match_info["name"], await form_of(request)
        editor = await self._editor(name, form)
        if editor.is_built_in:
            return editor, form
        text = form.get("text", "").replace("\r\n", "\n").rstrip() + "\n"
        faults = await self._services.mapping.validate(name, text)
        is_edited = text.strip() != editor.text.strip()
        version = form.get("version", "0")
        return replace(editor, text=text, version=version, faults=faults, is_checked=True, is_edited=is_edited), form

    async def _editor(self, name: str, form: Form) -> EditorView:
        known = await self._services.mapping.state()
        found = known.mapping(name)
        if found is None:
            raise NotFound(f"There is no mapping {name[:60]!r}.")
        connections = found.used_by or self._services.connection_names
        wanted = form.get("connection", "")
        return EditorView(
            name=name,
            text=found.text,
            version=str(known.version),
            connections=connections,
            used_by=found.used_by,
            connection=wanted if wanted in connections else next(iter(connections), ""),
            is_built_in=not found.is_editable,
            leads=form.get("leads", ""),
            changed_ms=found.at_ms or None,
            changed_by=found.by,
        )

    async def _tried(self, editor: EditorView) -> EditorView:
        """With what the text makes of the leads that were named, or of the newest."""
        leads, unknown = await self._leads(editor)
        if editor.leads.strip() and not leads:
            return replace(editor, preview_problem=f"No lead is known as {', '.join(unknown)}.")
        try:
            name, text = (_TRIAL, mapping.new_text(_TRIAL)) if editor.is_built_in else (editor.name, editor.text)
            found = await self._services.mapping.preview(name, text, editor.connection, leads)
        except WrongInput as error:
            faults = error.faults
            return replace(editor, faults=faults, preview_problem="" if faults else error.words)
        unknown += found.unknown
        problems = [f"No lead is known as {', '.join(unknown)}."] if unknown else []
        if not found.previews and not unknown:
            problems.append("No lead of this connection has been read yet.")
        if found.trouble:
            problems.append(f"What is in GHL is unknown: {'; '.join(found.trouble)}.")
        return replace(editor, previews=mapping.previews(found.previews), preview_problem=" ".join(problems))

    async def _leads(self, editor: EditorView) -> tuple[list[str], tuple[str, ...]]:
        """The ids that were typed; whatever is no number is searched for."""
        leads, unknown = [], []
        for wanted in filter(None, (one.strip() for one in editor.leads.split(","))):
            if wanted.isdigit():
                leads.append(wanted)
                continue
            try:
                found = await self._services.contacts.search(wanted, connection=editor.connection, limit=1)
                leads += [found.found[0].lead] if found.found else []
                unknown += [] if found.found else [wanted]
            except WrongInput:
                unknown.append(wanted)
        return leads, tuple(unknown)
