"""Lofty's OAuth 2.0, at both servers that it documents. No I/O: dialogues.

| server | grants | how |
| --- | --- | --- |
| `HELP_CENTRE` | authorization code, refresh | parameters in the query, `Authorization: Basic id:secret` |
| `DEVELOPER` | authorization code (secret or PKCE), client credentials with a `customer_key` | a form |

Sources: help.lofty.com, "Lofty OAuth 2.0 API Reference"; developer.lofty.com, `authentication/oauth2`.

- A refresh token is valid until it is revoked, or for 180 days. Whether it rotates is not documented: what comes is kept.
- Lofty takes no `state` and no scopes: an app has the endpoints of its page in the portal, and a new one there
  invalidates every token.
- A refresh at the developer site is not documented; it is sent as RFC 6749 has it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from connectors.auth.oauth import FORM, Dialogue, OAuthClient, nothing_to_refresh, read_tokens, refused, without
from connectors.auth.token_pair import TokenPair
from connectors.http.json_reader import UnreadableJson, read
from connectors.http.request import Request, Response
from connectors.lofty.answers import malformed, read_error, refusal

AUTHORIZE_URL = "https://lofty.com/page/vendor-auth.html"
"""Where a person gives access."""

OPERATION = "oauth-token"
_UNKNOWN_USER = 200058


@dataclass(frozen=True, slots=True)
class TokenServer:
    """One of Lofty's token endpoints. `takes_query`: parameters in the query, the client as `Basic`; else a form."""

    base_url: str
    path: str
    takes_query: bool

    def at(self, base_url: str) -> TokenServer:
        """The same on another host: a sandbox."""
        return replace(self, base_url=base_url.rstrip("/"))


HELP_CENTRE = TokenServer("https://crm.lofty.com", "/api/user-web/oauth/token", takes_query=True)
DEVELOPER = TokenServer("https://api.lofty.com", "/oauth/token", takes_query=False)


def granting_server(pair: TokenPair, otherwise: TokenServer) -> TokenServer:
    """The server that granted a pair; `otherwise` for one that was kept before pairs said so.

    Client credentials are known at the developer site alone, so a pair without a refresh token is from there.
    """
    if pair.server is None:
        return otherwise if pair.refresh is not None else DEVELOPER
    return DEVELOPER if pair.server == DEVELOPER.path else HELP_CENTRE


def authorize_url(client: OAuthClient, *, code_challenge: str | None = None, base_url: str = AUTHORIZE_URL) -> str:
    """The link at which a person gives access; the answer comes to the redirect URI of the portal.

    `code_challenge` is `pkce_challenge(verifier)`, for `exchange_code(…, verifier=…)`.
    """
    query = {"clientId": client.id}
    if code_challenge is not None:
        query |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
    return f"{base_url}?{urlencode(query, quote_via=quote)}"


def exchange_code(
    client: OAuthClient, code: str, *, asked_at_ms: int, verifier: str | None = None, server: TokenServer = HELP_CENTRE
) -> Dialogue[TokenPair]:
    """The tokens for a code, which is good for once. With a `verifier` (PKCE, developer site) no secret is sent."""
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri}
    if verifier is not None:
        given["code_verifier"] = verifier
        client = replace(client, secret="")
    response = yield _request(client, given, server)
    return _tokens(response, server, asked_at_ms, None, code, verifier, client.secret)


def refresh(
    client: OAuthClient, pair: TokenPair, *, asked_at_ms: int, server: TokenServer = HELP_CENTRE
) -> Dialogue[TokenPair]:
    """The next pair. Raises `GrantRefused` when access was revoked, or after 180 days without a refresh."""
    if pair.refresh is None:
        raise nothing_to_refresh("lofty", OPERATION)
    given = {"grant_type": "refresh_token", "refresh_token": pair.refresh}
    response = yield _request(client, given, server)
    return _tokens(response, server, asked_at_ms, pair, pair.refresh, client.secret)


def client_credentials(
    client: OAuthClient, customer_key: str, *, asked_at_ms: int, server: TokenServer = DEVELOPER
) -> Dialogue[TokenPair]:
    """Tokens without a person: `customer_key` is the API key of the user whose data they are for. No refresh token."""
    given = {"grant_type": "client_credentials", "customer_key": customer_key}
    response = yield _request(client, given, server)
    return _tokens(response, server, asked_at_ms, None, customer_key, client.secret)


def asks_for_refresh(response: Response) -> bool:
    """Whether a request with an access token should be tried with a newer one.

    What Lofty says to an expired token is not documented, so any 401 counts, and the 400 for an unknown user in it.
    """
    return response.status == 401 or (response.status == 400 and read_error(response.body)[0] == _UNKNOWN_USER)


def _request(client: OAuthClient, given: Mapping[str, str], server: TokenServer) -> Request:
    url = f"{server.base_url}{server.path}"
    headers = {"Accept": "application/json", "Content-Type": FORM}
    if server.takes_query:
        basic = b64encode(f"{client.id}:{client.secret}".encode()).decode("ascii")
        query = urlencode({"client_id": client.id, **given}, quote_via=quote)
        return Request("POST", f"{url}?{query}", {**headers, "Authorization": f"Basic {basic}"})
    form = {"client_id": client.id, **given} | ({"client_secret": client.secret} if client.secret else {})
    return Request("POST", url, headers, urlencode(form).encode())


def _tokens(
    response: Response, server: TokenServer, asked_at_ms: int, before: TokenPair | None, *hidden: str | None
) -> TokenPair:
    now = asked_at_ms / 1000
    if not 200 <= response.status < 300:
        raise refused(refusal(OPERATION, without(response, *hidden), now=now), response)
    try:
        content = read(response.body).value
    except UnreadableJson:
        content = None
    pair = read_tokens(content, asked_at_ms=asked_at_ms, before=before)
    if pair is None:
        raise malformed(OPERATION, response, "an access token", now=now)
    return pair.model_copy(update={"server": server.path})
