"""The sandbox on a socket, with its control API."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.lofty.consent import consent_routes
from connectors.sandbox.lofty.control import control_routes
from connectors.sandbox.lofty.mailer import PingMailer
from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.shared import shell
from connectors.sandbox.shared.shell import MAILER, Served, listen

__all__ = ["MAILER", "Served", "build_app", "serve"]


def build_app(sandbox: LoftySandbox) -> web.Application:
    """The sandbox and its control API (`/_sandbox/…`) as one application. Webhooks go out while it runs."""
    mailer = PingMailer(sandbox)
    return shell.build_app(sandbox, mailer, [*control_routes(sandbox, mailer), *consent_routes(sandbox)])


async def serve(sandbox: LoftySandbox, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Listen; port 0 takes a free one. Also an async context manager."""
    return await listen(build_app(sandbox), host, port)
