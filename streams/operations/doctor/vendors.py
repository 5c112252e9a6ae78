"""Checks at the vendors: whether they accept our credentials, what these may do, and how their clocks stand to ours.

A handful of requests for each connection, one after another, leaving some of each window to the workers; nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError, NetworkError, SealError, VendorError, WrongAccount
from connectors.ghl.client import GhlClient
from connectors.ghl.operations import OPERATIONS
from connectors.http.call_record import CallRecord
from connectors.http.request import Request, Response
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from streams.core.to_ghl.directory import Directory, fold
from streams.oauth.grants import Grants
from streams.operations.doctor.check_result import CheckResult, clock_verdict
from streams.operations.doctor.kafka import token_rows
from streams.operations.mapping_preview.compatibility import check_compatibility
from streams.operations.subscriptions.plan import reconcile
from streams.operations.subscriptions.reconcile import FEW, addresses_of
from streams.settings import Connection, Settings, variable

Now = Callable[[], float]


class Watched:
    """A transport that notes the vendor's clock: each answer bears a `Date`, in whole seconds."""

    def __init__(self, inner: AiohttpTransport, now: Now) -> None:
        self._inner = inner
        self._now = now
        self.least = float("-inf")
        self.most = float("inf")
        self.is_low = False

    async def __call__(self, request: Request) -> Response:
        before = self._now()
        response = await self._inner(request)
        after = self._now()
        try:
            date = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
        except ValueError:
            return response
        # The vendor wrote it between `before` and `after`, at some time within the second that it names.
        self.least = max(self.least, before - date - 1)
        self.most = min(self.most, after - date)
        return response

    def answered(self, answer: CallRecord) -> None:
        """Stop asking when few requests of the window are left."""
        rate = answer.rate
        self.is_low = self.is_low or (rate is not None and rate.remaining is not None and rate.remaining <= FEW)

    def clock(self, whose: str) -> list[CheckResult]:
        """How our clock stands to the vendor's, if it told."""
        return [clock_verdict(whose, self.least, self.most)] if self.least > float("-inf") else []


async def ghl(settings: Settings, one: Connection, now: Now = time.time) -> AsyncIterator[CheckResult]:
    """GHL takes the token; which scopes it lacks; whether the mapping's fields fit."""
    subject = f"GHL of {one.name}"
    token, why = await _ghl_token(settings, one, now)
    if not token:
        yield CheckResult("access", subject, "not looked at", why, "see credentials and tokens")
        return
    async with AiohttpTransport(instance="doctor", total_seconds=6, connect_seconds=4) as inner:
        watched = Watched(inner, now)
        client = GhlClient(watched, StaticAuth("Bearer", token), base_url=one.ghl.base_url, on_answer=watched.answered)
        fields: dict[str, str] = {}
        users: dict[str, str] = {}
        types: dict[str, str] = {}
        lacking: list[str] = []
        place = one.ghl.location_id
        for operation in ("search-contacts-advanced", "get-custom-fields", "get-user-by-location"):
            if watched.is_low:
                yield CheckResult(
                    "access", subject, "warning", "few requests of GHL's window are left", "try it again later"
                )
                break
            try:
                if operation == "search-contacts-advanced":
                    await client.search_contacts({"locationId": place, "pageLimit": 1})
                elif operation == "get-custom-fields":
                    for field in await client.list_custom_fields(place, model="contact"):
                        fields |= {fold(name): field.id for name in (field.name, field.field_key) if name}
                        types |= {field.id: field.data_type} if field.data_type else {}
                else:
                    users = {fold(user.email): user.id for user in await client.list_users(place) if user.email}
            except VendorError as error:
                if error.status in (401, 403) and "scope" in error.message.lower():
                    lacking += OPERATIONS[operation].scopes
                    continue
                yield _refused(subject, error, variable(one.name, "ghl_token"), one.ghl.auth == "oauth", one.name)
                return
            except ConnectorError as error:
                yield _away(subject, one.ghl.base_url, error)
                return
        yield CheckResult("access", subject, "ok", "the token is accepted")
        for verdict in watched.clock("GHL"):
            yield verdict
    if lacking:
        mend = "add them to the private integration in GHL (or connect again), then restart nothing: the token stays"
        yield CheckResult("scopes", subject, "wrong", f"the token lacks {' '.join(sorted(set(lacking)))}", mend)
    else:
        yield CheckResult("scopes", subject, "ok", "reading is allowed; those that write are not tried")
    if not lacking and not watched.is_low:
        wrong = [
            found
            for found in check_compatibility(one, Directory(fields, users, types=types), ())
            if found.verdict == "wrong"
        ]
        for found in wrong:
            yield CheckResult("fields", f"{one.name} {found.subject}", "wrong", found.says, found.mend)
        if not wrong:
            yield CheckResult("fields", one.name, "ok", "the mapping's fields are there, or will be created")


