"""Parked records: by cause, one cause, one record; retrying and discarding them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from aiohttp import web

from streams.console.errors import NotFound, WrongInput
from streams.console.pages.layout import Page, form_of
from streams.console.pages.render import href
from streams.console.pages.views import parked_view as parked
from streams.console.pages.views.page_view import Level
from streams.console.pages.wording import counted
from streams.console.services.parked import Decided
from streams.operations.parked.open_records import RecordFilter

_FIELDS = ("connection", "stage", "reason", "entity", "id")


class ParkedRecordsPage(Page):
    """`/console/parked`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._guard
        guard.add(app, "GET", "/parked", self.parked, role="viewer", concerns="filtered")
        guard.add(app, "GET", "/parked/cause", self.cause, role="viewer", concerns="filtered")
        guard.add(app, "GET", "/parked/record/{id}", self.record, role="viewer", concerns="filtered")
        for action in ("retry", "discard"):
            guard.add(
                app, "GET", f"/parked/{action}", partial(self.confirm, action), role="operator", concerns="filtered"
            )
            guard.add(
                app, "POST", f"/parked/{action}", partial(self.decide, action), role="operator", concerns="filtered"
            )

    async def parked(self, request: web.Request) -> web.StreamResponse:
        """By cause."""
        connection = request.query.get("connection", "")
        found = await self._services.parked.groups(connection)
        retry = None
        if request.query.get("retry"):
            with suppress(NotFound):
                retry = await self._services.parked.outcome(request.query["retry"])
        view = parked.causes_view(found, retry, connection=connection, offset=_offset(request))
        return await self._layout.page(request, "parked.html", view)

    async def cause(self, request: web.Request) -> web.StreamResponse:
        """The records of one cause."""
        wanted, offset = _filter(request.query), _offset(request)
        found = await self._services.parked.records(wanted, limit=parked.PAGE_SIZE, offset=offset)
        groups = (await self._services.parked.groups(wanted.connection)).groups
        of = next((one for one in groups if (one.stage, one.reason) == (wanted.stage, wanted.reason)), None)
        names = await self._names(one.entity for one in found.rows)
        return await self._layout.page(
            request, "parked_group.html", parked.cause_view(wanted, found, of, names, offset)
        )

    async def record(self, request: web.Request) -> web.StreamResponse:
        """One record, whole."""
        found = await self._services.parked.record(request.match_info["id"])
        names = await self._names([found.entity])
        return await self._layout.page(
            request, "parked_record.html", parked.record_view(found, names.get(parked.lane(found.entity), ""))
        )

    async def confirm(self, action: str, request: web.Request) -> web.StreamResponse:
        """Are you sure? A page, or a dialog where there are scripts."""
        wanted = _filter(request.query)
        if wanted == RecordFilter():
            raise WrongInput("Choose them on the page Needs attention.")
        count = (await self._services.parked.records(wanted, limit=1)).total
        if not count:
            raise NotFound(
                "Nothing of this needs attention now: it was retried, discarded, or settled by a later change."
            )
        view = parked.question(action, wanted, count, href("/parked"))
        return await self._layout.page(request, "question.html", view)

    async def decide(self, action: str, request: web.Request) -> web.StreamResponse:
        """Retry or discard."""
        wanted, by = _filter(await form_of(request)), self._guard.actor(request)
        if action == "retry":
            decided = await self._services.parked.retry(by, wanted)
            # Without a problem nothing is announced: the page itself follows what comes of them.
            said = _outcome("sent again", "sent again", decided) if decided.left or not decided.retry else ()
            return self._layout.redirect(href("/parked", retry=decided.retry), *said)
        decided = await self._services.parked.discard(by, wanted)
        return self._layout.redirect(href("/parked"), *_outcome("discarded", "discarded", decided))

    async def _names(self, entities: Iterable[str]) -> dict[str, str]:
        """The names of the leads that records are about, as far as the index knows them."""
        lanes = {lane for one in entities if (lane := parked.lane(one))}
        return await self._services.contacts.names(lanes)


def _filter(given: Mapping[str, str]) -> RecordFilter:
    return RecordFilter(**{name: given.get(name, "")[:300] for name in _FIELDS})


def _offset(request: web.Request) -> int:
    text = request.query.get("offset", "0")
    return int(text) if text.isdigit() and len(text) < 7 else 0


def _outcome(one: str, many: str, decided: Decided) -> tuple[str, Level]:
    words = f"{counted(decided.count, 'record')} {'was' if decided.count == 1 else 'were'} {one if decided.count == 1 else many}."
    if not decided.left:
        return words, "ok"
    why = decided.left[0].why
    return f"{words} {counted(len(decided.left), 'record')} stayed: {why}.", "warn"
