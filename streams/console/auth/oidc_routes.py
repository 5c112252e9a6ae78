"""`/console/oidc/start` and `/console/oidc/callback`: the browser on its way to the provider and back."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.guard import Guard
from streams.console.auth.oidc_flow import FLOW_SECONDS, OidcFlow
from streams.console.errors import SignInRefused
from streams.settings import Settings

COOKIE = "lofty_ghl_oidc"
CALLBACK = "/console/oidc/callback"


class OidcRoutes:
    """The two handlers. Errors are shown by the pages' own middleware."""

    def __init__(self, flow: OidcFlow, guard: Guard, audit: AuditWriter, public_url: str | None) -> None:
        self._flow = flow
        self._guard = guard
        self._audit = audit
        self._public_url = public_url

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        self._guard.add(app, "GET", "/oidc/start", self.start, role="anyone", concerns="person")
        self._guard.add(app, "GET", "/oidc/callback", self.callback, role="anyone", concerns="person")

    async def start(self, request: web.Request) -> web.Response:
        """Send the browser to the provider."""
        go_on = self._guard.safe_path(request.query.get("go_on", ""))
        started = await self._flow.start(self._redirect_uri(request), go_on)
        answer = web.Response(status=303, headers={"Location": started.url})
        self._guard.set_cookie(request, answer, COOKIE, started.cookie, FLOW_SECONDS)
        return answer

    async def callback(self, request: web.Request) -> web.Response:
        """Take what the provider sent."""
        cookie = request.cookies.get(self._guard.cookie_name(request, COOKIE), "")
        try:
            claimed, go_on = await self._flow.finish(self._redirect_uri(request), request.query, cookie)
        except SignInRefused as error:
            by = Actor("unknown name", via="oidc", address=self._guard.address(request))
            await self._audit.note(by, "sign in", {}, "refused", error.words)
            raise
        session = await self._guard.start_session(
            request, claimed.name, claimed.role, "oidc", connections=claimed.connections
        )
        answer = web.Response(status=303, headers={"Location": self._guard.safe_path(go_on)})
        self._guard.remember(request, answer, session)
        self._guard.set_cookie(request, answer, COOKIE, "", 0)
        return answer

    def _redirect_uri(self, request: web.Request) -> str:
        scheme = "https" if self._guard.is_secure(request) else "http"
        return (self._public_url or f"{scheme}://{request.host}") + CALLBACK


def add_oidc(
    app: web.Application, settings: Settings, guard: Guard, audit: AuditWriter, now_ms: Callable[[], int]
) -> OidcFlow | None:
    """Add the routes, if the configuration names a provider."""
    oidc, secret = settings.console.oidc, settings.console_secrets.oidc_client_secret
    if oidc is None:
        return None
    flow = OidcFlow(oidc, secret.get_secret_value() if secret else None, guard.seal, now_ms)
    OidcRoutes(flow, guard, audit, settings.gateway.public_url).add(app)
    return flow
