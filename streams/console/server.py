"""The console in the gateway: wires guard, services, API and pages, and mounts them under `/console` and `/api/v1`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from streams.console.api.problem_json import problems
from streams.console.api.routes import add_api
from streams.console.auth.audit_log import AuditWriter
from streams.console.auth.ended_sessions import EndedSessions
from streams.console.auth.guard import Guard
from streams.console.auth.headers import secure_headers
from streams.console.auth.oidc_flow import OidcFlow
from streams.console.auth.oidc_routes import add_oidc
from streams.console.pages.routes import add_pages
from streams.console.services.dependencies import ServiceDependencies, count_nothing
from streams.console.services.services import services_of
from streams.kafka.batching_producer import BatchingProducer
from streams.operations.history.index.process import IndexProcess
from streams.operations.history.index.reader import IndexReader
from streams.settings import Settings


class ConsoleServer:
    """`mount` before the gateway listens, then `start`, and `stop` at the end."""

    def __init__(
        self,
        settings: Settings,
        batching_producer: Callable[[], BatchingProducer],
        now_ms: Callable[[], int],
        gateway: str = "",
        count: Callable[[str, str, bool], None] = count_nothing,
    ) -> None:
        has_index = settings.console.index
        self._settings = settings
        self._now_ms = now_ms
        self.audit = AuditWriter(settings.kafka, batching_producer, now_ms)
        self.ended = EndedSessions(settings, now_ms)
        self.guard = Guard(settings, self.audit, self.ended, now_ms)
        self._reader = IndexReader.of(settings) if has_index else None
        self._index = IndexProcess(settings) if has_index else None
        self.services = services_of(
            ServiceDependencies(
                settings, self._reader, self.audit, self.guard.seal, batching_producer, now_ms, gateway, count
            )
        )
        self.oidc: OidcFlow | None = None
        self.pages = web.Application(middlewares=[self.guard.outermost, secure_headers])
        self.api = web.Application(
            middlewares=[self.guard.outermost, secure_headers, problems, self.guard.middleware(takes_tokens=True)]
        )

    @property
    def notifies(self) -> bool:
        """Whether this process can send notifications: there is a recipient."""
        return self.services.notifications.has_recipients

    @property
    def notifications_failing(self) -> dict[str, int]:
        """Since when the message to a recipient cannot be delivered, by its name."""
        return self.services.notifications.notifier.failing

    @property
    def unread(self) -> dict[str, int]:
        """Since when a topic cannot be read, by the topic."""
        services = self.services
        return {
            **self.guard.accounts.people.unread,
            **services.runs.log.followed.unread,
            **services.connections.tokens.unread,
            **services.backfill.followed.unread,
            **services.notifications.followed.unread,
        }

    async def until_granted(self, partition: int, offset: int) -> None:
        """Wait until the pages show the access that was granted at an offset of the tokens' topic; not for long."""
        await self.services.connections.tokens.until_granted(partition, offset)

    def mount(self, app: web.Application) -> None:
        """Add both sub-applications."""
        self.oidc = add_oidc(self.pages, self._settings, self.guard, self.audit, self._now_ms)
        add_pages(self.pages, self.services, self.guard, self._now_ms)
        self.pages.middlewares.append(self.guard.middleware(takes_tokens=False))

        async def to_console(request: web.Request) -> web.Response:
            raise web.HTTPSeeOther(f"/console/?{request.query_string}" if request.query_string else "/console/")

        app.router.add_get("/console", to_console)  # first: the pages take every path that begins so
        app.add_subapp("/console", self.pages)
        add_api(self.api, self.services, self.guard)
        app.add_subapp("/api/v1", self.api)

    async def start(self) -> None:
        """Start what runs beside the requests."""
        await self.services.start()
        await asyncio.gather(self.ended.start(), self.guard.accounts.people.start())
        if self._index is not None:
            await self._index.start()

    async def stop(self) -> None:
        """Stop it."""
        await self.services.stop()
        await self.ended.stop()
        await self.guard.accounts.people.stop()
        if self._index is not None:
            await self._index.stop()
        if self._reader is not None:
            self._reader.close()
