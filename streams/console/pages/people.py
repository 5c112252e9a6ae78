"""People and programs with access: listed, invited, changed, and taken out again."""

from __future__ import annotations

from typing import cast, get_args

from aiohttp import web

from streams.console.auth.people_access import MadeLink, PersonAct
from streams.console.errors import Conflict, NotFound, WrongInput
from streams.console.malformed import posted_lists
from streams.console.pages.layout import Form, Page, form_of
from streams.console.pages.render import href
from streams.console.pages.views.page_view import Question
from streams.console.pages.views.people_view import MadeSecret, PeopleView, account_card, made_link
from streams.settings.console import Role

_DONE = {"disable": "is disabled", "enable": "can sign in again", "sign-out": "is signed out", "remove": "was removed"}


class PeoplePage(Page):
    """`/console/people`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        add = self._guard.add
        add(app, "GET", "/people", self.people, role="admin", concerns="deployment")
        add(app, "POST", "/people/invite", self.invite, role="admin", concerns="deployment")
        add(app, "POST", "/people/change", self.change, role="admin", concerns="deployment")
        add(app, "POST", "/people/act", self.act, role="admin", concerns="deployment")
        add(app, "GET", "/people/remove", self.confirm, role="admin", concerns="deployment")
        add(app, "POST", "/people/token", self.token, role="admin", concerns="deployment")
        add(app, "POST", "/people/revoke", self.revoke, role="admin", concerns="deployment")

    async def people(self, request: web.Request) -> web.StreamResponse:
        """Everybody."""
        return await self._page(request)

    async def invite(self, request: web.Request) -> web.StreamResponse:
        """Invite a person: the page that follows shows the link, once."""
        form, names = await form_of(request), self._services.connection_names
        name, by = form.get("name", "").strip(), self._guard.actor(request)
        try:
            made = await self._guard.people.invite(
                by,
                name,
                _role(form),
                await chosen_connections(request, form),
                names,
                mail=form.get("mail") == "yes" and "@" in name,
            )
        except WrongInput as error:
            return await self._page(request, problem=error.words)
        return await self._page(request, made=self._link(request, made))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Give somebody another role or other connections."""
        form, names = await form_of(request), self._services.connection_names
        name, by = form.get("name", ""), self._guard.actor(request)
        try:
            await self._guard.people.change(
                by, name, _role(form), await chosen_connections(request, form), version_of(form), names
            )
        except (WrongInput, Conflict, NotFound) as error:
            return self._layout.redirect(href("/people"), error.words, "warn")
        return self._layout.redirect(href("/people"), f"{name} was changed. It counts from now on.")

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Ask before a person is removed."""
        name = request.query.get("name", "")
        found = self._guard.people.find_person(name)
        question = Question(
            title=f"Remove {name}?",
            words="They cannot sign in any longer, and their sessions end. What they did stays in the audit.",
            action=href("/people/act"),
            yes="Remove",
            back=href("/people"),
            fields=(("name", name), ("version", str(found.version)), ("do", "remove")),
            is_dangerous=True,
        )
        return await self._layout.page(request, "question.html", question)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Reset, disable, enable, sign out or remove a person."""
        form, by = await form_of(request), self._guard.actor(request)
        name, do = form.get("name", ""), form.get("do", "")
        try:
            if do in ("reset", "reset-mail"):
                made = await self._guard.people.reset(by, name, version_of(form), mail=do == "reset-mail")
                return await self._page(request, made=self._link(request, made))
            if do not in get_args(PersonAct):
                raise WrongInput("Choose one of the buttons on the page People.")
            await self._guard.people.act(by, name, cast(PersonAct, do), version_of(form))
        except (WrongInput, Conflict, NotFound) as error:
            return self._layout.redirect(href("/people"), error.words, "warn")
        return self._layout.redirect(href("/people"), f"{name} {_DONE[do]}.")

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Make a token: the page that follows shows it, once."""
        form, names = await form_of(request), self._services.connection_names
        name, days, by = form.get("name", "").strip(), form.get("days", ""), self._guard.actor(request)
        try:
            if not days.isdigit() or len(days) > 4:
                raise WrongInput("Days: expected a number, or 0 for ever.")
            chosen = await chosen_connections(request, form)
            made = await self._guard.people.new_token(by, name, _role(form), chosen, int(days), names)
        except WrongInput as error:
            return await self._page(request, problem=error.words)
        words = f"Give it to the program {made.name} now. It is shown only once."
        return await self._page(request, made=MadeSecret("Token", words, made.token))

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Take a token away."""
        form = await form_of(request)
        name = form.get("name", "")
        try:
            await self._guard.people.revoke(self._guard.actor(request), name, version_of(form))
        except (WrongInput, Conflict, NotFound) as error:
            return self._layout.redirect(href("/people"), error.words, "warn")
        return self._layout.redirect(href("/people"), f"The token of {name} works no more.")

    def _link(self, request: web.Request, made: MadeLink) -> MadeSecret:
        return made_link(made, self._guard.base_url(request) + made.path)

    async def _page(
        self, request: web.Request, *, made: MadeSecret | None = None, problem: str = ""
    ) -> web.StreamResponse:
        found = self._guard.people.all()
        view = PeopleView(
            people=tuple(map(account_card, found.people)),
            programs=tuple(map(account_card, found.programs)),
            connections=self._services.connection_names,
            provider=found.provider,
            used_since_ms=found.used_since_ms,
            made=made,
            problem=problem,
            can_mail=self._guard.people.can_mail,
        )
        return await self._layout.page(request, "people.html", view, status=422 if problem else 200)


def _role(form: Form) -> Role:
    role = form.get("role", "")
    if role not in get_args(Role):
        raise WrongInput("Role: choose one of the list.")
    return cast(Role, role)


async def chosen_connections(request: web.Request, form: Form) -> list[str] | None:
    """The connections that were ticked; None for all of them. Raises `WrongInput` for both at once."""
    ticked = await posted_lists(request, "of")
    if form.get("sees") == "some":
        return ticked
    if form.get("sees") != "all" or ticked:
        raise WrongInput("Choose all connections, or only these and tick some: both were chosen.")
    return None


def version_of(form: Form) -> int:
    return int(form["version"]) if form.get("version", "").isdigit() else 0
