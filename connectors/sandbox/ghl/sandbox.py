"""The sandbox itself: state and rules, without a socket. The shell is `server.py`.

One request is three steps, so that the shell can let time pass between them:
`arrive` (who asks, may they, do the limits allow it), `apply` (the work), `finish` (what the ledger says of it).

What changes is put into `outbox`, for the mailer to tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import orjson

from connectors.ghl.oauth import OAUTH_OPERATIONS, TOKEN
from connectors.ghl.operations import CALENDARS_VERSION, OPERATIONS, VERSION
from connectors.http.operation import Operation
from connectors.sandbox.ghl import calendars, children, contacts, dictionaries, hooks, relations, search
from connectors.sandbox.ghl.bodies import demand
from connectors.sandbox.ghl.limits import LocationLimits
from connectors.sandbox.ghl.oauth import AGENCY, GhlOAuthServer
from connectors.sandbox.ghl.refusals import GhlRefusal, wrong_location
from connectors.sandbox.ghl.requests import GhlRequest, GhlResult, Rule
from connectors.sandbox.ghl.settings import GhlSandboxSettings, LocationSettings
from connectors.sandbox.ghl.state import LocationState
from connectors.sandbox.shared.faults import FaultBox, SandboxFault
from connectors.sandbox.shared.ledger import Entry, RequestLedger
from connectors.sandbox.shared.router import Router

_ROUTER = Router((*OPERATIONS.values(), *OAUTH_OPERATIONS))
_FORM = "application/x-www-form-urlencoded"

RULES: Mapping[str, Rule] = {
    **contacts.RULES,
    **children.RULES,
    **calendars.RULES,
    **relations.RULES,
    **dictionaries.RULES,
    **search.RULES,
}


@dataclass(slots=True)
class Visit:
    """One request on its way through. `reply` is set once the answer is known."""

    entry: Entry
    status: int = 0
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    operation: Operation | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    place: LocationState | None = None
    bearer: str = ""
    fault: SandboxFault | None = None


class GhlSandbox:
    """A GoHighLevel of one's own. `now` gives seconds since the epoch; times of the ledger are in it."""

    def __init__(self, settings: GhlSandboxSettings, *, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.settings = settings
        self.reset(settings)

    def reset(self, settings: GhlSandboxSettings | None = None) -> None:
        """Forget everything; with settings, be another sandbox."""
        self.settings = settings = settings or self.settings
        self._random = random = Random(settings.seed)
        self.places = {one.id: LocationState(one, random, settings.search_lag_seconds) for one in settings.locations}
        self.faults = FaultBox(Random(settings.seed))
        self.ledger = RequestLedger(settings.ledger_size)
        self.oauth = GhlOAuthServer(settings)
        self._limits = {one.id: LocationLimits(settings) for one in settings.locations}
        self._strangers = LocationLimits(settings)
        self.outbox: list[dict[str, Any]] = []
        self._told: dict[str, hooks.ReportedContact] = {}
        self._by_token: dict[str, LocationSettings] = {token: one for one in settings.locations for token in one.tokens}

    def memory(self) -> Mapping[str, Any]:
        """What outlives a restart (see `connectors/sandbox/shared/state_file.py`): neither the ledger, nor limits, nor faults."""
        return {
            "places": self.places,
            "random": self._random,
            "oauth": self.oauth.memory(),
            "told": self._told,
            "outbox": self.outbox,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Hold what an earlier sandbox held, of the locations that this one has."""
        self._random = memory["random"]
        for name, new in self.places.items():
            self.places[name] = memory["places"].get(name, new)
            self.places[name].settings = new.settings
            self.places[name].random = self._random
        self.oauth.remember(memory["oauth"])
        self._told, self.outbox = memory["told"], memory["outbox"]

    def place(self, location: object) -> LocationState:
        """The location of this id. Raises `ValueError` that names those that there are."""
        for one in self.places.values():
            if one.settings.id == location:
                return one
        raise ValueError(f"no location {location!r}; there are {', '.join(self.places) or 'none'}")

    def leave(self, location: object, requests: int) -> None:
        """Of a location's day so many requests are left. Raises `ValueError` as `place`."""
        self._limits[self.place(location).settings.id].leave(self.now(), requests)

    @property
    def latency_seconds(self) -> float:
        """How long an answer takes."""
        return self.settings.latency_seconds

    def arrive(self, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes) -> Visit:
        """A request comes in. Answered at once if it has no right, if a limit is reached, or if a fault says so."""
        now = self.now()
        visit = Visit(self.ledger.open(now, method, raw_path, headers.get("User-Agent", "")))
        try:
            self._enter(visit, method, raw_path, query, headers, body, now)
        except GhlRefusal as refusal:
            self._answer(visit, refusal.status, refusal.content)
        return visit

    def apply(self, visit: Visit) -> None:
        """Do the work, unless the answer is known already."""
        if visit.status or visit.operation is None:
            return
        now = self.now()
        try:
            done = self._work(visit, visit.operation, now)
        except GhlRefusal as refusal:
            self._answer(visit, refusal.status, refusal.content)
            return
        visit.entry.entity = done.entity or visit.entry.entity
        visit.entry.parent = done.contact or visit.entry.parent
        if done.changed:
            is_create = visit.operation.name.startswith("create-")
            self.ledger.apply(visit.entry, now, created=is_create or done.content.get("new") is True)
            if visit.place is not None:
                self.tell(visit.place, visit.entry.parent or visit.entry.entity or "")
        self._answer(visit, done.status, done.content)

    def tell(self, place: LocationState, contact_id: str) -> None:
        """Whatever has changed of a contact is told by webhook."""
        if self.settings.hooks.url is None:
            return
        contact, before = place.contacts.get(contact_id), self._told.pop(contact_id, None)
        full_tasks = self.settings.hooks.full_tasks
        self.outbox += hooks.events(before, contact, place.settings.id, full_tasks=full_tasks)
        if contact is not None:
            self._told[contact_id] = hooks.reported(contact)

    def finish(self, visit: Visit, *, is_answered: bool) -> None:
        """The answer goes out, or never will."""
        self.ledger.close(visit.entry, self.now(), visit.status if is_answered else None)

    def _work(self, visit: Visit, operation: Operation, now: float) -> GhlResult:
        if visit.place is None:
            return self.oauth.answer(operation, visit.body, visit.bearer, now)
        body = demand(operation.name, visit.body)
        return RULES[operation.name](GhlRequest(visit.place, visit.ids, visit.query, body, now))

    # -- the way in -----------------------------------------------------------------------------------------

    def _enter(
        self,
        visit: Visit,
        method: str,
        raw_path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        now: float,
    ) -> None:
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
        location, scopes = self._location(visit.bearer, now)
        entry.budget = location.id
        visit.place = place = self.places[location.id]
        limits = self._limits[location.id]
        fits = limits.take(now)
        visit.headers = limits.headers(now)
        if not fits:
            raise GhlRefusal(429, "Too Many Requests")
        _demand_version(operation, headers.get("Version"))
        if any(allowed is not None and not set(operation.scopes) <= set(allowed) for allowed in scopes):
            raise GhlRefusal(401, "The token is not authorized for this scope.")
        visit.body = entry.body = _json(body, headers.get("Content-Type", ""))
        if operation.name == "create-appointment" and isinstance(visit.body, dict):
            entry.parent = str(visit.body.get("contactId"))
        self._demand_own(place, visit)
        self._misbehave(visit, operation)

    def _enter_oauth(
        self, visit: Visit, operation: Operation, headers: Mapping[str, str], body: bytes, now: float
    ) -> None:
        """The OAuth server has no limits here. Of its secrets nothing stays in the ledger."""
        given = visit.query if operation.method == "GET" else _form(body, headers.get("Content-Type", ""))
        visit.body, visit.headers = given, {}
        visit.entry.body = {"grant_type": given["grant_type"]} if "grant_type" in given else None
        visit.entry.budget = self.oauth.whose(operation, given, visit.bearer, now)
        if operation is not TOKEN:
            _demand_version(operation, headers.get("Version"))
        self._misbehave(visit, operation)

    def _misbehave(self, visit: Visit, operation: Operation) -> None:
        visit.fault = fault = self.faults.take(operation.name, visit.entry.budget)
        if fault is None:
            return
        visit.entry.fault = fault.kind
        if fault.kind == "revoke":
            raise _unknown_token(visit.bearer)
        if fault.kind == "status" and not fault.applies:
            raise GhlRefusal(fault.status, _words(fault.status))

    def _location(self, token: str, now: float) -> tuple[LocationSettings, tuple[tuple[str, ...] | None, ...]]:
        """Whose token it is, and what it may do: the scopes of the location, and those of the grant."""
        location = self._by_token.get(token)
        if location is not None:
            return location, (location.scopes,)
        grant = self.oauth.issuer.find_access(token, now)
        if grant is None:
            raise self.oauth.stale(token) if self.oauth.issuer.knows(token) else _unknown_token(token)
        if grant.kind == AGENCY:
            words = "This authClass type is not allowed to access this scope. Please reach out to support."
            raise GhlRefusal(401, words)
        location = self.places[grant.subject].settings
        return location, (location.scopes, grant.scopes)

    def _demand_own(self, place: LocationState, visit: Visit) -> None:
        """403 for what belongs to another location: named in path, query or body, or by the contact's id."""
        own = place.settings.id
        named = {visit.ids.get("locationId", own), visit.query.get("locationId", own)}
        if isinstance(visit.body, dict) and isinstance(visit.body.get("locationId"), str):
            named.add(visit.body["locationId"])
        if named != {own}:
            raise wrong_location()
        contact_id = visit.entry.parent
        if contact_id is None or contact_id in place.contacts:
            return
        if any(contact_id in other.contacts for other in self.places.values()):
            raise wrong_location()

    def _answer(self, visit: Visit, status: int, content: Mapping[str, Any]) -> None:
        fault = visit.fault
        if fault is not None and fault.kind == "status" and fault.applies:
            status, content = fault.status, GhlRefusal(fault.status, _words(fault.status)).content
        visit.status = status
        visit.content = orjson.dumps({**content, "traceId": f"sandbox-{visit.entry.seq:08x}"})


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


def _words(status: int) -> str:
    return {429: "Too Many Requests", 503: "Service Unavailable", 502: "Bad Gateway"}.get(
        status, "Internal Server Error"
    )
