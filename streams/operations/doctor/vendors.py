"""Checks at the vendors: they accept our credentials, these have their scopes, and the clocks agree.

A few requests for each connection, one after another, each key once; `turns.py` leaves half of each limit to the workers. Nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError, NetworkError, VendorError, WrongAccount
from connectors.ghl.client import GhlClient
from connectors.http.request import Transport
from connectors.http.transport import AiohttpTransport
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.clock import ClockTransport, Now
from streams.operations.doctor.location_names import LocationNames
from streams.operations.doctor.lofty_keys import LoftyKeys
from streams.operations.doctor.tokens import StoredTokens, ghl_token
from streams.operations.subscriptions.plan import reconcile
from streams.operations.subscriptions.reconcile import addresses_of
from streams.settings import Connection, Settings, variable


async def ghl(
    settings: Settings, connection: Connection, stored: StoredTokens, inner: Transport, now: Now = time.time
) -> AsyncIterator[CheckResult]:
    """GHL accepts the token, the token has the scopes, and the mapping's fields fit the location."""
    subject = f"GHL of {connection.name}"
    token, why = await ghl_token(settings, connection, stored, now)
    if not token:
        yield CheckResult("access", subject, "not looked at", why, "see the lines credentials and tokens")
        return
    location, base_url = LocationNames(), connection.ghl.base_url
    transport = ClockTransport(inner, now)
    client = GhlClient(transport, StaticAuth("Bearer", token), base_url=base_url, on_answer=transport.note_rate)
    try:
        await location.read(client, transport, connection)
    except VendorError as error:
        yield _refused(subject, error, connection, "ghl_token")
        return
    except ConnectorError as error:
        yield _away(subject, base_url, error)
        return
    if not location.is_whole:
        yield CheckResult("access", subject, "warning", "few requests of GHL's window are left", "retry later")
    yield CheckResult("access", subject, "ok", "the token is accepted")
    for result in (*transport.clock("GHL"), *location.results(connection, subject)):
        yield result


def vendor_transport() -> AiohttpTransport:
    """One for all checks of an examination: a thousand would each open connections of their own."""
    return AiohttpTransport(instance="doctor", total_seconds=6, connect_seconds=4)


async def lofty(settings: Settings, connection: Connection, keys: LoftyKeys) -> AsyncIterator[CheckResult]:
    """Lofty accepts the key, and its webhooks come to this gateway."""
    subject, key = f"Lofty of {connection.name}", connection.secrets.lofty_api_key
    if connection.lofty.auth == "oauth" or key is None:
        if connection.lofty.auth == "oauth":
            yield CheckResult("access", subject, "ok", "only its worker uses its OAuth tokens")
        else:
            yield CheckResult("access", subject, "not looked at", "there is no key")
        return
    try:
        answers = await keys.of(connection, key)
    except WrongAccount as error:
        mend = "set an API key of that team, or correct lofty.team_id"
        yield CheckResult("access", subject, "wrong", error.messages[0], mend)
        return
    except VendorError as error:
        yield _refused(subject, error, connection, "lofty_api_key")
        return
    except ConnectorError as error:
        yield _away(subject, connection.lofty.base_url, error)
        return
    yield CheckResult("access", subject, "ok", f"the key is accepted{answers.owner}")
    for result in answers.clock:
        yield result
    url, webhook = settings.gateway.public_url, connection.secrets.webhook_secret
    if url is None or webhook is None:
        mend = "set gateway.public_url, then lofty-ghl subscriptions apply"
        yield CheckResult("webhooks", subject, "warning", "the gateway's public URL is not known", mend)
        return
    addresses = addresses_of(settings, connection, url.rstrip("/"))
    steps = reconcile(answers.subscriptions, addresses.url, addresses.base, addresses.others)
    wrong = [step for step in steps if step.action != "keep"]
    if wrong:
        lists = ", ".join(f"list {step.list_id} ({step.because})" for step in wrong)
        mend = f"lofty-ghl subscriptions apply --connection {connection.name}"
        yield CheckResult("webhooks", subject, "wrong", f"the subscriptions for {url} are wrong: {lists}", mend)
    else:
        yield CheckResult("webhooks", subject, "ok", f"{len(steps)} lists are subscribed for {url}")


def _refused(subject: str, error: VendorError, connection: Connection, secret: str) -> CheckResult:
    if error.status in (401, 403):
        by_oauth = secret == "ghl_token" and connection.ghl.auth == "oauth"
        connect = f"lofty-ghl connect ghl --connection {connection.name}"
        mend = connect if by_oauth else f"set {variable(connection.label, secret)} to a valid one"
        return CheckResult("access", subject, "wrong", f"is refused: {error.status} {error.message}", mend)
    says = f"answers {error.status} {error.message}"
    if error.status == 429:
        return CheckResult("access", subject, "warning", "its limit is used up for now", "retry in a minute")
    if error.status >= 500:
        return CheckResult("access", subject, "away", says, "retry later")
    return CheckResult("access", subject, "wrong", says, "check location_id and base_url of the connection")


def _away(subject: str, url: str, error: ConnectorError) -> CheckResult:
    says = f"{url} does not answer ({error.cause if isinstance(error, NetworkError) else error})"
    return CheckResult("access", subject, "away", says, "check this machine's firewall, and base_url of the connection")
