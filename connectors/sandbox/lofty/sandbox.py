"""Lofty's side of a request: whose key or token it is, what it may do, and which rule answers it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from connectors.http.operation import Operation
from connectors.lofty.operations import OPERATIONS
from connectors.sandbox.lofty.bodies import demand
from connectors.sandbox.lofty.edits import TeamEditor
from connectors.sandbox.lofty.oauth import DEVELOPER_TOKEN, OAUTH_OPERATIONS, LoftyOAuthServer
from connectors.sandbox.lofty.refusals import bad_credentials, coded, invalid
from connectors.sandbox.lofty.requests import LoftyRequest
from connectors.sandbox.lofty.rules import RULES
from connectors.sandbox.lofty.settings import LoftySandboxSettings
from connectors.sandbox.lofty.state import TeamState, new_ids
from connectors.sandbox.shared.issuer import Grant
from connectors.sandbox.shared.refusal import VendorRefusal
from connectors.sandbox.shared.router import OperationRouter
from connectors.sandbox.shared.sandbox import RuleResult, Sandbox, Visit
from connectors.sandbox.shared.window import FixedWindow

_ROUTER = OperationRouter((*OPERATIONS.values(), *OAUTH_OPERATIONS))


@dataclass(slots=True)
class LoftyVisit(Visit):
    """One request, with the team that its key is for (None for the OAuth servers) and its `Authorization`."""

    team: TeamState | None = None
    authorization: str = ""


class LoftySandbox(Sandbox[LoftyVisit]):
    """A Lofty of one's own. `now` gives seconds since the epoch; times of the ledger are in it."""

    visit_type = LoftyVisit

    def __init__(self, settings: LoftySandboxSettings, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(now=now)
        self.settings = settings
        self.generation = 0
        self.reset(settings)

    def reset(self, settings: LoftySandboxSettings | None = None) -> None:
        """Forget everything; with settings, be another sandbox. `generation` counts the resets."""
        self.settings = settings = settings or self.settings
        self._ids = new_ids()
        self.teams = {one.id: TeamState(one, self._ids) for one in settings.teams}
        self._start_over(settings.seed, settings.ledger_size)
        self._by_key = {key: one.id for one in settings.teams for key in one.api_keys}
        spenders = (*self._by_key, *(one.id for one in settings.clients))
        self._windows = {one: FixedWindow(settings.window_limit, settings.window_seconds) for one in spenders}
        self.oauth = LoftyOAuthServer(settings)
        self.generation += 1

    def memory(self) -> Mapping[str, Any]:
        """What outlives a restart (see `connectors/sandbox/shared/state_file.py`): neither the ledger, nor limits, nor faults."""
        return {"teams": self.teams, "ids": self._ids, "issuer": self.oauth.issuer}

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Hold what an earlier sandbox held, of the teams that this one has."""
        self._ids = memory["ids"]
        for name, new in self.teams.items():
            self.teams[name] = memory["teams"].get(name, new)
            self.teams[name].settings = new.settings
            self.teams[name].ids = self._ids
        self.oauth.issuer.adopt(memory["issuer"])

    @property
    def latency_seconds(self) -> float:
        """How long an answer takes."""
        return self.settings.latency_seconds

    def editor(self, team: TeamState, *, reports: bool = True) -> TeamEditor:
        """Where an agent edits. New records are visible after the lag, and at once when they are not reported."""
        lag = self.settings.visibility_lag_seconds if reports else 0.0
        return TeamEditor(team, self.now(), visibility_lag_seconds=lag, reports=reports)

    def _work(self, visit: LoftyVisit, operation: Operation, now: float) -> RuleResult:
        if visit.team is None:
            return self.oauth.answer(operation, visit.body, visit.authorization, now)
        demand(operation.name, visit.query, visit.body)
        lag = self.settings.visibility_lag_seconds
        editor = TeamEditor(visit.team, now, visibility_lag_seconds=lag, reports=self.settings.pings_own_writes)
        request = LoftyRequest(visit.team, editor, self.settings, visit.ids, visit.query, visit.body, now)
        try:
            return RULES[operation.name](request)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise invalid(f"a value has the wrong type: {error}") from error

    # -- the way in -----------------------------------------------------------------------------------------

    def _enter(
        self, visit: LoftyVisit, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        found = _ROUTER.route(method, raw_path)
        if found is None:
            raise VendorRefusal(404, {"message": "Not Found"})
        entry = visit.entry
        operation, ids = visit.operation, visit.ids = found
        entry.operation = operation.name
        entry.entity = next(iter(ids.values()), None)
        visit.query = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        entry.parent = ids.get("leadId") or visit.query.get("leadId")
        visit.authorization = headers.get("Authorization", "")
        if operation in OAUTH_OPERATIONS:
            self._enter_oauth(visit, operation, headers.get("Content-Type", ""), body)
            return
        grant = self._grant(visit.authorization)
        key = self._key(visit.authorization) if grant is None else grant.client_id
        visit.team = self.teams[self._by_key[key] if grant is None else int(grant.subject)]
        entry.budget = str(visit.team.id)
        fits = self._windows[key].take(self.now())
        visit.headers = self._rate_headers(self._windows[key])
        if not fits:
            raise VendorRefusal(429, {"message": "Too Many Requests"})
        if grant is not None:
            self.oauth.demand(grant, operation)
        if headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
            raise coded(415 if method == "GET" else 400, 20001, "Content-type must be: application/json")
        if body:
            try:
                visit.body = entry.body = orjson.loads(body)
            except orjson.JSONDecodeError:
                raise invalid("the body is not JSON") from None
        self._misbehave(visit, operation)

    def _enter_oauth(self, visit: LoftyVisit, operation: Operation, content_type: str, body: bytes) -> None:
        """The OAuth servers have no limits here. Of their secrets nothing stays in the ledger."""
        if content_type.startswith("application/json") and operation is DEVELOPER_TOKEN:
            try:
                given = orjson.loads(body)
            except orjson.JSONDecodeError:
                raise invalid("the body is not JSON") from None
            given = {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        else:
            given = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        visit.body = given if operation is DEVELOPER_TOKEN else {**visit.query, **given}
        visit.entry.body = {"grant_type": visit.body.get("grant_type")}
        visit.entry.budget = self.oauth.whose(visit.body, self.now())
        self._misbehave(visit, operation)

    def _grant(self, authorization: str) -> Grant | None:
        """Whose access token it is, None when it is an API key. Raises when it is an access token that is over."""
        scheme, _, token = authorization.partition(" ")
        if token in self._by_key:
            return None
        grant = self.oauth.issuer.find_access(token, self.now()) if scheme == "Bearer" else None
        if grant is None:
            raise bad_credentials()
        return grant

    def _key(self, authorization: str) -> str:
        scheme, _, key = authorization.partition(" ")
        if scheme != "token":
            raise coded(400, 200058, "User in token does not exist.")
        return key

    def _rate_headers(self, window: FixedWindow) -> dict[str, str]:
        """Lofty's headers, as of now. `Reset` is in milliseconds, as in its example."""
        return {
            "X-RateLimit-Limit": str(self.settings.window_limit or 1_000_000),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": str(max(0, int((window.ends_at - self.now()) * 1000))),
        }

    def _encode(self, visit: LoftyVisit, content: Any) -> bytes:
        return b"" if content is None else orjson.dumps(content)

    def _fault_content(self, status: int) -> Any:
        if status == 429:
            return {"message": "Too Many Requests"}
        return {"message": "BaseApplicationException:errorCode=20005,errorMsg=There is an internal error happened"}

    def _refuse_token(self, visit: LoftyVisit) -> VendorRefusal:
        return bad_credentials()
