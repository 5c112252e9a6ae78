"""GHL's OAuth server: codes, tokens that rotate, tokens of locations by an agency's, and who an access token is for.

Documented: the forms, rotation, the grace of 30 s, `Location is not active`. Measured by third parties: that a code is
looked up before the client. By analogy: the words for a refresh token that is used up, and for a wrong client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.ghl.oauth import INSTALLED, LOCATION_TOKEN, TOKEN
from connectors.http.operation import Operation
from connectors.sandbox.ghl.refusals import GhlRefusal, invalid, unauthorized, wrong_location
from connectors.sandbox.ghl.settings import GhlClientSettings, GhlSandboxSettings
from connectors.sandbox.shared.issuer import Grant, Issued, Issuer
from connectors.sandbox.shared.sandbox import RuleResult

AGENCY = "Company"
_GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
_YEAR_SECONDS = 365 * 86_400.0
_USER = "sandbox-user"


class GhlOAuthServer:
    """The clients, grants and tokens of a sandbox."""

    def __init__(self, settings: GhlSandboxSettings) -> None:
        self._settings = settings
        self._clients = {one.id: one for one in settings.clients}
        self._locations = tuple(one.id for one in settings.locations)
        self._inactive: set[str] = set()
        self.issuer = Issuer(settings.access_seconds, _YEAR_SECONDS, settings.grace_seconds)

    def memory(self) -> tuple[Issuer, set[str]]:
        """What outlives a restart: codes, tokens, and which locations are not active."""
        return self.issuer, self._inactive

    def remember(self, memory: tuple[Issuer, set[str]]) -> None:
        """Know what an earlier server knew."""
        issuer, self._inactive = memory
        self.issuer.adopt(issuer)

    # -- people ---------------------------------------------------------------------------------------------

    def client(self, client_id: str) -> GhlClientSettings | None:
        """A client that there is."""
        return self._clients.get(client_id)

    def choices(self) -> list[tuple[str, str]]:
        """What a person can give access to: each location, and the whole agency."""
        company = self._settings.company_id
        return [*((one, f"Location {one}") for one in self._locations), (company, f"The whole agency {company}")]

    def approve(self, client_id: str, redirect_uri: str, scopes: tuple[str, ...], choice: str, now: float) -> str:
        """A code for what a person has chosen. Raises `ValueError` for what there is not."""
        if choice not in dict(self.choices()):
            raise ValueError(f"there is no location or agency {choice!r}")
        kind = AGENCY if choice == self._settings.company_id else "Location"
        return self.issuer.code(Grant(client_id, choice, scopes, kind), redirect_uri, now)

    def suspend(self, location: str, *, is_active: bool) -> None:
        """An agency suspends a location, or lets it work again. Raises `ValueError` when there is none."""
        if location not in self._locations:
            raise ValueError(f"no location {location!r}; there are {', '.join(self._locations) or 'none'}")
        (self._inactive.discard if is_active else self._inactive.add)(location)

    # -- programs -------------------------------------------------------------------------------------------

    def whose(self, operation: Operation, given: Mapping[str, str], bearer: str, now: float) -> str:
        """The location or agency that a request is about, `?` when nobody knows: the budget in the ledger."""
        if operation is not TOKEN:
            found = self.issuer.find_access(bearer, now)
            return found.subject if found else "?"
        code = self.issuer.find_code(given.get("code", ""), now)
        grant = code.grant if code else self.issuer.find_refresh(given.get("refresh_token", ""), now)
        return grant.subject if grant else "?"

    def answer(self, operation: Operation, given: Mapping[str, str], bearer: str, now: float) -> RuleResult:
        """Do one of the operations of `apps/oauth.json`. `given` is the form, or the query."""
        rules: dict[str, Callable[[], RuleResult]] = {
            TOKEN.name: lambda: self._token(given, now),
            LOCATION_TOKEN.name: lambda: self._location_token(given, self._agency(operation, bearer, now), now),
            INSTALLED.name: lambda: self._installed(given, self._agency(operation, bearer, now)),
        }
        return rules[operation.name]()

    def _token(self, form: Mapping[str, str], now: float) -> RuleResult:
        if form.get("grant_type") not in _GRANT_TYPES:
            raise invalid([f"grant_type must be one of the following values: {', '.join(_GRANT_TYPES)}"])
        missing = [f"{name} should not be empty" for name in ("client_id", "client_secret") if not form.get(name)]
        if missing:
            raise invalid(missing)
        if form["grant_type"] == "authorization_code":
            return self._by_code(form, now)
        if form["grant_type"] == "refresh_token":
            return self._by_refresh(form, now)
        raise GhlRefusal(400, "client_credentials is not available for this app")

    def _by_code(self, form: Mapping[str, str], now: float) -> RuleResult:
        code = self.issuer.find_code(form.get("code", ""), now)
        if code is None or code.grant.client_id != form["client_id"]:
            raise unauthorized("Authorization code not found")
        self._demand_client(form)
        if form.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            raise unauthorized("Redirect URI mismatch")
        self.issuer.spend_code(form["code"])
        return self._granted(self.issuer.issue(code.grant, now), now)

    def _by_refresh(self, form: Mapping[str, str], now: float) -> RuleResult:
        token = form.get("refresh_token", "")
        grant = self.issuer.find_refresh(token, now)
        if grant is None or grant.client_id != form["client_id"]:
            raise GhlRefusal(400, "Invalid grant: refresh token is invalid")
        self._demand_client(form)
        if grant.subject in self._inactive:
            raise GhlRefusal(400, "Location is not active")
        issued = self.issuer.refresh(token, now)
        if issued is None:
            raise GhlRefusal(400, "Invalid grant: refresh token is invalid")
        return self._granted(issued, now)

    def _location_token(self, form: Mapping[str, str], agency: Grant, now: float) -> RuleResult:
        missing = [f"{name} should not be empty" for name in ("companyId", "locationId") if not form.get(name)]
        if missing:
            raise invalid(missing)
        location = form["locationId"]
        if form["companyId"] != agency.subject or location not in self._locations:
            raise wrong_location()
        if location in self._inactive:
            raise GhlRefusal(400, "Location is not active")
        scopes = tuple(one for one in agency.scopes if not one.startswith("oauth."))
        issued = self.issuer.issue(Grant(agency.client_id, location, scopes, "Location"), now)
        return RuleResult(self._granted(issued, now).content, 201, location, True)

    def _installed(self, query: Mapping[str, str], agency: Grant) -> RuleResult:
        missing = [f"{name} should not be empty" for name in ("companyId", "appId") if not query.get(name)]
        if missing:
            raise invalid(missing)
        if query["companyId"] != agency.subject or query["appId"] != agency.client_id.partition("-")[0]:
            raise GhlRefusal(403, "The token does not have access to this company.")
        start, most = (_number(query, name, default) for name, default in (("skip", 0), ("limit", 20)))
        locations = [
            {"_id": one, "name": f"Location {one}", "address": "", "isInstalled": True}
            for one in self._locations[start : start + most]
        ]
        return RuleResult({"locations": locations, "count": len(self._locations), "installToFutureLocations": False})

    def _agency(self, operation: Operation, bearer: str, now: float) -> Grant:
        grant = self.issuer.find_access(bearer, now)
        if grant is None:
            raise self.stale(bearer)
        if grant.kind != AGENCY:
            raise GhlRefusal(401, "Token's user type mismatch!")
        if not set(operation.scopes) <= set(grant.scopes):
            raise GhlRefusal(401, "The token is not authorized for this scope.")
        return grant

    def stale(self, token: str) -> GhlRefusal:
        """401 for an access token that is over, or never was."""
        return GhlRefusal(401, "Invalid token: access token is invalid" if self.issuer.knows(token) else "Invalid JWT")

    def _demand_client(self, form: Mapping[str, str]) -> None:
        client = self._clients.get(form["client_id"])
        if client is None or client.secret != form["client_secret"]:
            raise unauthorized("Invalid client credentials")

    def _granted(self, issued: Issued, now: float) -> RuleResult:
        grant = issued.grant
        content: dict[str, Any] = {
            "access_token": issued.access,
            "token_type": "Bearer",
            "expires_in": max(1, int(issued.ends_at - now)),
            "refresh_token": issued.refresh,
            "scope": " ".join(grant.scopes),
            "userType": grant.kind,
            "companyId": self._settings.company_id,
            "userId": _USER,
        }
        if grant.kind == AGENCY:
            content |= {"approvedLocations": list(self._locations), "isBulkInstallation": True}
        else:
            content["locationId"] = grant.subject
        return RuleResult(content, 200, grant.subject, True)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid([f"{name} must be a number string"])
    return int(text)
