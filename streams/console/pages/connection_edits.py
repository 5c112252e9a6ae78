"""Adding, changing and removing a connection in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from streams.console.errors import Conflict, Fault, WrongInput
from streams.console.pages.layout import Form, Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.connection_form import (
    ConnectionForm,
    groups_of,
    name_problem,
    other_faults,
    settings_from,
)
from streams.console.pages.views.page_view import Question
from streams.console.pages.wording import counted
from streams.console.services.connection_edits import EditableConnection, Secret

SECRETS: tuple[Secret, ...] = ("lofty_api_key", "ghl_token")


class ConnectionEditsPage(Page):
    """`/console/connections/new` and `/console/connections/NAME/settings`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard, one = self._guard, "/connections/{connection}"
        guard.add(app, "GET", "/connections/new", self.new, role="settings", concerns="deployment")
        guard.add(app, "POST", "/connections/new", self.add_connection, role="settings", concerns="deployment")
        guard.add(app, "GET", f"{one}/settings", self.show, role="viewer")
        guard.add(app, "POST", f"{one}/settings", self.change, role="settings")
        guard.add(app, "POST", f"{one}/credentials", self.paste, role="settings")
        guard.add(app, "POST", f"{one}/pause", self.pause, role="operator")
        guard.add(app, "GET", f"{one}/remove", self.confirm, role="settings")
        guard.add(app, "POST", f"{one}/remove", self.remove, role="settings")

    async def new(self, request: web.Request) -> web.StreamResponse:
        """The empty form, or one that is filled like the connection `like`."""
        like = request.query.get("like", "")
        settings = dict((await self._services.connection_edits.get(like)).settings) if like else {}
        for side, key in (("lofty", "team_id"), ("ghl", "location_id")):
            if isinstance(settings.get(side), dict):
                settings[side] = {name: value for name, value in settings[side].items() if name != key}
        return await self._form(request, None, settings)

    async def add_connection(self, request: web.Request) -> web.StreamResponse:
        """Add a connection. A form that is wrong comes back as it was filled, without its credentials."""
        form = await form_of(request)
        name, settings = form.get("name", "").strip().lower(), settings_from(form)
        credentials: dict[str, str] = {one: form[one] for one in SECRETS if form.get(one, "").strip()}
        is_paused = form.get("begin") == "paused"
        if is_paused:
            settings = {**settings, "paused": True}
        try:
            added = await self._services.connection_edits.add(self._guard.actor(request), name, settings, credentials)
        except (WrongInput, Conflict) as error:
            return await self._form(request, None, settings, form=form, error=error)
        if is_paused:
            words = f"Connection {added.label} was added. Nothing is written before you switch it on."
            return self._layout.redirect(href(f"/connections/{part(added.id)}/steps"), words)
        words = "works from now on" if not added.needs else "waits for the keys that are missing"
        return self._layout.redirect(_page_of(added.id), f"Connection {added.label} was added. It {words}.")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """A connection's settings."""
        found = await self._found(request)
        return await self._form(request, found, found.settings)

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Save the settings, and the name that the connection is shown by."""
        found, form = await self._found(request), await form_of(request)
        settings, by = settings_from(form, found.settings), self._guard.actor(request)
        version = int(form["version"]) if form.get("version", "").isdigit() else 0
        label = form.get("label", "").strip().lower() or found.label
        edits = self._services.connection_edits
        try:
            if settings != found.settings or label == found.label or version != found.version:
                version = (await edits.change(by, found.id, settings, version)).version
            if label != found.label:
                await edits.rename(by, found.id, label, version)
        except (WrongInput, Conflict) as error:
            return await self._form(request, found, settings, form=form, error=error)
        return self._layout.redirect(_page_of(found.id), f"Connection {label} was saved, and is used from now on.")

    async def paste(self, request: web.Request) -> web.StreamResponse:
        """Keep the keys that were pasted. An empty field changes nothing."""
        found, form = await self._found(request), await form_of(request)
        pasted = {one: form[one] for one in SECRETS if form.get(one, "").strip()}
        if not pasted:
            return self._layout.redirect(_page_of(found.id), "No key was pasted, so nothing was changed.", "warn")
        try:
            for secret, value in pasted.items():
                await self._services.connection_edits.paste(self._guard.actor(request), found.id, secret, value)
        except WrongInput as error:
            return await self._form(request, found, found.settings, error=error)
        return self._layout.redirect(_page_of(found.id), "The key was stored. It is never shown again.")

    async def pause(self, request: web.Request) -> web.StreamResponse:
        """Pause a connection, or let it go on."""
        connection, form = request.match_info["connection"], await form_of(request)
        version = int(form["version"]) if form.get("version", "").isdigit() else 0
        by, edits = self._guard.actor(request), self._services.connection_edits
        if form.get("do") == "resume":
            found = await edits.resume(by, connection, version)
            words = f"Connection {found.label} goes on. What waited is written now."
        else:
            found = await edits.pause(by, connection, (), version)
            words = f"Connection {found.label} is paused. What comes in waits, and nothing is lost."
        to = f"/connections/{part(found.id)}/steps" if form.get("back") == "steps" else "/connections"
        return self._layout.redirect(href(to), words)

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Ask before a connection is removed."""
        found = await self._found(request)
        question = Question(
            title=f"Remove the connection {found.label}?",
            words="Nothing more is carried between Lofty and GoHighLevel. Its webhooks at Lofty, its permissions and its keys are "
            "deleted. Contacts, notes and tasks stay in GoHighLevel. Kept here: which contact belongs to which lead, and the newest data "
            "that Lofty gave of each, so that nothing is created twice if you add it again by the same name.",
            action=href(f"/connections/{part(found.id)}/remove"),
            yes="Remove connection",
            back=_page_of(found.id),
            fields=(("version", str(found.version)),),
            is_dangerous=True,
        )
        return await self._layout.page(request, "question.html", question)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Remove a connection."""
        connection, form = request.match_info["connection"], await form_of(request)
        version = int(form["version"]) if form.get("version", "").isdigit() else 0
        found = await self._services.connection_edits.remove(self._guard.actor(request), connection, version)
        words = f"Connection {found.label} works no more, and what it had is being deleted. Its contacts stay in GoHighLevel."
        return self._layout.redirect(href("/connections"), words)

    async def _found(self, request: web.Request) -> EditableConnection:
        return await self._services.connection_edits.get(request.match_info["connection"])

    async def _form(
        self,
        request: web.Request,
        found: EditableConnection | None,
        settings: Mapping[str, Any],
        *,
        form: Form | None = None,
        error: WrongInput | Conflict | None = None,
    ) -> web.Response:
        faults: tuple[Fault, ...] = error.faults if isinstance(error, WrongInput) else ()
        view = ConnectionForm(
            connection=found,
            name=(form or {}).get("name", ""),
            label=(form or {}).get("label", "") or (found.label if found else ""),
            # After a conflict the person has read what changed: saving again is on the newest version.
            version=str(found.version) if found else "0",
            groups=groups_of(settings, await self._mappings(), faults, is_new=found is None),
            needs=found.needs if found else SECRETS,
            problem=_words_of(error),
            name_problem=name_problem(faults),
            faults=other_faults(faults),
        )
        status = 200 if error is None else error.status
        return await self._layout.page(request, "connection_form.html", view, status=status)

    async def _mappings(self) -> list[str]:
        return [one.name for one in (await self._services.mapping.state()).mappings]


def _words_of(error: WrongInput | Conflict | None) -> str:
    if isinstance(error, WrongInput) and error.faults:
        return f"Nothing was saved: {counted(len(error.faults), 'problem')} to fix."
    return error.words if error is not None else ""


def _page_of(connection: str) -> str:
    return href(f"/connections/{part(connection)}/settings")
