"""The sandbox on a socket, with its control API."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.ghl.consent import consent_routes
from connectors.sandbox.ghl.control import control_routes
from connectors.sandbox.ghl.mailer import WebhookMailer
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.shared.shell import Served, Shell, listen

MAILER = web.AppKey("mailer", WebhookMailer)
"""Where an application has its mailer."""


def build_app(sandbox: GhlSandbox) -> web.Application:
    """The sandbox and its control API (`/_sandbox/…`) as one application."""
    shell = Shell(sandbox)
    app = web.Application(client_max_size=16 * 1024**2)
    app[MAILER] = mailer = WebhookMailer(sandbox)
    app.on_shutdown.append(shell.close)
    app.on_startup.append(mailer.start)
    app.on_shutdown.append(mailer.stop)
    app.add_routes([*control_routes(sandbox, mailer), *consent_routes(sandbox)])
    app.router.add_route("*", "/{path:.*}", shell.handle)
    return app


async def serve(sandbox: GhlSandbox, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Listen; port 0 takes a free one. Also an async context manager."""
    return await listen(build_app(sandbox), host, port)
