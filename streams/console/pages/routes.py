"""All pages of the console, added to the application that the gateway mounts under `/console`."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from streams.console.auth.guard import Guard
from streams.console.errors import NotNow
from streams.console.pages.contacts import Reading
from streams.console.pages.error_pages import friendly
from streams.console.pages.layout import Frame
from streams.console.pages.mappings import Editing
from streams.console.pages.parked import Acting
from streams.console.pages.replay import Replaying
from streams.console.pages.sign_in import Entrance
from streams.console.services.services import Services


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
