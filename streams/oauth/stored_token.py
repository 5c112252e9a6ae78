"""Reads the access token that a connection's worker stores, for a command that sends requests to a vendor itself.

Never renews it: a refresh token can be used once, and only by the worker.
"""

from __future__ import annotations

from connectors.errors import SealError, TokenUnavailable
from streams.core.token_row import TokenRow
from streams.kafka.topic_reader import each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import TOKENS, TOKENS_TABLE, TopicNames
from streams.oauth.grants import Grants, OAuthAccount


async def read_stored_token(grants: Grants, account: OAuthAccount, now_ms: int) -> str:
    """The newest access token of an account: the one that the worker stores, or one that a person has just granted.

    Raises `TokenUnavailable` when there is none, when our keys do not open it, or when it has expired.
    """
    names, newest = TopicNames(grants.settings.kafka.topic_prefix), TokenRow(sealed="", at_ms=0)
    for topic in (names.of(TOKENS), names.changelog(TOKENS_TABLE)):
        async for record in each_record(grants.settings, topic, [account.partition]):
            if record.key != account.token.encode() or record.value is None:
                continue
            try:
                if topic == names.of(TOKENS):
                    message = SealedToken.from_bytes(record.value)
                    row = TokenRow(sealed=message.sealed, at_ms=message.at_ms)
                else:
                    row = TokenRow.from_bytes(record.value)
            except InvalidMessage as error:
                skip_unreadable(topic, record.partition, record.offset, error)
                continue
            newest = max(newest, row, key=lambda one: one.at_ms)
    if not newest.sealed:
        raise TokenUnavailable(account.token, "nobody has granted access yet. Run: lofty-ghl connect lofty")
    try:
        pair = grants.open(account.token, newest.sealed)
    except SealError as error:
        raise TokenUnavailable(account.token, str(error)) from None
    if pair.expires_at_ms <= now_ms:
        raise TokenUnavailable(account.token, "it has expired. Start a worker, which renews it, and try again")
    return pair.access
