"""A sandbox on a socket: time passes, connections drop, answers never come. The same for both vendors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from aiohttp import web

from connectors.sandbox.shared.faults import SandboxFault
from connectors.sandbox.shared.mangle import mangled

_LOOK_SECONDS = 0.1
"""How often it is seen to whether the client of an answer that never comes has given up."""


class Visit(Protocol):
    """One request on its way through a sandbox."""

    status: int
    content: bytes
    headers: dict[str, str]
    fault: SandboxFault | None


AnyVisit = TypeVar("AnyVisit", bound=Visit)


class Sandbox(Protocol[AnyVisit]):
    """What a shell needs of a sandbox: a request comes in, the work is done, the answer goes out."""

    def arrive(self, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes) -> AnyVisit:
        """A request comes in."""
        ...

    def apply(self, visit: AnyVisit) -> None:
        """Do the work."""
        ...

    def finish(self, visit: AnyVisit, *, is_answered: bool) -> None:
        """The answer goes out, or never will."""
        ...

    @property
    def latency_seconds(self) -> float:
        """How long an answer takes: half of it before the work, half after."""
        ...


class Shell:
    """Lets a sandbox answer requests of aiohttp."""

    def __init__(self, sandbox: Sandbox[AnyVisit]) -> None:
        self._sandbox: Sandbox[Any] = sandbox
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
        return web.Response(
            body=visit.content, status=visit.status, headers=visit.headers, content_type="application/json"
        )

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
        for _ in range(int(seconds / _LOOK_SECONDS)):
            if self._closing.is_set() or request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def close(self, _: web.Application) -> None:
        """Let go of the answers that never come."""
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


async def listen(app: web.Application, host: str, port: int) -> Served:
    """Listen; port 0 takes a free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    bound = runner.addresses[0]
    return Served(f"http://{bound[0]}:{bound[1]}", runner)
