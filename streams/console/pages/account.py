"""One's own account: who one is here, another password, signing out everywhere, and a first password by a link."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import SignInRefused, TooMany, WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href
from streams.console.pages.views.people_view import AccountView, WelcomeView, role_words, sees_words


class AccountPage(Page):
    """`/console/account` and `/console/welcome`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        add = self._guard.add
        add(app, "GET", "/account", self.show, role="viewer", concerns="person")
        add(app, "POST", "/account/password", self.password, role="viewer", concerns="person")
        add(app, "POST", "/account/sign-out", self.sign_out, role="viewer", concerns="person")
        add(app, "GET", "/welcome", self.welcome, role="anyone", concerns="person")
        add(app, "POST", "/welcome", self.set_password, role="anyone", concerns="person")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Who one is here."""
        return await self._page(request)

    async def password(self, request: web.Request) -> web.StreamResponse:
        """Another password. All sessions end, this one, too."""
        form, name = await form_of(request), self._guard.visitor(request).name
        try:
            self._check_editable(request)
            await self._guard.check_password(request, name, form.get("password", ""))
            await self._guard.people.set_password(
                self._guard.actor(request), await self._guard.hashed(_new_password(form))
            )
        except (SignInRefused, TooMany, WrongInput) as error:
            words = "The password until now is wrong." if isinstance(error, SignInRefused) else error.words
            return await self._page(request, words)
        return self._layout.redirect(href("/sign-in"), "The password was changed. Sign in with it.")

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End all sessions of one's own."""
        try:
            self._check_editable(request)
        except WrongInput as error:
            return await self._page(request, error.words)
        await self._guard.people.sign_out_everywhere(self._guard.actor(request))
        return self._layout.redirect(href("/sign-in"))

    async def welcome(self, request: web.Request) -> web.StreamResponse:
        """The form behind a one-time link."""
        return await self._welcome(request, request.query.get("link", "")[:200])

    async def set_password(self, request: web.Request) -> web.StreamResponse:
        """Set the password that the link is for."""
        form = await form_of(request)
        link = form.get("link", "")[:200]
        try:
            self._guard.check_links(request)
            self._guard.people.invited(link)  # before work is spent on a hash
            hashed = await self._guard.hashed(_new_password(form))
            name = await self._guard.people.set_password_by_link(link, hashed, self._guard.address(request))
        except (SignInRefused, WrongInput) as error:
            return await self._welcome(request, link, error.words if isinstance(error, WrongInput) else "")
        return self._layout.redirect(href("/sign-in"), f"The password is set. Sign in as {name}.")

    async def _welcome(self, request: web.Request, link: str, problem: str = "") -> web.StreamResponse:
        self._guard.check_links(request)
        name, status = "", 422 if problem else 200
        try:
            name = self._guard.people.invited(link)
        except SignInRefused as error:
            self._guard.link_failed(request)
            problem, status = error.words, 401
        view = WelcomeView(self._guard.visitor(request).csrf, name, link, problem)
        return await self._layout.page(request, "welcome.html", view, status=status)

    def _why_not(self, request: web.Request) -> str:
        visitor = self._guard.visitor(request)
        if visitor.via == "oidc":
            return f"You sign in with {self._guard.accounts.provider}: your password is there."
        account = self._guard.accounts.person(visitor.name)
        if account is None or account.is_in_file:
            return "You are in the configuration file: whoever runs the gateway changes your password there."
        return ""

    def _check_editable(self, request: web.Request) -> None:
        if problem := self._why_not(request):
            raise WrongInput(problem)

    async def _page(self, request: web.Request, problem: str = "") -> web.StreamResponse:
        visitor, why_not = self._guard.visitor(request), self._why_not(request)
        session = visitor.session
        view = AccountView(
            name=visitor.name,
            role=role_words(visitor.role or ""),
            sees=sees_words(visitor.scope.listed),
            via="a password" if visitor.via == "password" else self._guard.accounts.provider,
            began_ms=session.began_ms if session else None,
            ends_ms=session.ends_ms if session else None,
            is_editable=not why_not,
            why_not=why_not,
            problem=problem,
        )
        return await self._layout.page(request, "account.html", view, status=422 if problem else 200)


def _new_password(form: dict[str, str]) -> str:
    new = form.get("new", "")
    if new != form.get("again", ""):
        raise WrongInput("The two passwords differ. Type the same one twice.")
    return new
