"""The guard of every route: who asks, whether they may, and whether it was our own page that asked.

| what is asked | who may |
| --- | --- |
| a route that was not added through the guard | nobody |
| with a session's cookie, to change something | its role, with the session's CSRF token, from our own origin |
| with an API token (only under `/api`) | the token's role; no CSRF, as no browser sends it by itself |
| the sign-in itself | anyone, with the guest's CSRF token, from our own origin |
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiohttp import web

from streams.console.auth.accounts import Account, Accounts
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.ended_sessions import SESSION as ENDED_SESSION
from streams.console.auth.ended_sessions import SIGN_OUT, EndedSessions, ended_id
from streams.console.auth.login_throttle import Attempts
from streams.console.auth.origins import is_secure, origin_problem, safe_path
from streams.console.auth.passwords import UNKNOWN_USER, hash_password, is_password
from streams.console.auth.people_access import PeopleAccess
from streams.console.auth.route_table import Handler, Required, RouteTable
from streams.console.auth.scope import (
    EVERYTHING,
    Concerns,
    Scope,
    no_such_connection,
    put_in_force,
    scope_of_request,
    was_asked,
)
from streams.console.auth.sessions import Seal, Session, read_session, stamp_of, write_session
from streams.console.errors import Forged, NotAllowed, NotSignedIn, SignInRefused, TooMany, WrongInput
from streams.console.malformed import FORM, check_well_formed, posted
from streams.gateway.client_address import client_address, networks, within
from streams.settings import Settings
from streams.settings.password_hashes import SHORTEST, token_hash

log = logging.getLogger("lofty_ghl.console")

SESSION, GUEST = "lofty_ghl_session", "lofty_ghl_guest"
GUEST_SECONDS = 24 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_PASSWORD = 1000
HASHES_AT_A_TIME = 2
"""Each takes 32 MiB and a quarter of a second of a core: many sign-ins at once must not slow webhooks down."""
MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `role` is None and `name` empty for somebody who has not signed in. `csrf` goes into forms."""

    name: str
    role: str | None
    via: str
    address: str
    csrf: str
    session: Session | None = None
    scope: Scope = EVERYTHING

    @property
    def may_act(self) -> bool:
        """Whether they may change something."""
        return self.role in ("operator", "admin")

    @property
    def is_admin(self) -> bool:
        """Whether they may change who has access."""
        return self.role == "admin"


_VISITOR = web.RequestKey("visitor", Visitor)
_NEW_GUEST = web.RequestKey("new_guest", str)


