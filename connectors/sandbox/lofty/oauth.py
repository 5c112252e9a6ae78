"""Lofty's two OAuth servers, which share clients, codes and tokens.

Documented: the parameters of both, what a refresh token lives, that a new scope ends all tokens, 403/200100 out of scope.
By analogy: every word with which a token is refused, that a refresh token rotates, and that only the server that granted
a token renews it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.auth.oauth import pkce_challenge
from connectors.http.operation import Operation
from connectors.lofty.oauth import DEVELOPER, HELP_CENTRE
from connectors.sandbox.lofty.refusals import bad_credentials, coded
from connectors.sandbox.lofty.settings import LoftyClientSettings, LoftySandboxSettings
from connectors.sandbox.shared.issuer import Code, Grant, Issued, Issuer
from connectors.sandbox.shared.sandbox import RuleResult

HELP_CENTRE_TOKEN = Operation("oauth-token", "POST", HELP_CENTRE.path, (), "", "create")
DEVELOPER_TOKEN = Operation("developer-oauth-token", "POST", DEVELOPER.path, (), "", "create")
OAUTH_OPERATIONS = (HELP_CENTRE_TOKEN, DEVELOPER_TOKEN)

_REFRESH_SECONDS = 180 * 86_400.0


class LoftyOAuthServer:
    """The clients, grants and tokens of a sandbox. A grant's subject is the number of a team."""

    def __init__(self, settings: LoftySandboxSettings) -> None:
        self._clients = {one.id: one for one in settings.clients}
        self._team_of_key = {key: str(one.id) for one in settings.teams for key in one.api_keys}
        self._teams = tuple(str(one.id) for one in settings.teams)
        self.issuer = Issuer(settings.access_seconds, _REFRESH_SECONDS, rotates=settings.rotates_refresh)

    def client(self, client_id: str) -> LoftyClientSettings | None:
        """A client that there is."""
        return self._clients.get(client_id)

    def choices(self) -> list[tuple[str, str]]:
        """Whose data a person can give access to."""
        return [(one, f"Team {one}") for one in self._teams]

    def approve(self, client_id: str, redirect_uri: str, team: str, challenge: str | None, now: float) -> str:
        """A code for what a person has chosen. Raises `ValueError` for a team that there is not."""
        if team not in self._teams:
            raise ValueError(f"there is no team {team!r}")
        return self.issuer.code(Grant(client_id, team), redirect_uri, now, challenge)

    def allow(self, client_id: str, operations: tuple[str, ...] | None) -> int:
        """Change what a client may do. As with Lofty, all its tokens end by that. Returns how many grants it had."""
        client = self._clients.get(client_id)
        if client is None:
            raise ValueError(f"no client {client_id!r}; there are {', '.join(self._clients) or 'none'}")
        self._clients[client_id] = replace(client, operations=operations)
        return self.issuer.revoke(lambda grant: grant.client_id == client_id)

    def demand(self, grant: Grant, operation: Operation) -> None:
        """Raises 403 for an endpoint that the client was not granted."""
        allowed = self._clients[grant.client_id].operations
        if allowed is not None and operation.name not in allowed:
            raise coded(403, 200100, "Sorry, the vendor does not have permission for this API.")

    def whose(self, given: Mapping[str, str], now: float) -> str:
        """The team that a request is about, `?` when nobody knows: the budget in the ledger."""
        code = self.issuer.find_code(given.get("code", ""), now)
        grant = code.grant if code else self.issuer.find_refresh(given.get("refresh_token", ""), now)
        return grant.subject if grant else self._team_of_key.get(given.get("customer_key", ""), "?")

    def answer(self, operation: Operation, given: Mapping[str, str], authorization: str, now: float) -> RuleResult:
        """The tokens. `given` are the parameters: query and form of the help centre's, form or JSON of the developer's."""
        is_developer = operation is DEVELOPER_TOKEN
        client = self._known(given if is_developer else {**given, **_basic(authorization)})
        kind = given.get("grant_type")
        if kind == "authorization_code":
            code = self.issuer.find_code(given.get("code", ""), now)
            if code is None or code.grant.client_id != client.id or given.get("redirect_uri") != code.redirect_uri:
                raise coded(400, 20012, "The authorization code is invalid.")
            if not (is_developer and _proves(code, given)):
                self._demand_secret(client, given, authorization, is_developer=is_developer)
            self.issuer.spend_code(given["code"])
            code.grant.kind = operation.name
            return _granted(self.issuer.issue(code.grant, now), now)
        self._demand_secret(client, given, authorization, is_developer=is_developer)
        if kind == "refresh_token":
            token = given.get("refresh_token", "")
            owner = self.issuer.find_refresh(token, now)
            is_ours = owner is not None and (owner.client_id, owner.kind) == (client.id, operation.name)
            issued = self.issuer.refresh(token, now) if is_ours else None
            if issued is None:
                raise coded(400, 20012, "The refresh token is invalid.")
            return _granted(issued, now)
        if kind == "client_credentials" and is_developer:
            team = self._team_of_key.get(given.get("customer_key", ""))
            if team is None:
                raise bad_credentials()
            return _granted(
                self.issuer.issue(Grant(client.id, team, kind=operation.name), now), now, with_refresh=False
            )
        raise coded(400, 20012, "grant_type is not supported")

    def _known(self, given: Mapping[str, str]) -> LoftyClientSettings:
        client = self._clients.get(given.get("client_id", ""))
        if client is None:
            raise bad_credentials()
        return client

    @staticmethod
    def _demand_secret(
        client: LoftyClientSettings, given: Mapping[str, str], authorization: str, *, is_developer: bool
    ) -> None:
        shown = given if is_developer else _basic(authorization)
        if shown.get("client_secret") != client.secret:
            raise bad_credentials()


def _proves(code: Code, given: Mapping[str, str]) -> bool:
    """Whether the verifier belongs to the challenge. Raises for one that does not; False where PKCE is not in use."""
    if code.challenge is None:
        return False
    try:
        is_right = pkce_challenge(given.get("code_verifier", "")) == code.challenge
    except ValueError:
        is_right = False
    if not is_right:
        raise coded(400, 20012, "The code verifier is invalid.")
    return True


def _basic(authorization: str) -> dict[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise bad_credentials() from error
    return {"client_id": name, "client_secret": secret}


def _granted(issued: Issued, now: float, *, with_refresh: bool = True) -> RuleResult:
    content: dict[str, Any] = {
        "access_token": issued.access,
        "token_type": "Bearer",
        "expires_in": max(1, int(issued.ends_at - now)),
        "scope": "openApi",
    }
    if with_refresh:
        content["refresh_token"] = issued.refresh
    return RuleResult(content, changed=True)
