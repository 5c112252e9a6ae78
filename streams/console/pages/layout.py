"""What every page shares: who is signed in, the time zone, the theme, the number of parked records, a message.

The message for the next page travels in a cookie of its own for one minute, and is shown once.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import cast, get_args
from urllib.parse import unquote

from aiohttp import web

from streams.console.auth.guard import Guard, Visitor
from streams.console.errors import Unavailable
from streams.console.malformed import posted
from streams.console.pages.render import BASE, page_mark, render, zone_of
from streams.console.pages.views.page_view import CurrentUser, Level, Notice, PageContext, Role, Theme
from streams.console.services.kafka_errors import at_most
from streams.console.services.services import Services
from streams.operations.status.overview import Overview

THEME, ZONE, MESSAGE = "lofty_ghl_theme", "lofty_ghl_zone", "lofty_ghl_message"
LIVE = "X-Console-Live"
"""The header of a page that asks for itself once more: it is answered 304 when nothing changed."""
MENU_SECONDS = 2.0
YEAR_SECONDS = 365 * 24 * 3600

Form = dict[str, str]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Layout:
    """What surrounds every page. Made once, and shared by all handlers."""

    def __init__(
        self,
        guard: Guard,
        now_ms: Callable[[], int],
        parked: Callable[[], Awaitable[int | None]],
        conflicts: Callable[[], int | None],
    ) -> None:
        self.guard = guard
        self.now_ms = now_ms
        self._parked, self._conflicts = parked, conflicts  # the numbers in the menu; None when not known

    async def context(self, request: web.Request, message: Notice | None = None) -> PageContext:
        """Who looks at the page, and with which settings."""
        visitor = self._visitor(request)
        person = self._person(visitor) if visitor and visitor.role else None
        theme = request.cookies.get(THEME, "auto")
        return PageContext(
            here=request.path_qs,
            now_ms=self.now_ms(),
            person=person,
            csrf=visitor.csrf if visitor else "",
            theme=cast(Theme, theme) if theme in get_args(Theme) else "auto",
            zone=self.zone(request),
            zone_name=zone_name_of(request),
            parked=await self._in_menu() if person else None,
            conflicts=self._conflicts() if person else None,
            message=message or _message_of(request),
        )

    def _person(self, visitor: Visitor) -> CurrentUser:
        may_edit = self.guard.may_edit_connections(visitor)
        return CurrentUser(visitor.name, cast(Role, visitor.role), visitor.scope.is_limited, may_edit)

    async def _in_menu(self) -> int | None:
        """The number of parked records. No page waits long for it."""
        with at_most(MENU_SECONDS):
            return await self._parked()

    def zone(self, request: web.Request) -> tzinfo:
        """The reader's time zone; UTC where no script has reported it."""
        return zone_of(zone_name_of(request))

    def _visitor(self, request: web.Request) -> Visitor | None:
        """None where the guard did not run: no such path."""
        try:
            return self.guard.visitor(request)
        except KeyError:
            return None

    async def page(
        self, request: web.Request, template: str, view: object, *, status: int = 200, message: Notice | None = None
    ) -> web.Response:
        """A page."""
        context = await self.context(request, message)
        text, is_live = render(template, view, context), LIVE in request.headers
        mark = page_mark(text, context.now_ms)
        if is_live and status == 200 and request.headers.get("If-None-Match") == mark:
            return web.Response(status=304, headers={"ETag": mark})
        answer = web.Response(text=text, status=status, content_type="text/html", headers={"ETag": mark})
        answer.enable_compression()
        if MESSAGE in request.cookies and not is_live:
            answer.del_cookie(MESSAGE, path=BASE)
        return answer

    def redirect(self, path: str, words: str = "", level: Level = "ok") -> web.Response:
        """On to another page, by GET, with a message."""
        answer = web.Response(status=303, headers={"Location": path})
        if words:
            packed = base64.urlsafe_b64encode(f"{level}:{words[:600]}".encode()).decode()
            answer.set_cookie(MESSAGE, packed, max_age=60, path=BASE, httponly=True, samesite="Lax")
        return answer


class Page:
    """The handlers of one page. A subclass adds its routes."""

    def __init__(self, layout: Layout, services: Services) -> None:
        self._layout = layout
        self._guard = layout.guard
        self._services = services

    async def _deployment(self) -> Overview | None:
        """The present state of the workers; None while it is not known."""
        try:
            return (await self._services.overview.now()).deployment
        except Unavailable:
            return None


async def form_of(request: web.Request) -> Form:
    """The texts of a form. Raises `Malformed`."""
    return dict(await posted(request))


def zone_name_of(request: web.Request) -> str:
    """The name of the reader's zone, as their browser gave it."""
    return unquote(request.cookies.get(ZONE, ""))


def _message_of(request: web.Request) -> Notice | None:
    packed = request.cookies.get(MESSAGE)
    if not packed:
        return None
    try:
        level, _, words = base64.urlsafe_b64decode(packed).decode().partition(":")
    except ValueError:  # no Base64, no ASCII, no UTF-8
        return None
    return Notice(cast(Level, level), words) if words and level in get_args(Level) else None
