"""GHL's OAuth 2.0: authorization code, refresh, and tokens of locations by an agency's token. No I/O: dialogues.

Source: GoHighLevel/highlevel-api-docs, `apps/oauth.json`, `docs/oauth/Authorization.md`; the marketplace's OAuth 2.0 page.

- A refresh token is valid for a year or until it is used: each answer brings the next one. Keep that before using it.
- The same refresh token within 30 s of its use gives the same new pair, afterwards it is refused.
- A code is looked up before the client is: a wrong secret looks like a wrong code.
- An app that is installed from the agency's view may be given a `Company` token: `location_token` exchanges it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

from connectors.auth.oauth import FORM, Dialogue, OAuthClient, nothing_to_refresh, read_tokens, refused, without
from connectors.auth.token_pair import TokenPair
from connectors.ghl.answers import malformed, parse, refusal
from connectors.ghl.operations import OPERATIONS, VERSION
from connectors.http.operation import Operation
from connectors.http.request import Request, Response
from connectors.outcome import Disposition, classify

BASE_URL = "https://services.leadconnectorhq.com"
AUTHORIZE_URL = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
"""Where a person gives access. White-label agencies use `https://marketplace.leadconnectorhq.com/v2/…`."""

UserType = Literal["Company", "Location"]

TOKEN = Operation("get-access-token", "POST", "/oauth/token", (), VERSION, "create")
LOCATION_TOKEN = Operation(
    "get-location-access-token", "POST", "/oauth/locationToken", ("oauth.write",), VERSION, "create"
)
INSTALLED = Operation(
    "get-installed-location", "GET", "/oauth/installedLocations", ("oauth.readonly",), VERSION, "safe"
)
OAUTH_OPERATIONS: tuple[Operation, ...] = (TOKEN, LOCATION_TOKEN, INSTALLED)
"""All of `apps/oauth.json`. `/oauth/token` needs no version by it, and v3 does: we always say which."""

_PAGE = 100


@dataclass(frozen=True, slots=True)
class InstalledLocation:
    """A location of an agency, and whether the app is installed there."""

    id: str
    name: str
    is_installed: bool


def scopes_of(operations: Iterable[str]) -> tuple[str, ...]:
    """The scopes that these operations of the catalogue need, sorted."""
    return tuple(sorted({scope for name in operations for scope in OPERATIONS[name].scopes}))


def redirect_problem(uri: str) -> str | None:
    """Why GHL's portal would refuse a redirect URI, None when it would not."""
    url = urlsplit(uri)
    if url.scheme != "https" or not url.hostname:
        return f"expected an https:// address (GHL takes no http, not even on localhost), got {uri!r}"
    if "highlevel" in uri.lower():
        return f"expected an address without the word highlevel, got {uri!r}"
    return None


def authorize_url(
    client: OAuthClient,
    scopes: Iterable[str],
    *,
    state: str,
    version_id: str | None = None,
    base_url: str = AUTHORIZE_URL,
) -> str:
    """The link at which a person chooses the location. A private app also wants its `version_id`, from the portal."""
    query = {
        "response_type": "code",
        "redirect_uri": client.redirect_uri,
        "client_id": client.id,
        "scope": " ".join(scopes),
        "state": state,
    }
    if version_id:
        query["version_id"] = version_id
    return f"{base_url}?{urlencode(query, quote_via=quote)}"


def exchange_code(
    client: OAuthClient, code: str, *, asked_at_ms: int, user_type: UserType = "Location", base_url: str = BASE_URL
) -> Dialogue[TokenPair]:
    """The tokens for a code, which can be used once. Raises `GrantRefused` for an invalid code."""
    form = {"grant_type": "authorization_code", "code": code, "user_type": user_type}
    if client.redirect_uri:
        form["redirect_uri"] = client.redirect_uri
    response = yield _token_request(client, form, base_url)
    return _tokens(TOKEN, response, asked_at_ms, None, code, client.secret)


