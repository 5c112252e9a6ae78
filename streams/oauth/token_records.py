"""The records of sealed tokens: what a person granted, on the topic `tokens`, and what the workers store, in their table.

Nothing here renews a token: a refresh token can be used once, and only by the worker.
"""

from __future__ import annotations

import asyncio
import time

from connectors.auth.oauth import missing_scopes
from connectors.errors import SealError, TokenUnavailable
from streams.core.rows import TokenRow
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.topic_reader import each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import TOKENS, TOKENS_TABLE, TopicNames
from streams.oauth.authorization import Granted
from streams.oauth.grants import Grants, OAuthAccount, wanted_scopes
from streams.settings import Connection


async def send_token(grants: Grants, granted: Granted, batching_producer: BatchingProducer) -> int:
    """Send the tokens to the worker that owns the budget. Returns their offset when Kafka has acknowledged them."""
    topic, message = TopicNames(grants.settings.kafka.topic_prefix).of(TOKENS), granted.message
    record = Record(topic, granted.partition, message.token.encode(), message.to_bytes())
    (offset,) = await batching_producer.produce([record])
    return offset


async def wait_for_grant(grants: Grants, connection: Connection, since_ms: int, seconds: float) -> Granted | None:
    """Wait for tokens that a gateway sends for a GHL location after `since_ms`; None when none come in time."""
    account, until = grants.ghl(connection), time.monotonic() + seconds
    topic = TopicNames(grants.settings.kafka.topic_prefix).of(TOKENS)
    while True:
        async for record in each_record(grants.settings, topic, [account.partition]):
            if record.key != account.token.encode() or record.value is None:
                continue
            try:
                message = SealedToken.from_bytes(record.value)
            except InvalidMessage as error:
                skip_unreadable(topic, record.partition, record.offset, error)
                continue
            if message.at_ms >= since_ms and message.by == "connect" and message.sealed:
                pair = grants.open(message.token, message.sealed)
                missing = missing_scopes(pair.scopes, wanted_scopes(connection)) if pair.scopes else ()
                return Granted(
                    connection.name, "ghl", message, account.partition, pair.scopes, missing, pair.expires_at_ms
                )
        if time.monotonic() >= until:
            return None
        await asyncio.sleep(1.0)


async def newest_tokens(grants: Grants, partition: int | None = None) -> dict[str, TokenRow]:
    """The newest sealed pair of each token, of one partition or of all.

    Of pairs that were granted at the same time, the record that was written last holds the newest seal.
    """
    names = TopicNames(grants.settings.kafka.topic_prefix)
    newest: dict[str, tuple[int, int]] = {}
    found: dict[str, TokenRow] = {}
    partitions = None if partition is None else [partition]
    topics: tuple[tuple[str, type[SealedToken | TokenRow]], ...] = (
        (names.of(TOKENS), SealedToken),
        (names.changelog(TOKENS_TABLE), TokenRow),
    )
    for topic, kind in topics:
        async for record in each_record(grants.settings, topic, partitions):
            if record.value is None:
                continue
            try:
                stored = kind.from_bytes(record.value)
            except InvalidMessage as error:
                skip_unreadable(topic, record.partition, record.offset, error)
                continue
            token, age = (record.key or b"").decode(errors="replace"), (stored.at_ms, record.timestamp)
            if token not in newest or age >= newest[token]:
                newest[token], found[token] = age, TokenRow(sealed=stored.sealed, at_ms=stored.at_ms)
    return found


async def read_access_token(grants: Grants, account: OAuthAccount, now_ms: int) -> str:
    """The newest access token of an account, for a command that sends requests to a vendor itself.

    Raises `TokenUnavailable` when there is none, when our keys do not open it, or when it has expired.
    """
    row = (await newest_tokens(grants, account.partition)).get(account.token)
    if row is None or not row.sealed:
        raise TokenUnavailable(account.token, "nobody has granted access yet. Run: lofty-ghl connect lofty")
    try:
        pair = grants.open(account.token, row.sealed)
    except SealError as error:
        raise TokenUnavailable(account.token, str(error)) from None
    if pair.expires_at_ms <= now_ms:
        raise TokenUnavailable(account.token, "it has expired. Start a worker, which renews it, and try again")
    return pair.access
