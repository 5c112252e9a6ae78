"""GoHighLevel's side of a request: whose token it is, what it may do, and which rule answers it.

What changes is put into `outbox`, for the mailer to report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import orjson

from connectors.ghl.oauth import OAUTH_OPERATIONS, TOKEN
from connectors.ghl.operations import CALENDARS_VERSION, OPERATIONS, VERSION
from connectors.http.operation import Operation
from connectors.sandbox.ghl import hooks
from connectors.sandbox.ghl.bodies import demand, demand_query
from connectors.sandbox.ghl.limits import LocationLimits
from connectors.sandbox.ghl.oauth import AGENCY, GhlOAuthServer
from connectors.sandbox.ghl.refusals import GhlRefusal, wrong_location
from connectors.sandbox.ghl.requests import GhlRequest
from connectors.sandbox.ghl.rules import RULES
from connectors.sandbox.ghl.settings import GhlSandboxSettings, LocationSettings
from connectors.sandbox.ghl.state import ContactState, LocationState
from connectors.sandbox.shared.router import OperationRouter
from connectors.sandbox.shared.sandbox import RuleResult, Sandbox, Visit

_ROUTER = OperationRouter((*OPERATIONS.values(), *OAUTH_OPERATIONS))
_FAULT_WORDS = {429: "Too Many Requests", 503: "Service Unavailable", 502: "Bad Gateway"}
_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class GhlVisit(Visit):
    """One request, with the location that its token is for (None for the OAuth server) and the token."""

    location: LocationState | None = None
    bearer: str = ""


class GhlSandbox(Sandbox[GhlVisit]):
    """A GoHighLevel of one's own. `now` gives seconds since the epoch; times of the ledger are in it."""

    visit_type = GhlVisit

    def __init__(self, settings: GhlSandboxSettings, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(now=now)
        self.settings = settings
        self.reset(settings)

    def reset(self, settings: GhlSandboxSettings | None = None) -> None:
        """Forget everything; with settings, be another sandbox."""
        self.settings = settings = settings or self.settings
        self._random = random = Random(settings.seed)
        self.locations = {
            one.id: LocationState(
                one, random, settings.search_lag_seconds, ignores_empty_texts=settings.ignores_empty_texts
            )
            for one in settings.locations
        }
        self._start_over(settings.seed, settings.ledger_size)
        self.oauth = GhlOAuthServer(settings)
        self._limits = {one.id: LocationLimits(settings) for one in settings.locations}
        self._strangers = LocationLimits(settings)
        self.outbox: list[dict[str, Any]] = []
        self._reported: dict[str, hooks.ReportedContact] = {}
        self._by_token: dict[str, LocationSettings] = {token: one for one in settings.locations for token in one.tokens}

    def memory(self) -> Mapping[str, Any]:
        """What outlives a restart (see `connectors/sandbox/shared/state_file.py`): neither the ledger, nor limits, nor faults."""
        return {
            "locations": self.locations,
            "random": self._random,
            "oauth": self.oauth.memory(),
            "reported": self._reported,
            "outbox": self.outbox,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Hold what an earlier sandbox held, of the locations that this one has."""
        self._random = memory["random"]
        for name, new in self.locations.items():
            self.locations[name] = memory["locations"].get(name, new)
            self.locations[name].settings = new.settings
            self.locations[name].random = self._random
        self.oauth.remember(memory["oauth"])
        self._reported, self.outbox = memory["reported"], memory["outbox"]

    def location(self, location_id: object) -> LocationState:
        """The location of this id. Raises `ValueError`, which names the locations that exist."""
        for location in self.locations.values():
            if location.settings.id == location_id:
                return location
        raise ValueError(f"no location {location_id!r}; there are {', '.join(self.locations) or 'none'}")

    def leave(self, location_id: object, requests: int) -> None:
        """Let a location have so many requests left for the day. Raises `ValueError` as `location` does."""
        self._limits[self.location(location_id).settings.id].leave(self.now(), requests)

    @property
    def latency_seconds(self) -> float:
        """How long an answer takes."""
        return self.settings.latency_seconds

    def report_changes(self, location: LocationState, contact_id: str) -> None:
        """Report by webhook what has changed of a contact."""
        if self.settings.hooks.url is None:
            return
        contact, before = location.contacts.get(contact_id), self._reported.pop(contact_id, None)
        full_tasks = self.settings.hooks.full_tasks
        self.outbox += hooks.events(before, contact, location.settings.id, full_tasks=full_tasks)
        if contact is not None:
            self._reported[contact_id] = hooks.reported(contact)

    def overlook_changes(self, contact: ContactState) -> None:
        """What has changed of a contact is reported by no webhook."""
        self._reported[contact.id] = hooks.reported(contact)

    def _record_change(self, visit: GhlVisit, operation: Operation, result: RuleResult, now: float) -> None:
        is_create = operation.name.startswith("create-") or result.content.get("new") is True
        self.ledger.apply(visit.entry, now, created=is_create)
        if visit.location is not None:
            self.report_changes(visit.location, visit.entry.parent or visit.entry.entity or "")

    def _work(self, visit: GhlVisit, operation: Operation, now: float) -> RuleResult:
        if visit.location is None:
            return self.oauth.answer(operation, visit.body, visit.bearer, now)
        demand_query(operation.name, visit.query)
        body = demand(operation.name, visit.body)
        return RULES[operation.name](GhlRequest(visit.location, visit.ids, visit.query, body, now))

    # -- the way in -----------------------------------------------------------------------------------------

    def _enter(
        self, visit: GhlVisit, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        now = self.now()
        visit.headers = self._strangers.headers(now)
        found = _ROUTER.route(method, raw_path)
        if found is None:
            raise GhlRefusal(404, f"Cannot {method} {raw_path}")
        entry = visit.entry
        operation, ids = visit.operation, visit.ids = found
        entry.operation = operation.name
        entry.parent = ids.get("contactId")
        entry.entity = next(reversed(ids.values()), None)
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        visit.bearer = token if scheme.lower() == "bearer" else ""
        visit.query = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        if operation in OAUTH_OPERATIONS:
            self._enter_oauth(visit, operation, headers, body, now)
            return
        owner, scopes = self._token_owner(visit.bearer, now)
        entry.budget = owner.id
        visit.location = location = self.locations[owner.id]
        limits = self._limits[owner.id]
        fits = limits.take(now)
        visit.headers = limits.headers(now)
        if not fits:
            raise GhlRefusal(429, "Too Many Requests")
        _demand_version(operation, headers.get("Version"))
        if any(allowed is not None and not set(operation.scopes) <= set(allowed) for allowed in scopes):
            raise GhlRefusal(401, "The token is not authorized for this scope.")
        visit.body = entry.body = _json(body, headers.get("Content-Type", ""))
        if operation.name in ("create-appointment", "create-opportunity") and isinstance(visit.body, dict):
            entry.parent = str(visit.body.get("contactId"))
        self._demand_own(location, visit)
        self._misbehave(visit, operation)

    def _enter_oauth(
        self, visit: GhlVisit, operation: Operation, headers: Mapping[str, str], body: bytes, now: float
    ) -> None:
        """The OAuth server has no limits here. Of its secrets nothing stays in the ledger."""
        given = visit.query if operation.method == "GET" else _form(body, headers.get("Content-Type", ""))
        visit.body, visit.headers = given, {}
        visit.entry.body = {"grant_type": given["grant_type"]} if "grant_type" in given else None
        visit.entry.budget = self.oauth.whose(operation, given, visit.bearer, now)
        if operation is not TOKEN:
            _demand_version(operation, headers.get("Version"))
        self._misbehave(visit, operation)

    def _token_owner(self, token: str, now: float) -> tuple[LocationSettings, tuple[tuple[str, ...] | None, ...]]:
        """Whose token it is, and what it may do: the scopes of the location, and those of the grant."""
        owner = self._by_token.get(token)
        if owner is not None:
            return owner, (owner.scopes,)
        grant = self.oauth.issuer.find_access(token, now)
        if grant is None:
            raise self.oauth.stale(token) if self.oauth.issuer.knows(token) else _unknown_token(token)
        if grant.kind == AGENCY:
            words = "This authClass type is not allowed to access this scope. Please reach out to support."
            raise GhlRefusal(401, words)
        owner = self.locations[grant.subject].settings
        return owner, (owner.scopes, grant.scopes)

    def _demand_own(self, location: LocationState, visit: GhlVisit) -> None:
        """403 for what belongs to another location: named in path, query or body, or by the contact's id."""
        own = location.settings.id
        named = {
            visit.ids.get("locationId", own),
            *(visit.query.get(one, own) for one in ("locationId", "location_id")),
        }
        if isinstance(visit.body, dict) and isinstance(visit.body.get("locationId"), str):
            named.add(visit.body["locationId"])
        if named != {own}:
            raise wrong_location()
        contact_id = visit.entry.parent
        if contact_id is None or contact_id in location.contacts:
            return
        if any(contact_id in other.contacts for other in self.locations.values()):
            raise wrong_location()

    def _encode(self, visit: GhlVisit, content: Any) -> bytes:
        return orjson.dumps({**content, "traceId": f"sandbox-{visit.entry.seq:08x}"})

    def _fault_content(self, status: int) -> Any:
        return GhlRefusal(status, _FAULT_WORDS.get(status, "Internal Server Error")).content

    def _refuse_token(self, visit: GhlVisit) -> GhlRefusal:
        return _unknown_token(visit.bearer)


def _unknown_token(token: str) -> GhlRefusal:
    is_private = token.startswith("pit-")
    return GhlRefusal(401, "Invalid Private Integration token" if is_private else "Invalid JWT")


def _demand_version(operation: Operation, version: str | None) -> None:
    if not version:
        raise GhlRefusal(401, "version header was not found.")
    if version not in (VERSION, CALENDARS_VERSION):
        raise GhlRefusal(400, f"Invalid API version segment '{version}' at position 0")
    if version != operation.version:
        raise GhlRefusal(401, "version header is invalid")


def _json(body: bytes, content_type: str) -> Any:
    if not body or not content_type.startswith("application/json"):
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise GhlRefusal(400, f"Unexpected token in JSON: {error}") from error


def _form(body: bytes, content_type: str) -> dict[str, str]:
    """A form, {} for anything else. A location's token can be asked for with JSON too."""
    if content_type.startswith(_FORM):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    content = _json(body, content_type)
    return (
        {name: value for name, value in content.items() if isinstance(value, str)} if isinstance(content, dict) else {}
    )
