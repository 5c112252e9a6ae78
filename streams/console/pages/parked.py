"""Pages on which operators act: parked work, connections, backfills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from aiohttp import web

from streams.console.errors import Conflict, NotFound, NotNow, WrongInput
from streams.console.pages.layout import Frame, form_of
from streams.console.pages.render import href, part
from streams.console.pages.views import backfill_view as backfill
from streams.console.pages.views import connections_view as connections
from streams.console.pages.views import parked_view as parked
from streams.console.pages.views.connections import ConnectLofty
from streams.console.pages.views.page_view import Level
from streams.console.pages.wording import counted
from streams.console.services.parked import Decided, ParkedFilter
from streams.console.services.services import Services

_FIELDS = ("connection", "stage", "reason", "entity", "id")


class Acting:
    """The handlers."""

    def __init__(self, frame: Frame, services: Services) -> None:
        self._frame = frame
        self._services = services

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        guard = self._frame.guard
        guard.add(app, "GET", "/parked", self.parked, role="viewer")
        guard.add(app, "GET", "/parked/cause", self.cause, role="viewer")
        guard.add(app, "GET", "/parked/record/{id}", self.record, role="viewer")
        for action in ("retry", "discard"):
            guard.add(app, "GET", f"/parked/{action}", partial(self.ask, action), role="operator")
            guard.add(app, "POST", f"/parked/{action}", partial(self.decide, action), role="operator")
        guard.add(app, "GET", "/connections", self.connections, role="viewer")
        guard.add(app, "GET", "/connect/{vendor}/{connection}", self.connect, role="operator")
        guard.add(app, "POST", "/connect/{vendor}/{connection}", self.connected, role="operator")
        guard.add(app, "GET", "/backfill", self.backfills, role="viewer")
        guard.add(app, "GET", "/backfill/start", self.ask_backfill, role="operator")
        guard.add(app, "POST", "/backfill/start", self.start_backfill, role="operator")

    # -- parked -------------------------------------------------------------------------------------------

    async def parked(self, request: web.Request) -> web.StreamResponse:
        """By cause."""
        found = await self._services.parked.groups(request.query.get("connection", ""))
        return await self._frame.page(request, "parked.html", parked.groups(found))

    async def cause(self, request: web.Request) -> web.StreamResponse:
        """The records of one cause."""
        wanted, offset = _filter(request.query), _offset(request)
        found = await self._services.parked.records(wanted, limit=parked.PAGE, offset=offset)
        groups = (await self._services.parked.groups(wanted.connection)).groups
        of = next((one for one in groups if (one.stage, one.reason) == (wanted.stage, wanted.reason)), None)
        names = await self._names(one.entity for one in found.rows)
        return await self._frame.page(request, "parked_group.html", parked.cause_page(wanted, found, of, names, offset))

    async def record(self, request: web.Request) -> web.StreamResponse:
        """One record, whole."""
        found = await self._services.parked.record(request.match_info["id"])
        names = await self._names([found.entity])
        return await self._frame.page(
            request, "parked_record.html", parked.record(found, names.get(parked.lane(found.entity), ""))
        )

    async def ask(self, action: str, request: web.Request) -> web.StreamResponse:
        """Are you sure? A page, or a dialog where there are scripts."""
        wanted = _filter(request.query)
        if wanted.is_all:
            raise WrongInput("Choose on the page Parked what is meant.")
        count = (await self._services.parked.records(wanted, limit=1)).total
        if not count:
            raise NotFound(
                "Nothing of this is parked any more: it was retried, discarded, or settled by a later change."
            )
        view = parked.question(action, wanted, count, href("/parked"))
        return await self._frame.page(request, "question.html", view)

    async def decide(self, action: str, request: web.Request) -> web.StreamResponse:
        """Retry or discard."""
        wanted, by = _filter(await form_of(request)), self._frame.guard.actor(request)
        if action == "retry":
            decided = await self._services.parked.retry(by, wanted)
            return self._frame.go(href("/parked"), *_told("sent on its way again", "sent on their way again", decided))
        decided = await self._services.parked.discard(by, wanted)
        return self._frame.go(href("/parked"), *_told("discarded", "discarded", decided))

    async def _names(self, entities: Iterable[str]) -> dict[str, str]:
        """The names of the leads that records are about, as far as the index knows them."""
        lanes = {lane for one in entities if (lane := parked.lane(one))}
        return await self._services.contacts.names(lanes)

    # -- connections --------------------------------------------------------------------------------------

    async def connections(self, request: web.Request) -> web.StreamResponse:
        """Every connection."""
        found = await self._services.connections.all()
        try:
            workers = (await self._services.overview.now()).deployment
        except NotNow:
            workers = None
        return await self._frame.page(request, "connections.html", connections.page(found, workers))

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """On to the vendor's page of consent; for Lofty, whose answer must be pasted, by a page of ours."""
        vendor, connection = request.match_info["vendor"], request.match_info["connection"]
        link = await self._services.connections.connect_link(self._frame.guard.actor(request), connection, vendor)
        if not link.pastes_answer:
            return self._frame.go(link.url)
        return await self._paste(request, connection, link.url, link.ticket)

    async def connected(self, request: web.Request) -> web.StreamResponse:
        """Take Lofty's answer."""
        vendor, connection = request.match_info["vendor"], request.match_info["connection"]
        form = await form_of(request)
        try:
            granted = await self._services.connections.connect_by_answer(
                self._frame.guard.actor(request), connection, vendor, form.get("answer", ""), form.get("ticket", "")
            )
        except WrongInput as error:
            return await self._paste(request, connection, form.get("link", ""), form.get("ticket", ""), error.words)
        lacks = f" Missing scopes: {', '.join(granted.missing)}." if granted.missing else ""
        words = f"Lofty of {connection} is connected.{lacks}"
        return self._frame.go(href("/connections"), words, "warn" if lacks else "ok")

    async def _paste(
        self, request: web.Request, connection: str, link: str, ticket: str, problem: str = ""
    ) -> web.Response:
        if problem and not link.startswith("https://") and not link.startswith("http://"):
            link = ""
        view = ConnectLofty(connection, href(f"/connect/lofty/{part(connection)}"), link, ticket, problem)
        return await self._frame.page(request, "connect_lofty.html", view, status=422 if problem else 200)

    # -- backfills ----------------------------------------------------------------------------------------

    async def backfills(self, request: web.Request) -> web.StreamResponse:
        """Every connection's backfill."""
        found = await self._services.backfill.all()
        return await self._frame.page(request, "backfill.html", backfill.page(found, self._frame.now_ms()))

    async def ask_backfill(self, request: web.Request) -> web.StreamResponse:
        """Are you sure?"""
        wanted = request.query.get("connection", "")
        for one in await self._services.backfill.all():
            if one.connection == wanted:
                return await self._frame.page(request, "question.html", backfill.question(one))
        raise NotFound(f"There is no connection {wanted[:60]!r}.")

    async def start_backfill(self, request: web.Request) -> web.StreamResponse:
        """Order one."""
        connection = (await form_of(request)).get("connection", "")
        try:
            await self._services.backfill.order(self._frame.guard.actor(request), connection)
        except Conflict as error:
            return self._frame.go(href("/backfill"), error.words, "warn")
        return self._frame.go(href("/backfill"), f"The backfill of {connection} is ordered.")


def _filter(given: Mapping[str, str]) -> ParkedFilter:
    return ParkedFilter(**{name: given.get(name, "")[:300] for name in _FIELDS})


def _offset(request: web.Request) -> int:
    text = request.query.get("offset", "0")
    return int(text) if text.isdigit() and len(text) < 7 else 0


def _told(one: str, many: str, decided: Decided) -> tuple[str, Level]:
    words = f"{counted(decided.count, 'record')} {'was' if decided.count == 1 else 'were'} {one if decided.count == 1 else many}."
    if not decided.left:
        return words, "ok"
    why = decided.left[0].why
    return f"{words} {counted(len(decided.left), 'record')} stayed: {why}.", "warn"
