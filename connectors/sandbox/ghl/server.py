"""The sandbox on a socket, with its control API."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.ghl.consent import consent_routes
from connectors.sandbox.ghl.control import control_routes
from connectors.sandbox.ghl.mailer import WebhookMailer
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.shared import shell
from connectors.sandbox.shared.shell import MAILER, Served, listen

__all__ = ["MAILER", "Served", "build_app", "serve"]


def build_app(sandbox: GhlSandbox) -> web.Application:
    """The sandbox and its control API (`/_sandbox/…`) as one application. Webhooks go out while it runs."""
    mailer = WebhookMailer(sandbox)
    return shell.build_app(sandbox, mailer, [*control_routes(sandbox, mailer), *consent_routes(sandbox)])


async def serve(sandbox: GhlSandbox, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Listen; port 0 takes a free one. Also an async context manager."""
    return await listen(build_app(sandbox), host, port)
