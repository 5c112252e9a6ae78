"""The replay's page: choose, try dry, begin, stop, carry on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from aiohttp import web

from streams.console.auth.scope import no_such_connection
from streams.console.errors import Conflict, TooMany, WrongInput
from streams.console.pages.dry_runs import DryRuns
from streams.console.pages.layout import Layout, Page, form_of
from streams.console.pages.render import href
from streams.console.pages.views.replay_view import ReplayForm, replay_view
from streams.console.services.services import Services
from streams.messages import Selection
from streams.operations.replay.selection import time_ms

DEFAULT_RATE = 200.0
"""Records a second: the workers have most of their time for live work."""
SLOWEST, FASTEST = 0.1, 5_000.0
_TYPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
_FIELDS = ("topic", "connection", "contact", "since", "until", "reason", "rate")


class ReplayPage(Page):
    """`/console/replay`."""

    def __init__(self, layout: Layout, services: Services) -> None:
        super().__init__(layout, services)
        self._dry_runs = DryRuns(services.replay.dry_run)

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._guard
        guard.add(app, "GET", "/replay", self.show, role="viewer", concerns="filtered")
        guard.add(app, "POST", "/replay/dry-run", self.plan, role="operator", concerns="filtered")
        guard.add(app, "POST", "/replay/start", self.start, role="operator", concerns="filtered")
        guard.add(app, "POST", "/replay/stop", self.stop, role="operator", concerns="filtered")
        guard.add(app, "POST", "/replay/go-on", self.go_on, role="operator", concerns="filtered")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page; `dry` in the query is a dry run to be looked at."""
        return await self._page(request, _form(request.query), request.query.get("dry", ""))

    async def plan(self, request: web.Request) -> web.StreamResponse:
        """Begin a dry run."""
        form = _form(await form_of(request))
        try:
            rate_of(form.rate)
            dry = self._dry_runs.start(self._selection(request, form))
        except (WrongInput, TooMany) as error:
            return await self._page(request, replace(form, problems=(error.words,)), "", 422)
        return self._layout.redirect(href("/replay", **_asked(form), dry=dry.id))

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Begin a replay."""
        form = _form(await form_of(request))
        try:
            await self._services.replay.start_replay(
                self._guard.actor(request), self._selection(request, form), rate_of(form.rate)
            )
        except (WrongInput, Conflict, TooMany) as error:
            return await self._page(request, replace(form, problems=(error.words,)), "", 422)
        return self._layout.redirect(href("/replay"), "It has started.")

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Stop one."""
        await self._services.replay.stop_replay(self._guard.actor(request), (await form_of(request)).get("id", ""))
        return self._layout.redirect(href("/replay"), "It was stopped, and can be resumed there.")

    async def go_on(self, request: web.Request) -> web.StreamResponse:
        """Carry one on."""
        run = (await form_of(request)).get("id", "")
        await self._services.replay.resume_replay(self._guard.actor(request), run, DEFAULT_RATE)
        return self._layout.redirect(href("/replay"), "It was resumed.")

    async def _page(self, request: web.Request, form: ReplayForm, dry_id: str, status: int = 200) -> web.Response:
        groups = (await self._services.parked.groups()).groups
        connections = self._services.connection_names
        reasons = sorted({one.reason for one in groups})
        dry, runs = self._dry_runs.get(dry_id), await self._services.replay.all()
        view = replay_view(form, connections, reasons, dry, runs, self._layout.now_ms())
        return await self._layout.page(request, "replay.html", view, status=status)

    def _selection(self, request: web.Request, form: ReplayForm) -> Selection:
        """What a form means. Raises `WrongInput`."""
        if form.connection and form.connection not in self._services.connection_names:
            raise no_such_connection(form.connection)
        facts: dict[str, Any] = {}
        for name in ("since", "until"):
            text = getattr(form, name)
            try:
                if text:
                    facts[f"{name}_ms"] = time_ms(in_zone(text, self._layout.zone(request)), self._layout.now_ms())
            except ValueError as error:
                raise WrongInput(f"{name.capitalize()}: {error}.") from error
        reason = form.reason if form.topic == "parked" else ""
        return Selection(topic=form.topic, connection=form.connection, contact=form.contact, reason=reason, **facts)


def in_zone(text: str, zone: tzinfo) -> str:
    """A time with its zone, where it was typed into a field that knows none: it is the reader's."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).isoformat() if _TYPED.fullmatch(text) else text


def _form(given: Mapping[str, str]) -> ReplayForm:
    found = {name: given.get(name, "").strip()[:200] for name in _FIELDS if given.get(name)}
    return replace(ReplayForm(rate=f"{DEFAULT_RATE:g}"), **found)  # type: ignore[arg-type]  # its texts, by name


def _asked(form: ReplayForm) -> dict[str, str]:
    return {name: getattr(form, name) for name in _FIELDS}


def rate_of(text: str) -> float:
    """Records a second, as they were typed. Raises `WrongInput`."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not SLOWEST <= rate <= FASTEST:
        raise WrongInput(f"At most: expected between {SLOWEST:g} and {FASTEST:g} records a second, got {text[:40]!r}.")
    return rate
