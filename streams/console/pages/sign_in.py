"""Sign-in, sign-out, the choice of colours, and the assets: what is there for everybody."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from streams.console.auth.guard import Guard
from streams.console.errors import NotFound, SignInRefused, TooMany
from streams.console.pages.kept_forms import kept_form
from streams.console.pages.layout import THEME, YEAR_SECONDS, Page, form_of
from streams.console.pages.render import ASSETS, BASE, asset, href
from streams.console.pages.views.page_view import Theme
from streams.console.pages.views.sign_in_view import SignInView


class SignInPage(Page):
    """`/console/sign-in`, sign-out, the theme and the assets."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._guard
        guard.add(app, "GET", "/sign-in", self.show, role="anyone", concerns="person")
        guard.add(app, "POST", "/sign-in", self.sign_in, role="anyone", concerns="person")
        guard.add(app, "POST", "/sign-out", self.sign_out, role="anyone", concerns="person")
        guard.add(app, "POST", "/theme", self.theme, role="anyone", concerns="person")
        guard.add(app, "GET", "/assets/{name}", self.asset, role="anyone", concerns="person")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The sign-in page; who is signed in goes on."""
        go_on = self._guard.safe_path(request.query.get("go_on", ""))
        if self._guard.visitor(request).role is not None:
            return self._layout.redirect(go_on)
        return await self._layout.page(request, "sign_in.html", sign_in_view(self._guard, request, go_on))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Take a name and a password."""
        guard, form = self._guard, await form_of(request)
        go_on, name, kept = guard.safe_path(form.get("go_on", "")), form.get("name", "").strip(), form.get("kept", "")
        try:
            session = await guard.sign_in(request, name, form.get("password", ""))
        except (SignInRefused, TooMany) as error:
            view = sign_in_view(guard, request, go_on, name=name, problem=error.words, kept=kept)
            return await self._layout.page(request, "sign_in.html", view, status=error.status)
        answer: web.Response = self._layout.redirect(go_on)
        if found := kept_form(kept, guard.csrf_of(session), guard.safe_path):
            answer = await self._layout.page(request, "kept_form.html", found)
        guard.remember(request, answer, session)
        return answer

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session."""
        answer = self._layout.redirect(href("/sign-in"))
        await self._guard.sign_out(request, answer)
        return answer

    async def theme(self, request: web.Request) -> web.StreamResponse:
        """Remember the colours, where no script did it."""
        form = await form_of(request)
        answer = self._layout.redirect(self._guard.safe_path(form.get("go_on", "")))
        if form.get("theme") in get_args(Theme):
            answer.set_cookie(THEME, form["theme"], max_age=YEAR_SECONDS, path=f"{BASE}/", samesite="Lax")
        return answer

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """The style sheet, the module, the icon. Their addresses change with their content, so browsers keep them."""
        name = request.match_info["name"]
        if name not in ASSETS:
            raise NotFound("There is no such file.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        answer = web.Response(body=asset(name), content_type=ASSETS[name], charset="utf-8", headers=headers)
        answer.enable_compression()
        return answer


def sign_in_view(
    guard: Guard, request: web.Request, go_on: str = "/console/", *, name: str = "", problem: str = "", kept: str = ""
) -> SignInView:
    """The page as somebody sees it who has not signed in. `kept` is a form that came without a session."""
    return SignInView(
        csrf=guard.visitor(request).csrf,
        name=name,
        problem=problem,
        go_on=go_on,
        has_passwords=guard.accounts.has_passwords,
        provider=guard.accounts.provider,
        provider_href=href("/oidc/start", go_on=go_on) if guard.accounts.provider else "",
        kept=kept,
    )
