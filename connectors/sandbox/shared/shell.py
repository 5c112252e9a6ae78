"""A sandbox on a socket: time passes, connections drop, answers never come. The same for both vendors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from connectors.sandbox.shared.mailer import Mailer
from connectors.sandbox.shared.mangle import mangled
from connectors.sandbox.shared.sandbox import Sandbox, Visit

_CHECK_SECONDS = 0.1
"""How often to check whether the client of an answer that never comes has given up."""


class Shell:
    """Lets a sandbox answer requests of aiohttp."""

    def __init__(self, sandbox: Sandbox[Any]) -> None:
        self._sandbox = sandbox
        self._closing = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request of the vendor's API."""
        sandbox = self._sandbox
        body = await request.read() if request.body_exists else b""
        url = request.rel_url
        visit = sandbox.arrive(request.method, url.raw_path, url.raw_query_string, request.headers, body)
        half = sandbox.latency_seconds / 2
        if half:
            await asyncio.sleep(half)
        fault = visit.fault.kind if visit.fault is not None else None
        if fault != "drop_before_apply":
            sandbox.apply(visit)
        if half:
            await asyncio.sleep(half)
        if fault == "delay" and visit.fault is not None:
            await asyncio.sleep(visit.fault.seconds)
        if visit.fault is not None and fault in ("drop_before_apply", "drop_after_apply", "timeout_after_apply"):
            sandbox.finish(visit, is_answered=False)
            if fault == "timeout_after_apply":
                await self._until_client_leaves(request, visit.fault.seconds)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if visit.fault is not None and fault == "mangle":
            return await self._mangled(request, visit)
        sandbox.finish(visit, is_answered=True)
        kind = "text/html" if visit.content[:1] == b"<" else "application/json"
        return web.Response(body=visit.content, status=visit.status, headers=visit.headers, content_type=kind)

    async def _mangled(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        """Answer as the fault says. One that ends too early takes the connection with it."""
        assert visit.fault is not None
        body, headers = mangled(visit.content, visit.fault.how, visit.fault.text)
        is_cut = "Content-Length" in headers
        self._sandbox.finish(visit, is_answered=not is_cut)
        if not is_cut:
            headers = {"Content-Type": "application/json", **visit.headers, **headers}
            return web.Response(body=body, status=visit.status, headers=headers)
        answer = web.StreamResponse(status=visit.status, headers={**visit.headers, **headers})
        await answer.prepare(request)
        await answer.write(body)
        if request.transport is not None:
            request.transport.close()
        return answer

    async def _until_client_leaves(self, request: web.Request, seconds: float) -> None:
        for _ in range(int(seconds / _CHECK_SECONDS)):
            if self._closing.is_set() or request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(_CHECK_SECONDS)

    async def close(self, _: web.Application) -> None:
        """Close the connections whose answers never come."""
        self._closing.set()


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


MAILER = web.AppKey("mailer", Mailer)
"""The key of an application's mailer."""


def build_app(sandbox: Sandbox[Any], mailer: Mailer, routes: Iterable[web.RouteDef]) -> web.Application:
    """A sandbox, its mailer and its own routes (control API, page of consent) as one application."""
    shell = Shell(sandbox)
    app = web.Application(client_max_size=64 * 1024**2)
    app[MAILER] = mailer
    app.on_startup.append(mailer.start)
    app.on_shutdown.append(shell.close)
    app.on_cleanup.append(mailer.stop)
    app.add_routes(routes)
    app.router.add_route("*", "/{path:.*}", shell.handle)
    return app


async def listen(app: web.Application, host: str, port: int) -> Served:
    """Listen; port 0 takes a free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    bound = runner.addresses[0]
    return Served(f"http://{bound[0]}:{bound[1]}", runner)
