"""All pages of the console, added to the application that the gateway mounts under `/console`."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from streams.console.errors import NotNow
from streams.console.guard import Guard
from streams.console.pages.acting import Acting
from streams.console.pages.editing import Editing
from streams.console.pages.entrance import Entrance
from streams.console.pages.frame import Frame
from streams.console.pages.reading import Reading
from streams.console.pages.refusals import friendly
from streams.console.pages.replaying import Replaying
from streams.console.services.all import Services


def add_pages(
    app: web.Application,
    services: Services,
    guard: Guard,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> None:
    """Add every page, and the middleware that turns refusals into pages."""

    async def parked() -> int | None:
        try:
            return (await services.parked.groups()).total
        except NotNow:
            return None

    frame = Frame(guard, now_ms, parked)
    app.middlewares.append(friendly(frame))
    Entrance(frame).add(app)
    Reading(frame, services).add(app)
    Acting(frame, services).add(app)
    Editing(frame, services).add(app)
    Replaying(frame, services).add(app)
