"""The console in the gateway: wires guard, services, API and pages, and mounts them under `/console` and `/api/v1`."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from streams.console.api.problem_json import problems
from streams.console.api.routes import add_api
from streams.console.auth.audit_log import Audit
from streams.console.auth.ended_sessions import EndedSessions
from streams.console.auth.guard import Guard
from streams.console.auth.headers import secure_headers
from streams.console.auth.oidc_flow import OidcFlow
from streams.console.auth.oidc_routes import OidcRoutes
from streams.console.pages.routes import add_pages
from streams.console.services.mapping import Mappings
from streams.console.services.overview import Watch
from streams.console.services.replay import Replays
from streams.console.services.wiring import services_of
from streams.kafka.batching_producer import BatchingProducer
from streams.messages.topics import TopicNames
from streams.operations.history.index.config import Plan, index_path
from streams.operations.history.index.process import IndexProcess
from streams.operations.history.index.reader import IndexReader
from streams.settings import Settings


class ConsoleServer:
    """`mount` before the gateway listens, then `start`, and `stop` at the end."""

    def __init__(
        self, settings: Settings, batching_producer: Callable[[], BatchingProducer], now_ms: Callable[[], int]
    ) -> None:
        names = TopicNames(settings.kafka.topic_prefix)
        self.audit = Audit(names, settings.kafka.partitions, batching_producer, now_ms)
        self.ended = EndedSessions(settings, now_ms)
        self.guard = Guard(settings, self.audit, self.ended, now_ms)
        self._reader = (
            IndexReader(index_path(settings), sorted(settings.connections)) if settings.console.index else None
        )
        self._index = IndexProcess(Plan.of(settings)) if settings.console.index else None
        self._watch = Watch(settings, now_ms)
        self._mappings = Mappings(settings, self._reader, self.audit, now_ms)
        self._replays = Replays(settings, self.audit, now_ms)
        self.services = services_of(
            settings,
            self._reader,
            self._watch,
            self._mappings,
            self._replays,
            self.audit,
            self.guard.seal,
            batching_producer,
            now_ms,
        )
        self._settings = settings
        self.oidc: OidcFlow | None = None
        self._now_ms = now_ms
        self.pages = web.Application(middlewares=[secure_headers])
        self.api = web.Application(middlewares=[secure_headers, problems, self.guard.middleware(takes_tokens=True)])

    def mount(self, app: web.Application) -> None:
        """Add both sub-applications."""
        self._add_oidc(self.pages)
        self._add_pages(self.pages)
        self.pages.middlewares.append(self.guard.middleware(takes_tokens=False))

        async def to_console(request: web.Request) -> web.Response:
            raise web.HTTPSeeOther(f"/console/?{request.query_string}" if request.query_string else "/console/")

        app.router.add_get("/console", to_console)  # first: the pages take every path that begins so
        app.add_subapp("/console", self.pages)
        add_api(self.api, self.services, self.guard)
        app.add_subapp("/api/v1", self.api)

    async def start(self) -> None:
        """Begin what runs beside the requests."""
        self._watch.start()
        self._mappings.start()
        self._replays.start_watching()
        await self.ended.start()
        if self._index is not None:
            await self._index.start()

    async def stop(self) -> None:
        """End it."""
        await self._watch.stop()
        await self._mappings.stop()
        await self._replays.stop_watching()
        await self.ended.stop()
        if self._index is not None:
            await self._index.stop()
        if self._reader is not None:
            self._reader.close()

    def _add_pages(self, app: web.Application) -> None:
        add_pages(app, self.services, self.guard, self._now_ms)

    def _add_oidc(self, app: web.Application) -> None:
        oidc = self._settings.console.oidc
        if oidc is None:
            return
        secret = self._settings.console_secrets.oidc_client_secret
        self.oidc = flow = OidcFlow(oidc, secret.get_secret_value() if secret else None, self.guard.seal, self._now_ms)
        OidcRoutes(flow, self.guard, self.audit, self._settings.gateway.public_url).add(app)