async def _ghl_token(settings: Settings, one: Connection, now: Now) -> tuple[str, str]:
    """The token to ask with, or why there is none. An OAuth token is never renewed here: that is its owner's."""
    if one.ghl.auth != "oauth":
        secret = one.secrets.ghl_token
        return (secret.get_secret_value(), "") if secret else ("", "there is no token")
    try:
        grants = Grants.of(settings)
    except SealError:
        grants = None
    if grants is None:
        return "", "there is no key that opens tokens"
    side = grants.ghl(one)
    row = (await token_rows(settings)).get(side.token)
    try:
        pair = grants.open(side.token, row.sealed) if row is not None else None
    except SealError:
        pair = None
    if pair is None or pair.expires_at_ms / 1000 < now():
        return "", "there is no token that is open and in date"
    return pair.access, ""


async def lofty(settings: Settings, one: Connection, now: Now = time.time) -> AsyncIterator[CheckResult]:
    """Lofty takes the key, and tells us of changes."""
    subject, key = f"Lofty of {one.name}", one.secrets.lofty_api_key
    if one.lofty.auth == "oauth" or key is None:
        why = "its tokens are the worker's" if one.lofty.auth == "oauth" else "there is no key"
        yield CheckResult("access", subject, "ok" if one.lofty.auth == "oauth" else "not looked at", why)
        return
    async with AiohttpTransport(instance="doctor", total_seconds=6, connect_seconds=4) as inner:
        watched = Watched(inner, now)
        auth = StaticAuth("token", key.get_secret_value())
        client = LoftyClient(
            watched, auth, base_url=one.lofty.base_url, team=one.lofty.team_id, on_answer=watched.answered
        )
        try:
            owner = await _owner(client)
            existing = await client.list_subscriptions()
        except WrongAccount as error:
            mend = "set an API key of that team, or correct lofty.team_id"
            yield CheckResult("access", subject, "wrong", error.messages[0], mend)
            return
        except VendorError as error:
            yield _refused(subject, error, variable(one.name, "lofty_api_key"), False, one.name)
            return
        except ConnectorError as error:
            yield _away(subject, one.lofty.base_url, error)
            return
    yield CheckResult("access", subject, "ok", f"the key is accepted{owner}")
    for verdict in watched.clock("Lofty"):
        yield verdict
    url, webhook = settings.gateway.public_url, one.secrets.webhook_secret
    if url is None or webhook is None:
        mend = "set gateway.public_url, then lofty-ghl subscriptions apply"
        yield CheckResult("webhooks", subject, "warning", "where the gateway is reached is not known", mend)
        return
    addresses = addresses_of(settings, one, url.rstrip("/"))
    steps = reconcile(existing, addresses.url, addresses.base, addresses.others)
    wrong = [step for step in steps if step.action != "keep"]
    if wrong:
        lists = ", ".join(f"list {step.list_id} ({step.because})" for step in wrong)
        mend = f"lofty-ghl subscriptions apply --connection {one.name}"
        yield CheckResult("webhooks", subject, "wrong", f"not as they must be at {url}: {lists}", mend)
    else:
        yield CheckResult("webhooks", subject, "ok", f"{len(steps)} lists are told to {url}")


async def _owner(client: LoftyClient) -> str:
    """Whose key it is, in words; nothing where the key may not ask. Raises `WrongAccount` for another team's."""
    try:
        me = await client.who_am_i()
    except WrongAccount:
        raise
    except VendorError as error:
        if error.status in (401, 429) or error.status >= 500:
            raise
        await client.list_leads(limit=1)
        return ""
    name = (
        " ".join(str(me[part]) for part in ("firstName", "lastName") if me.get(part)) or me.get("email") or "its owner"
    )
    return f": it is the key of {name}, team {me.get('teamId')}"


def _refused(subject: str, error: VendorError, name: str, by_oauth: bool, connection: str) -> CheckResult:
    if error.status in (401, 403):
        mend = f"lofty-ghl connect ghl --connection {connection}" if by_oauth else f"set {name} to one that is valid"
        return CheckResult("access", subject, "wrong", f"is refused: {error.status} {error.message}", mend)
    if error.status == 429:
        return CheckResult("access", subject, "warning", "its limit is used up for now", "try it again in a minute")
    level = "away" if error.status >= 500 else "wrong"
    mend = "try it again later" if level == "away" else "check location_id and base_url of the connection"
    return CheckResult("access", subject, level, f"answers {error.status} {error.message}", mend)  # type: ignore[arg-type]  # one of two levels


def _away(subject: str, url: str, error: ConnectorError) -> CheckResult:
    says = f"{url} does not answer ({error.cause if isinstance(error, NetworkError) else error})"
    return CheckResult("access", subject, "away", says, "is this machine allowed out to it, and is base_url right?")
