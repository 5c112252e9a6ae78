"""Checks at the vendors: they accept our credentials, these have their scopes, and the clocks agree.

A few requests for each connection, one after another, each key once; `turns.py` leaves half of each limit to the workers. Nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError, NetworkError, VendorError, WrongAccount
from connectors.ghl.client import GhlClient
from connectors.ghl.operations import OPERATIONS
from connectors.http.request import Transport
from connectors.http.transport import AiohttpTransport
from streams.core.to_ghl.directory import Directory, fold
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.clock import ClockTransport, Now
from streams.operations.doctor.lofty_keys import LoftyKeys
from streams.operations.doctor.tokens import StoredTokens, ghl_token
from streams.operations.mapping_preview.compatibility import check_compatibility
from streams.operations.subscriptions.plan import reconcile
from streams.operations.subscriptions.reconcile import addresses_of
from streams.settings import Connection, Settings, variable

OPTIONAL = "get-custom-values"
"""Without its scope everything works, but another deployment is not noticed."""


@dataclass(slots=True)
class _Location:
    """What GHL says of a location, and which scopes its token lacks, and could do without (`optional`). `is_whole`: everything was read."""

    fields: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    optional: list[str] = field(default_factory=list)
    is_whole: bool = False

    async def read(self, client: GhlClient, transport: ClockTransport, location: str) -> None:
        """Read it as far as GHL's window and the token's scopes allow. Raises the connector's other errors."""

        async def read_fields() -> None:
            for found in await client.list_custom_fields(location, model="contact"):
                self.fields |= {fold(name): found.id for name in (found.name, found.field_key) if name}
                self.types |= {found.id: found.data_type} if found.data_type else {}

        async def read_users() -> None:
            self.users = {fold(user.email): user.id for user in await client.list_users(location) if user.email}

        reads: dict[str, Callable[[], Awaitable[object]]] = {
            "search-contacts-advanced": lambda: client.search_contacts({"locationId": location, "pageLimit": 1}),
            "get-custom-fields": read_fields,
            "get-user-by-location": read_users,
            OPTIONAL: lambda: client.list_custom_values(location),
        }
        for operation, read in reads.items():
            if transport.is_low:
                return
            try:
                await read()
            except VendorError as error:
                if error.status not in (401, 403) or "scope" not in error.message.lower():
                    raise
                (self.optional if operation == OPTIONAL else self.lacking).extend(OPERATIONS[operation].scopes)
        self.is_whole = True


async def ghl(
    settings: Settings, connection: Connection, stored: StoredTokens, inner: Transport, now: Now = time.time
) -> AsyncIterator[CheckResult]:
    """GHL accepts the token, the token has the scopes, and the mapping's fields fit the location."""
    subject = f"GHL of {connection.name}"
    token, why = await ghl_token(settings, connection, stored, now)
    if not token:
        yield CheckResult("access", subject, "not looked at", why, "see the lines credentials and tokens")
        return
    location, base_url = _Location(), connection.ghl.base_url
    transport = ClockTransport(inner, now)
    client = GhlClient(transport, StaticAuth("Bearer", token), base_url=base_url, on_answer=transport.note_rate)
    try:
        await location.read(client, transport, connection.ghl.location_id)
    except VendorError as error:
        yield _refused(subject, error, connection, "ghl_token")
        return
    except ConnectorError as error:
        yield _away(subject, base_url, error)
        return
    if not location.is_whole:
        yield CheckResult("access", subject, "warning", "few requests of GHL's window are left", "retry later")
    yield CheckResult("access", subject, "ok", "the token is accepted")
    for result in (*transport.clock("GHL"), *_location(connection, subject, location)):
        yield result


def _location(connection: Connection, subject: str, location: _Location) -> Iterator[CheckResult]:
    if location.lacking:
        says = f"the token lacks {' '.join(sorted(set(location.lacking)))}"
        mend = "add them to the private integration in GHL, or connect again; no restart is needed, as the token stays"
        yield CheckResult("scopes", subject, "wrong", says, mend)
        return
    yield CheckResult("scopes", subject, "ok", "reading is allowed; write scopes are not tested")
    if location.optional:
        says = f"the token lacks {' '.join(location.optional)}: another deployment on its location is not noticed"
        mend = f"add it to the token, with {OPERATIONS['create-custom-value'].scopes[0]}"
        yield CheckResult("scopes", subject, "warning", says, mend)
    if not location.is_whole:
        return
    directory = Directory(location.fields, location.users, types=location.types)
    wrong = [found for found in check_compatibility(connection, directory, ()) if found.verdict == "wrong"]
    for found in wrong:
        yield CheckResult("fields", f"{connection.name} {found.subject}", "wrong", found.says, found.mend)
    if not wrong:
        yield CheckResult("fields", connection.name, "ok", "the mapping's fields exist, or will be created")


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
