"""Locations where the app was installed in GHL's marketplace: pair each with a Lofty team."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import Conflict, NotFound, WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.installations_view import LocationForm, installations_view
from streams.console.pages.views.page_view import Question
from streams.console.pages.wording import counted


class InstallationsPage(Page):
    """`/console/installations`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard, pair = self._guard, "/installations/{location}/pair"
        guard.add(app, "GET", "/installations", self.show, role="settings", concerns="deployment")
        guard.add(app, "POST", "/installations", self.look_again, role="settings", concerns="deployment")
        guard.add(app, "POST", pair, self.pair, role="settings", concerns="deployment")
        guard.add(app, "POST", "/installations/{location}/access", self.retry, role="settings", concerns="deployment")
        discard = "/installations/{account}/discard"
        guard.add(app, "GET", discard, self.confirm, role="settings", concerns="deployment")
        guard.add(app, "POST", discard, self.discard, role="settings", concerns="deployment")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Every location."""
        installations = self._services.installations
        view = installations_view(await installations.all(), await installations.accounts())
        return await self._layout.page(request, "installations.html", view)

    async def look_again(self, request: web.Request) -> web.StreamResponse:
        """Ask GHL for the locations of now."""
        try:
            found = await self._services.installations.look_again(self._guard.actor(request))
        except WrongInput as error:
            return self._layout.redirect(href("/installations"), error.words, "bad")
        words = f"GoHighLevel lists {counted(len(found), 'location')}."
        return self._layout.redirect(href("/installations"), words)

    async def pair(self, request: web.Request) -> web.StreamResponse:
        """Add a connection for a location. A form that is wrong comes back as it was filled, without its key."""
        location, form = request.match_info["location"], await form_of(request)
        name, team_id = form.get("name", "").strip().lower(), form.get("team_id", "").strip()
        installations = self._services.installations
        try:
            done = await installations.pair(
                self._guard.actor(request), location, name, team_id, form.get("lofty_api_key", "").strip()
            )
        except (WrongInput, Conflict) as error:
            found = await installations.all()
            one = next((one for one in found if one.location == location), None)
            if one is None:
                raise
            faults = error.faults if isinstance(error, WrongInput) else ()
            view = installations_view(
                found, await installations.accounts(), LocationForm(one, name, team_id, error.words, faults)
            )
            return await self._layout.page(request, "installations.html", view, status=error.status)
        settings = href(f"/connections/{part(done.connection.id)}/settings")
        if done.problem:
            words = f"The connection was added. {done.problem}. To try again: Connections, Installations, Paired."
            return self._layout.redirect(settings, words, "warn")
        words = f"Connection {done.connection.label} was added and has access to its location."
        return self._layout.redirect(settings, words)

    async def retry(self, request: web.Request) -> web.StreamResponse:
        """Give a paired location's connection access once more."""
        location = request.match_info["location"]
        try:
            await self._services.installations.retry(self._guard.actor(request), location)
        except (WrongInput, NotFound) as error:
            return self._layout.redirect(href("/installations"), error.words, "bad")
        return self._layout.redirect(href("/installations"), f"The connection of location {location} has access.")

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Ask before an installation is discarded."""
        found = await self._services.installations.account(request.match_info["account"])
        what = "agency" if found.kind == "company" else "location"
        question = Question(
            title=f"Discard the installation of {what} {found.account}?",
            words=f"Its access is forgotten, and {counted(found.locations, 'location')} of it {'is' if found.locations == 1 else 'are'} no longer listed here. Connections that "
            "are paired go on. To bring it back, somebody installs the app in GoHighLevel's marketplace once more.",
            action=href(f"/installations/{part(found.account)}/discard"),
            yes="Discard",
            back=href("/installations"),
            is_dangerous=True,
        )
        return await self._layout.page(request, "question.html", question)

    async def discard(self, request: web.Request) -> web.StreamResponse:
        """Discard an installation."""
        account = request.match_info["account"]
        await self._services.installations.discard(self._guard.actor(request), account)
        return self._layout.redirect(href("/installations"), f"The installation of {account} was discarded.")