def refresh(client: OAuthClient, pair: TokenPair, *, asked_at_ms: int, base_url: str = BASE_URL) -> Dialogue[TokenPair]:
    """The next pair. Raises `GrantRefused`: used up, revoked, or `Location is not active`."""
    if pair.refresh is None:
        raise nothing_to_refresh("ghl", TOKEN.name)
    form = {"grant_type": "refresh_token", "refresh_token": pair.refresh}
    if pair.user_type:
        form["user_type"] = pair.user_type
    response = yield _token_request(client, form, base_url)
    return _tokens(TOKEN, response, asked_at_ms, pair, pair.refresh, client.secret)


def location_token(
    agency: TokenPair, location_id: str, *, asked_at_ms: int, base_url: str = BASE_URL
) -> Dialogue[TokenPair]:
    """The tokens of one location, by those of its agency. Raises `VendorError` as any call does."""
    form = {"companyId": agency.company_id or "", "locationId": location_id}
    headers = {**_headers(), "Authorization": f"Bearer {agency.access}", "Content-Type": FORM}
    response = yield Request("POST", f"{_base(base_url)}{LOCATION_TOKEN.path}", headers, urlencode(form).encode())
    if not 200 <= response.status < 300:
        raise refusal(LOCATION_TOKEN.name, response)
    return _tokens(LOCATION_TOKEN, response, asked_at_ms, None)


def installed_locations(
    agency: TokenPair, app_id: str, *, base_url: str = BASE_URL
) -> Dialogue[tuple[InstalledLocation, ...]]:
    """The locations of an agency where the app is installed, all pages. `app_id` is the client's id up to its dash."""
    found: dict[str, InstalledLocation] = {}
    while True:
        query = {
            "companyId": agency.company_id or "",
            "appId": app_id,
            "isInstalled": "true",
            "skip": str(len(found)),
            "limit": str(_PAGE),
        }
        headers = {**_headers(), "Authorization": f"Bearer {agency.access}"}
        url = f"{_base(base_url)}{INSTALLED.path}?{urlencode(query)}"
        response = yield Request("GET", url, headers)
        fresh = {one.id: one for one in _locations(response) if one.id not in found}
        if not fresh:  # not a page that is short: nobody knows how many GHL gives at most
            return tuple(found.values())
        found |= fresh


def app_id_of(client_id: str) -> str:
    """An app's id, by its client id (`APPID-SUFFIX`)."""
    return client_id.partition("-")[0]


def asks_for_refresh(response: Response) -> bool:
    """Whether GHL means that the access token is expired or unknown. Not for scopes, locations or private tokens."""
    if response.status != 401:
        return False
    return classify(refusal("", response)).disposition is Disposition.REFRESH


def _token_request(client: OAuthClient, form: Mapping[str, str], base_url: str) -> Request:
    body = urlencode({"client_id": client.id, "client_secret": client.secret, **form})
    return Request("POST", f"{_base(base_url)}{TOKEN.path}", {**_headers(), "Content-Type": FORM}, body.encode())


def _headers() -> dict[str, str]:
    return {"Version": VERSION, "Accept": "application/json"}


def _base(url: str) -> str:
    return url.rstrip("/")


def _tokens(
    operation: Operation, response: Response, asked_at_ms: int, before: TokenPair | None, *hidden: str
) -> TokenPair:
    if not 200 <= response.status < 300:
        raise refused(refusal(operation.name, without(response, *hidden)), response)
    content = parse(response.body)
    pair = read_tokens(content, asked_at_ms=asked_at_ms, before=before)
    if pair is None:
        raise malformed(operation.name, response, "an access token")
    return pair


def _locations(response: Response) -> list[InstalledLocation]:
    if not 200 <= response.status < 300:
        raise refusal(INSTALLED.name, response)
    content = parse(response.body)
    listed = content.get("locations") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) and one.get("_id") for one in listed):
        raise malformed(INSTALLED.name, response, "a list 'locations' with ids")
    return [
        InstalledLocation(str(one["_id"]), str(one.get("name") or ""), one.get("isInstalled") is not False)
        for one in listed
    ]
