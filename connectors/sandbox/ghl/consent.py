"""The page of `GET /v2/oauth/chooselocation`, on which a person chooses a location and approves or denies."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.shared.consent import ask_consent, form_of, refuse_page, send_back

PATH = "/v2/oauth/chooselocation"
_ASKED = ("response_type", "client_id", "redirect_uri", "scope", "state", "version_id")


def consent_routes(sandbox: GhlSandbox) -> list[web.RouteDef]:
    """The page, and what its buttons do: on to the redirect URI with `code` or `error`, and the `state`."""

    async def show(request: web.Request) -> web.StreamResponse:
        asked = {name: request.query[name] for name in _ASKED if name in request.query}
        if problem := _problem(sandbox, asked):
            return refuse_page(problem)
        title = f"Give {asked['client_id']} access to GoHighLevel (sandbox)"
        return ask_consent(title, asked["scope"].split(), sandbox.oauth.choices(), asked)

    async def decide(request: web.Request) -> web.StreamResponse:
        asked = await form_of(request)
        if problem := _problem(sandbox, asked):
            return refuse_page(problem)
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("decision") != "approve":
            return send_back(asked["redirect_uri"], {"error": "access_denied", **state})
        try:
            code = sandbox.oauth.approve(
                asked["client_id"],
                asked["redirect_uri"],
                tuple(asked["scope"].split()),
                asked.get("choice", ""),
                sandbox.now(),
            )
        except ValueError as error:
            return refuse_page(str(error))
        return send_back(asked["redirect_uri"], {"code": code, **state})

    return [web.get(PATH, show), web.post(PATH, decide)]


def _problem(sandbox: GhlSandbox, asked: Mapping[str, str]) -> str | None:
    """Why nobody can be asked this, None when they can."""
    if asked.get("response_type") != "code":
        return "response_type must be code"
    client = sandbox.oauth.client(asked.get("client_id", ""))
    if client is None:
        return f"there is no client {asked.get('client_id', '')!r}; a sandbox has those of --client ID=SECRET"
    uri = asked.get("redirect_uri", "")
    if not uri.startswith(("https://", "http://")) or (client.redirect_uris and uri not in client.redirect_uris):
        return f"the redirect_uri {uri!r} is not one of this client"
    if not asked.get("scope", "").split():
        return "scope is missing"
    return None
