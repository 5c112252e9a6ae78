"""What every handler needs: who looks, from where, in which colours; and answers of three kinds: a page, a way on, a refusal.

A message for the next page travels in a cookie of its own, for a minute, and is shown once.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Protocol, cast, get_args
from urllib.parse import unquote

from aiohttp import web

from streams.console.auth.guard import Guard, Visitor
from streams.console.malformed import posted
from streams.console.pages.render import BASE, render, zone_of
from streams.console.pages.views.page_view import Level, Notice, Person, Role, Surroundings, Theme

THEME, ZONE, MESSAGE = "lofty_ghl_theme", "lofty_ghl_zone", "lofty_ghl_message"
YEAR_SECONDS = 365 * 24 * 3600

Form = dict[str, str]


class ParkedCount(Protocol):
    """How much is parked, for the number in the menu; None when it is not known."""

    def __call__(self) -> Awaitable[int | None]: ...


class Frame:
    """Made once; given to every page's handlers."""

    def __init__(self, guard: Guard, now_ms: Callable[[], int], parked: ParkedCount) -> None:
        self.guard = guard
        self.now_ms = now_ms
        self._parked = parked

    async def around(self, request: web.Request, message: Notice | None = None) -> Surroundings:
        """Who looks, as far as it is known."""
        visitor = self._visitor(request)
        person = Person(visitor.name, cast(Role, visitor.role)) if visitor and visitor.role else None
        zone_name = unquote(request.cookies.get(ZONE, ""))
        theme = request.cookies.get(THEME, "auto")
        return Surroundings(
            here=request.path_qs,
            now_ms=self.now_ms(),
            person=person,
            csrf=visitor.csrf if visitor else "",
            theme=cast(Theme, theme) if theme in get_args(Theme) else "auto",
            zone=zone_of(zone_name),
            zone_name=zone_name,
            parked=await self._parked() if person else None,
            message=message or _told(request),
        )

    def _visitor(self, request: web.Request) -> Visitor | None:
        """None where the guard was not asked: an address that is none."""
        try:
            return self.guard.visitor(request)
        except KeyError:
            return None

    async def page(
        self, request: web.Request, template: str, view: object, *, status: int = 200, message: Notice | None = None
    ) -> web.Response:
        """A page."""
        around = await self.around(request, message)
        answer = web.Response(text=render(template, view, around), status=status, content_type="text/html")
        if MESSAGE in request.cookies and "X-Console-Live" not in request.headers:
            answer.del_cookie(MESSAGE, path=BASE)
        return answer

    def go(self, path: str, words: str = "", level: Level = "ok") -> web.Response:
        """On to another page, by GET, with a message."""
        answer = web.Response(status=303, headers={"Location": path})
        if words:
            packed = base64.urlsafe_b64encode(f"{level}:{words[:600]}".encode()).decode()
            answer.set_cookie(MESSAGE, packed, max_age=60, path=BASE, httponly=True, samesite="Lax")
        return answer


async def form_of(request: web.Request) -> Form:
    """The texts of a form. Raises `Malformed`."""
    return dict(await posted(request))


def _told(request: web.Request) -> Notice | None:
    packed = request.cookies.get(MESSAGE)
    if not packed:
        return None
    try:
        level, _, words = base64.urlsafe_b64decode(packed).decode().partition(":")
    except ValueError:  # no Base64, no ASCII, no UTF-8
        return None
    return Notice(cast(Level, level), words) if words and level in get_args(Level) else None


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
