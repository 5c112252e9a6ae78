"""The sandbox on a socket: time passes, connections drop, answers never come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web

from connectors.ghl.sandbox.control import control_routes
from connectors.ghl.sandbox.sandbox import GhlSandbox, Visit

_LOOK_SECONDS = 0.1
"""How often it is seen to whether the client of an answer that never comes has given up."""


class _Shell:
    def __init__(self, sandbox: GhlSandbox) -> None:
        self._sandbox = sandbox
        self._closing = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request of GHL's API."""
        sandbox = self._sandbox
        body = await request.read() if request.body_exists else b""
        url = request.rel_url
        visit = sandbox.arrive(request.method, url.raw_path, url.raw_query_string, request.headers, body)
        half = sandbox.settings.latency_seconds / 2
        if half:
            await asyncio.sleep(half)
        fault = visit.fault.kind if visit.fault is not None else None
        if fault != "drop_before_apply":
            sandbox.apply(visit)
        if half:
            await asyncio.sleep(half)
        if fault == "delay" and visit.fault is not None:
            await asyncio.sleep(visit.fault.seconds)
        if fault in ("drop_before_apply", "drop_after_apply", "timeout_after_apply"):
            return await self._leave_unanswered(request, visit)
        sandbox.finish(visit, is_answered=True)
        return web.Response(
            body=visit.content, status=visit.status, headers=visit.headers, content_type="application/json"
        )

    async def _leave_unanswered(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        self._sandbox.finish(visit, is_answered=False)
        if visit.fault is not None and visit.fault.kind == "timeout_after_apply":
            await self._until_client_leaves(request, visit.fault.seconds)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _until_client_leaves(self, request: web.Request, seconds: float) -> None:
        for _ in range(int(seconds / _LOOK_SECONDS)):
            if self._closing.is_set() or request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def close(self, _: web.Application) -> None:
        """Let go of the answers that never come."""
        self._closing.set()


def build_app(sandbox: GhlSandbox) -> web.Application:
    """The sandbox and its control API (`/_sandbox/…`) as one application."""
    shell = _Shell(sandbox)
    app = web.Application(client_max_size=16 * 1024**2)
    app.on_shutdown.append(shell.close)
    app.add_routes(control_routes(sandbox))
    app.router.add_route("*", "/{path:.*}", shell.handle)
    return app


@dataclass(frozen=True, slots=True)
class Served:
    """A sandbox that listens. `url` is its address."""

    url: str
    runner: web.AppRunner

    async def aclose(self) -> None:
        """Stop listening."""
        await self.runner.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def serve(sandbox: GhlSandbox, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Listen; port 0 takes a free one. Also an async context manager."""
    runner = web.AppRunner(build_app(sandbox), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    bound = runner.addresses[0]
    return Served(f"http://{bound[0]}:{bound[1]}", runner)
