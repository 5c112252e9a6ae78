"""All pages of the console, added to the application that the gateway mounts under `/console`."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from streams.console.auth.guard import Guard
from streams.console.auth.scope import of_the_frame
from streams.console.errors import Unavailable
from streams.console.pages.all_pages import PAGES
from streams.console.pages.error_pages import friendly
from streams.console.pages.layout import Layout
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
            with of_the_frame():
                return (await services.parked.groups()).total
        except Unavailable:
            return None

    def undecided() -> int | None:
        with of_the_frame():
            return services.conflicts.undecided

    layout = Layout(guard, now_ms, parked, undecided)
    app.middlewares.append(friendly(layout))
    for page in PAGES:
        page(layout, services).add(app)
