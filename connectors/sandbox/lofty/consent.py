"""The page of `GET /page/vendor-auth.html?clientId=…`, on which a person approves or denies. Lofty knows no `state`."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.shared.consent import ask_consent, form_of, refuse_page, send_back

PATH = "/page/vendor-auth.html"
_ASKED = ("clientId", "code_challenge", "code_challenge_method")


def consent_routes(sandbox: LoftySandbox) -> list[web.RouteDef]:
    """The page, and what its buttons do: on to the redirect URI of the portal with `code` or `error`."""

    async def show(request: web.Request) -> web.StreamResponse:
        asked = {name: request.query[name] for name in _ASKED if name in request.query}
        if problem := _problem(sandbox, asked):
            return refuse_page(problem)
        title = f"Give {asked['clientId']} access to Lofty (sandbox)"
        return ask_consent(title, ["openApi"], sandbox.oauth.choices(), asked)

    async def decide(request: web.Request) -> web.StreamResponse:
        asked = await form_of(request)
        client = sandbox.oauth.client(asked.get("clientId", ""))
        if (problem := _problem(sandbox, asked)) or client is None:
            return refuse_page(problem or "clientId is missing")
        if asked.get("decision") != "approve":
            return send_back(client.redirect_uri, {"error": "access_denied"})
        team, challenge = asked.get("choice", ""), asked.get("code_challenge")
        try:
            code = sandbox.oauth.approve(client.id, client.redirect_uri, team, challenge, sandbox.now())
        except ValueError as error:
            return refuse_page(str(error))
        return send_back(client.redirect_uri, {"code": code})

    return [web.get(PATH, show), web.post(PATH, decide)]


def _problem(sandbox: LoftySandbox, asked: dict[str, str]) -> str | None:
    """Why nobody can be asked this, None when they can."""
    client = sandbox.oauth.client(asked.get("clientId", ""))
    if client is None:
        return f"there is no client {asked.get('clientId', '')!r}; a sandbox has those of --client ID=SECRET"
    if not client.redirect_uri:
        return "this client has no redirect URI; a sandbox has that of --redirect-uri"
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256"
    return None
