"""The sandbox on a socket, with its control API and its mailer."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.lofty.consent import consent_routes
from connectors.sandbox.lofty.control import control_routes
from connectors.sandbox.lofty.mailer import PingMailer
from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.shared.shell import Served, Shell, listen

MAILER = web.AppKey("mailer", PingMailer)
"""Where an application has its mailer."""


def build_app(sandbox: LoftySandbox) -> web.Application:
    """The sandbox and its control API (`/_sandbox/…`) as one application. Pings go out while it runs."""
    app = web.Application(client_max_size=64 * 1024**2)
    app[MAILER] = mailer = PingMailer(sandbox)
    app.on_startup.append(mailer.start)
    app.on_cleanup.append(mailer.stop)
    shell = Shell(sandbox)
    app.on_shutdown.append(shell.close)
    app.add_routes([*control_routes(sandbox, mailer), *consent_routes(sandbox)])
    app.router.add_route("*", "/{path:.*}", shell.handle)
    return app


async def serve(sandbox: LoftySandbox, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Listen; port 0 takes a free one. Also an async context manager."""
    return await listen(build_app(sandbox), host, port)
