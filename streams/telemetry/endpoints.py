"""What every long-running process serves: `/healthz` (alive), `/readyz` (doing its work) and `/metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry

from streams.telemetry.metrics.exposition import Exposition


def add_health_and_metrics(
    app: web.Application,
    registry: CollectorRegistry,
    *,
    is_ready: Callable[[], bool],
    labels: Mapping[str, str] | None = None,
) -> None:
    """Add the three routes. Who asks for OpenMetrics gets it, with exemplars: the traces of single observations.

    `labels` are in every line of the metrics.
    """

    exposition = Exposition(registry, labels)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if is_ready() else web.Response(text="not ready\n", status=503)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = exposition.write(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def listen(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Serve an application; port 0 takes a free one. Returns what must be cleaned up, and the address."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound = runner.addresses[0][1]
    return runner, f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{bound}"


async def listen_on_socket(app: web.Application, path: str) -> web.AppRunner:
    """Serve an application on a Unix socket, for processes of this machine and this user. Returns what must be cleaned up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    return runner