class Guard:
    """Made once for a gateway. `audit` hears of sign-ins."""

    def __init__(
        self,
        settings: Settings,
        audit: AuditWriter,
        ended: EndedSessions,
        now_ms: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        console = settings.console
        self.accounts = Accounts(settings, now_ms)
        self.people = PeopleAccess(settings, self.accounts, audit, now_ms)
        self.seal = Seal([key.get_secret_value() for key in settings.console_secrets.keys])
        self._session_ms = int(console.session_hours * 3_600_000)
        self._public_url = settings.gateway.public_url
        self._proxies = networks(settings.gateway.trusted_proxies)
        self._audit = audit
        self._ended = ended
        self._now_ms = now_ms
        self._clock = clock
        self._attempts = Attempts()
        self._hashing = asyncio.Semaphore(HASHES_AT_A_TIME)
        self._waiting = 0
        self._operators_edit = console.operators_edit_connections
        self.routes = RouteTable()

    # -- routes -------------------------------------------------------------------------------------------

    def add(
        self,
        app: web.Application,
        method: str,
        path: str,
        handler: Handler,
        *,
        role: Required,
        concerns: Concerns | None = None,
    ) -> None:
        """Add a route, with who may use it and what it concerns: see `RouteTable`."""
        self.routes.add(app, method, path, handler, role, concerns)

    def may_edit_connections(self, visitor: Visitor) -> bool:
        """Whether somebody may change settings and keys of the connections that they see."""
        return visitor.is_admin or (visitor.may_act and self._operators_edit)

    outermost = staticmethod(scope_of_request)
    """The middleware around everything else of an application, the error pages too."""

    def middleware(self, *, takes_tokens: bool) -> Any:
        """The check before every handler of an application."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            check_well_formed(request)
            if request.match_info.http_exception is not None:
                return await handler(request)  # no such path
            required = self.routes.required(request.match_info.route)
            visitor = self._by_token(request) if takes_tokens and "Authorization" in request.headers else None
            visitor = visitor or self._by_cookie(request)
            request[_VISITOR] = visitor
            put_in_force(visitor.scope)
            if required is None:
                raise NotAllowed("Access denied: this route is not registered with the guard.")
            self._check_role(visitor, required)
            if request.method not in SAFE_METHODS and visitor.via != "token":
                await self._check_forgery(request, visitor)
            concerns = self.routes.concerns(request.match_info.route)
            if visitor.scope.is_limited:
                await self._check_scope(request, visitor.scope, concerns)
            answer = await handler(request)
            if visitor.scope.is_limited and concerns == "filtered" and not was_asked():
                log.error("%s %s is said to be filtered by connection, and is not", request.method, request.path)
                raise NotAllowed("This is not shown to people who are limited to some connections.")
            self.greet(request, answer)
            return answer

        return check

    # -- who asks -----------------------------------------------------------------------------------------

    def visitor(self, request: web.Request) -> Visitor:
        """Who asks."""
        return request[_VISITOR]

    def greet(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Give a new guest the cookie without which their sign-in would be refused."""
        guest = request.get(_NEW_GUEST)
        if guest and not answer.prepared:
            self.set_cookie(request, answer, GUEST, guest, GUEST_SECONDS)

    def is_from_our_page(self, request: web.Request) -> bool:
        """Whether a page of ours sent a form, by what the browser says of its origin."""
        return not origin_problem(request.headers, request.host, self._public_url)

    def csrf_of(self, session: Session) -> str:
        """The token in the forms of a session."""
        return self.seal.token("csrf", session.id)

    def actor(self, request: web.Request) -> Actor:
        """The same, as the audit names them."""
        one = self.visitor(request)
        return Actor(one.name, one.role or "", one.via, one.address)

    def address(self, request: web.Request) -> str:
        """The address of the client, behind proxies that are trusted."""
        found = client_address(request.remote, request.headers.getall("X-Forwarded-For", []), self._proxies)
        return str(found) if found is not None else "unknown"

    safe_path = staticmethod(safe_path)

    # -- signing in and out -------------------------------------------------------------------------------

    async def sign_in(self, request: web.Request, name: str, password: str) -> Session:
        """A session for a name and a password. Raises `SignInRefused` or `TooMany`."""
        user = await self.check_password(request, name, password)
        return await self.start_session(request, user.name, user.role, "password", stamp_of(user.password_hash))

    async def check_password(self, request: web.Request, name: str, password: str) -> Account:
        """Who has this name and this password. Raises `SignInRefused` or `TooMany`."""
        address = self.address(request)
        self._check_attempts(address, name)
        user = self.accounts.person(name)
        hashed = user.password_hash if user else UNKNOWN_USER
        self._waiting += 1
        try:
            async with self._hashing:
                self._check_attempts(address, name)  # others may have failed meanwhile
                is_right = len(password) <= LONGEST_PASSWORD and await asyncio.to_thread(is_password, hashed, password)
        finally:
            self._waiting -= 1
        if user is None or not is_right:
            self._attempts.failed(address, name, self._clock())
            shown = (
                name if user is not None else "unknown name"
            )  # the field may hold a password typed by mistake: it must not be in the log
            await self._audit.note(Actor(shown, address=address, via="password"), "sign in", {}, "refused")
            raise SignInRefused("The name or the password is wrong.")
        self._attempts.succeeded(address, name)
        return user

    async def hashed(self, password: str) -> str:
        """The hash of a new password. Raises `WrongInput` for one that is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST_PASSWORD:
            raise WrongInput(
                f"The password: expected {SHORTEST} to {LONGEST_PASSWORD} characters, got {len(password)}."
            )
        async with self._hashing:
            return await asyncio.to_thread(hash_password, password)

    def check_links(self, request: web.Request) -> None:
        """Raises `TooMany` when an address has tried too many links that are none."""
        key = f"link {self.address(request)}"
        if self._attempts.wait_seconds(key, f"@{key}", self._clock()) > 0:
            raise TooMany("Too many attempts with unknown links: wait a minute.", 60.0)

    def link_failed(self, request: web.Request) -> None:
        """A link was none."""
        key = f"link {self.address(request)}"
        self._attempts.failed(key, f"@{key}", self._clock())

    def base_url(self, request: web.Request) -> str:
        """The address of the gateway, for links that somebody else opens."""
        return self._public_url or f"{'https' if self.is_secure(request) else 'http'}://{request.host}"

    def _check_attempts(self, address: str, name: str) -> None:
        wait = self._attempts.wait_seconds(address, name, self._clock())
        if wait > 0 or self._waiting > MOST_WAITING:
            raise TooMany(f"Too many attempts: wait {max(1, round(wait))} s, then try again.", max(1.0, wait))

    async def start_session(
        self,
        request: web.Request,
        name: str,
        role: str,
        via: Literal["password", "oidc"],
        stamp: str = "",
        connections: list[str] | None = None,
    ) -> Session:
        """A new session for somebody who proved who they are. `connections` are those that a provider's groups give."""
        now_ms = self._now_ms()
        ends_ms = now_ms + self._session_ms
        session = Session(secrets.token_urlsafe(18), name, role, via, now_ms, ends_ms, stamp, connections)
        await self._audit.note(Actor(name, role, via, self.address(request)), "sign in", {}, "done")
        return session

    def remember(self, request: web.Request, answer: web.StreamResponse, session: Session) -> None:
        """Give the browser the session."""
        seconds = max(1, (session.ends_ms - self._now_ms()) // 1000)
        self.set_cookie(request, answer, SESSION, write_session(self.seal, session), seconds)
        answer.del_cookie(self.cookie_name(request, GUEST), path="/")
        request[_NEW_GUEST] = ""

    async def sign_out(self, request: web.Request, answer: web.StreamResponse) -> None:
        """End the session at all gateways, and take it from the browser."""
        visitor = self.visitor(request)
        if visitor.session is not None:
            self._ended.end(visitor.session)
            about = {ENDED_SESSION: ended_id(visitor.session)}
            await self._audit.note(self.actor(request), SIGN_OUT, about, "done")
        for name in (SESSION, GUEST):
            self.set_cookie(request, answer, name, "", 0)

    # -- the parts ----------------------------------------------------------------------------------------

    def _check_role(self, visitor: Visitor, required: Required) -> None:
        if required == "anyone":
            return
        if visitor.role is None:
            raise NotSignedIn("Not signed in, or the session has ended.")
        may = {
            "viewer": True,
            "operator": visitor.may_act,
            "settings": self.may_edit_connections(visitor),
            "admin": visitor.is_admin,
        }
        if not may[required]:
            needed = "admin" if required == "settings" else required
            raise NotAllowed(f"{visitor.name} has the role {visitor.role}; this needs the role {needed}.")

    async def _check_scope(self, request: web.Request, scope: Scope, concerns: Concerns) -> None:
        """Whether somebody who is limited may use a route at all, and only names connections of theirs."""
        if concerns == "deployment":
            raise NotAllowed("This is about the whole deployment, and you see some of its connections.")
        for connection in (
            request.match_info.get("connection"),
            *request.query.getall("connection", ()),
            await _posted_connection(request),
        ):
            if connection and not scope.includes(connection):
                raise no_such_connection(connection)

    def _by_cookie(self, request: web.Request) -> Visitor:
        cookie = request.cookies.get(self.cookie_name(request, SESSION))
        session = read_session(self.seal, cookie, self._now_ms()) if cookie else None
        account = self.accounts.of_session(session) if session and not self._ended.holds(session) else None
        address = self.address(request)
        if session is not None and account is not None:
            csrf = self.csrf_of(session)
            return Visitor(account.name, account.role, session.via, address, csrf, session, account.scope)
        guest = request.cookies.get(self.cookie_name(request, GUEST), "")
        if not (20 <= len(guest) <= 64):
            guest = secrets.token_urlsafe(18)
            request[_NEW_GUEST] = guest
        return Visitor("", None, "", address, self.seal.token("guest", guest))

    def _by_token(self, request: web.Request) -> Visitor:
        kind, _, token = request.headers["Authorization"].partition(" ")
        # Under a name of its own: wrong tokens must not keep people from their passwords, nor a right one from its work.
        # A token is 256 random bits, so there is nothing to slow down but the log.
        address, now = self.address(request), self._clock()
        found = self.accounts.program(token_hash(token.strip()))
        if kind.lower() != "bearer" or found is None:
            of_tokens = f"token {address}"
            if self._attempts.wait_seconds(of_tokens, f"@{of_tokens}", now) > 0:
                raise TooMany("Too many attempts with unknown tokens: wait a minute.", 60.0)
            self._attempts.failed(of_tokens, f"@{of_tokens}", now)
            raise NotSignedIn("The token is unknown. Expected the header Authorization: Bearer TOKEN.")
        return Visitor(found.name, found.role, "token", address, "", scope=found.scope)

    async def _check_forgery(self, request: web.Request, visitor: Visitor) -> None:
        problem = origin_problem(request.headers, request.host, self._public_url)
        if problem:
            raise Forged(f"The request was refused: {problem}.")
        token = request.headers.get("X-CSRF-Token", "")
        if not token and request.content_type in (FORM, "multipart/form-data"):
            token = (await posted(request)).get("csrf", "")
        if not hmac.compare_digest(token.encode(), visitor.csrf.encode()):
            raise Forged("The page is too old, or belongs to another session: reload it.")

    def is_secure(self, request: web.Request) -> bool:
        peer = client_address(request.remote, (), ())
        forwarded = request.headers.get("X-Forwarded-Proto") if within(peer, self._proxies) else None
        return is_secure(request.scheme, request.host, forwarded, self._public_url)

    def cookie_name(self, request: web.Request, name: str) -> str:
        """Under https a name that only we, not a neighbour's subdomain, can set."""
        return f"__Host-{name}" if self.is_secure(request) else name

    def set_cookie(self, request: web.Request, answer: web.StreamResponse, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            self.cookie_name(request, name),
            value,
            max_age=seconds,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.is_secure(request),
        )


async def _posted_connection(request: web.Request) -> str | None:
    """The field `connection` of a form or of a JSON body."""
    if request.method in SAFE_METHODS:
        return None
    if request.content_type == FORM:
        return (await posted(request)).get("connection")
    if request.content_type == "application/json":
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return None  # the endpoint says what is wrong with it
        found = body.get("connection") if isinstance(body, dict) else None
        return found if isinstance(found, str) else None
    return None
