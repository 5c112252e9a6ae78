"""The one port of several worker processes: `/healthz`, `/readyz`, `/metrics` and `/budgets` of all, asked when they are asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from streams.telemetry.metrics import Metrics
from streams.telemetry.metrics.exposition import Exposition
from streams.telemetry.metrics.merging import merge
from streams.worker.processes.process_group import ProcessGroup

LABEL = "process"
"""In every line of a process's metrics: its number."""


def endpoints_of(group: ProcessGroup, metrics: Metrics) -> web.Application:
    """The application that the supervisor serves.

    Healthy: a first process has answered, and since then the supervisor turns, which starts again what ends or hangs.
    Ready: each process is.
    """
    own = Exposition(metrics.registry)

    async def of_all(path: str, accept: str = "") -> dict[int, tuple[int, str, str]]:
        numbers = list(group.running)
        answers = await asyncio.gather(*(group.running[number].get(path, accept) for number in numbers))
        return dict(sorted(zip(numbers, answers, strict=True)))

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if group.has_begun else web.Response(text="starting\n", status=503)

    async def readyz(_: web.Request) -> web.Response:
        answers = await of_all("/readyz")
        wanting = [number for number in range(group.count) if answers.get(number, (0,))[0] != 200]
        if not wanting:
            return web.Response(text="ready\n")
        return web.Response(text=f"not ready: process {', '.join(map(str, wanting))}\n", status=503)

    async def metrics_of_all(request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        body, content_type = own.write(accept)
        answers = await of_all("/metrics", accept)
        texts = [text for status, _, text in answers.values() if status == 200]
        merged = await asyncio.to_thread(merge, [body.decode(), *texts])
        return web.Response(body=merged.encode(), headers={"Content-Type": content_type})

    async def budgets(_: web.Request) -> web.Response:
        answers = await of_all("/budgets")
        found: list[Any] = []
        for number, (status, _type, text) in answers.items():
            found += [{LABEL: number, **budget} for budget in orjson.loads(text)] if status == 200 else []
        return web.Response(body=orjson.dumps(found), content_type="application/json")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_of_all)
    app.router.add_get("/budgets", budgets)
    return app
