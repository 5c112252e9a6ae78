"""Checks of OAuth tokens, and the token that the doctor calls GHL with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from connectors.errors import SealError
from streams.core.rows import TokenRow
from streams.kafka.topic_reader import each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage
from streams.messages.topics import TOKENS_TABLE, TopicNames
from streams.oauth.grants import Grants, wanted_scopes
from streams.operations.doctor.check_result import CheckResult
from streams.settings import Connection, Settings


async def tokens(settings: Settings, stored: StoredTokens, now_ms: int) -> AsyncIterator[CheckResult]:
    """OAuth: each connection has tokens that our keys decrypt, with the scopes that it needs."""
    grants = Grants.of(settings)
    if grants is None:
        return
    rows = await stored.rows()
    for one in settings.connections.values():
        sides = []
        if one.ghl.auth == "oauth":
            sides.append(("ghl", grants.ghl(one).token, wanted_scopes(one)))
        if one.lofty.auth == "oauth":
            sides.append(("lofty", grants.lofty(one).token, ()))
        for vendor, token, scopes in sides:
            connect = f"lofty-ghl connect {vendor} --connection {one.name}"
            found = _token(grants, f"{vendor} of {one.name}", token, rows.get(token), scopes, connect, now_ms)
            yield replace(found, connection=one.name)


def _token(
    grants: Grants, subject: str, token: str, row: TokenRow | None, scopes: tuple[str, ...], connect: str, now_ms: int
) -> CheckResult:
    if row is None:
        return CheckResult("tokens", subject, "wrong", "access was not granted yet", connect)
    try:
        pair = grants.open(token, row.sealed)
    except SealError as error:
        mend = f"add the key that encrypted it to LOFTY_GHL_TOKEN_KEYS, behind the first; or {connect}"
        return CheckResult("tokens", subject, "wrong", str(error), mend)
    missing = sorted({*scopes} - {*pair.scopes}) if pair.scopes else []
    if missing:
        return CheckResult(
            "scopes", subject, "wrong", f"the grant lacks {' '.join(missing)}", f"{connect}, with these scopes"
        )
    if not grants.ring.is_current(row.sealed):
        return CheckResult("tokens", subject, "warning", "is encrypted with an old key", "lofty-ghl secrets rotate")
    if pair.expires_at_ms < now_ms:
        says = "has expired and was not renewed: its worker is away, or access was revoked"
        return CheckResult("tokens", subject, "warning", says, f"start lofty-ghl worker; if it stays: {connect}")
    return CheckResult(
        "tokens", subject, "ok", f"can be decrypted, and is valid for {(pair.expires_at_ms - now_ms) // 60_000} min"
    )


class StoredTokens:
    """The tokens as the workers store them, read once for all checks of an examination."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reading: asyncio.Future[dict[str, TokenRow]] | None = None

    async def rows(self) -> dict[str, TokenRow]:
        """By name. A check whose time is over does not end the read of the others. Raises aiokafka's errors."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(token_rows(self._settings))
            self._reading.add_done_callback(retrieved)
        return await asyncio.shield(self._reading)


def retrieved(reading: asyncio.Future[Any]) -> None:
    """Where no check waits for it any longer, nobody hears of its error."""
    if not reading.cancelled():
        reading.exception()


async def token_rows(settings: Settings) -> dict[str, TokenRow]:
    """The tokens as the workers store them, by name."""
    topic = TopicNames(settings.kafka.topic_prefix).changelog(TOKENS_TABLE)
    rows: dict[str, TokenRow] = {}
    async for record in each_record(settings, topic):
        name = (record.key or b"").decode(errors="replace")
        if record.value is None:
            rows.pop(name, None)
            continue
        try:
            rows[name] = TokenRow.from_bytes(record.value)
        except InvalidMessage as error:
            skip_unreadable(topic, record.partition, record.offset, error)
    return rows


async def ghl_token(
    settings: Settings, connection: Connection, stored: StoredTokens, now: Callable[[], float]
) -> tuple[str, str]:
    """The token to call GHL with, or why there is none. The doctor never renews an OAuth token: only its owner does."""
    if connection.ghl.auth != "oauth":
        secret = connection.secrets.ghl_token
        return (secret.get_secret_value(), "") if secret else ("", "there is no token")
    try:
        grants = Grants.of(settings)
    except SealError:
        grants = None
    if grants is None:
        return "", "no key decrypts tokens"
    account = grants.ghl(connection)
    row = (await stored.rows()).get(account.token)
    try:
        pair = grants.open(account.token, row.sealed) if row is not None else None
    except SealError:
        pair = None
    if pair is None or pair.expires_at_ms / 1000 < now():
        return "", "no token can be decrypted and is still valid"
    return pair.access, ""
