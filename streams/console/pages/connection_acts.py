"""An act on many connections: chosen on the list, confirmed on a page, with the outcome of each."""

from __future__ import annotations

from aiohttp import web

from streams.console.errors import TooMany, WrongInput
from streams.console.pages.layout import Form, Page, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views.connection_acts_view import bulk_run_view, question
from streams.console.pages.views.connections_list import ListChoice, matching
from streams.console.pages.views.connections_view import connections_view
from streams.console.services.bulk_acts import ACTS, BulkAct

PREFIX = "chosen."
"""Before a connection's id in the name of its box."""


class ConnectionActsPage(Page):
    """`/console/connection-acts`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        add = self._guard.add
        add(app, "POST", "/connection-acts/ask", self.ask, role="operator", concerns="filtered")
        add(app, "POST", "/connection-acts", self.start, role="operator", concerns="filtered")
        add(app, "GET", "/connection-acts/{run}", self.run, role="viewer", concerns="filtered")

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Ask before it: what, and on how many."""
        form = await form_of(request)
        choice = ListChoice.of(form)
        act = _act(form)
        found = connections_view(await self._services.connections.all(), await self._deployment()).connections
        if "all" in form:
            shown = matching(found, choice)
        else:
            boxes = {name.removeprefix(PREFIX) for name in form if name.startswith(PREFIX)}
            shown = [card for card in found if card.connection.name in boxes]
        if not shown:
            return self._layout.redirect(choice.href, "Choose at least one connection.", "warn")
        chosen = [(card.connection.name, card.connection.label or card.connection.name) for card in shown]
        return await self._layout.page(request, "question.html", question(act, chosen, choice.href))

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Begin it."""
        form = await form_of(request)
        try:
            chosen = form.get("chosen", "").split()
            run = await self._services.runs.bulk.start(self._guard.actor(request), _act(form), chosen)
        except TooMany as error:
            return self._layout.redirect(href("/connections"), error.words, "warn")
        return self._layout.redirect(href(f"/connection-acts/{part(run.id)}"))

    async def run(self, request: web.Request) -> web.StreamResponse:
        """What came of it."""
        found = await self._services.runs.bulk.get(request.match_info["run"])
        return await self._layout.page(request, "connection_acts.html", bulk_run_view(found))


def _act(form: Form) -> BulkAct:
    act = form.get("act", "")
    if act not in ACTS:
        raise WrongInput("Choose what is to be done with the connections.")
    return act
