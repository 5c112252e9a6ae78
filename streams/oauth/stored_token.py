"""The access token that a connection's worker keeps, for a command that asks a vendor itself.

It is read and never renewed here: a refresh token is good once, and it is the worker's.
"""

from __future__ import annotations

from connectors.errors import SealError, TokenUnavailable
from streams.core.token_row import TokenRow
from streams.kafka.topic_reader import each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import TOKENS, TOKENS_TABLE, TopicNames
from streams.oauth.grants import Grants, Side


async def kept_access(grants: Grants, side: Side, now_ms: int) -> str:
    """The newest access token of a side, from what the worker keeps or else from what a person granted just now.

    Raises `TokenUnavailable` when there is none, none that our keys open, or none that is still good.
    """
    names, newest = TopicNames(grants.settings.kafka.topic_prefix), TokenRow(sealed="", at_ms=0)
    for topic in (names.of(TOKENS), names.changelog(TOKENS_TABLE)):
        async for record in each_record(grants.settings, topic, [side.partition]):
            if record.key != side.token.encode() or record.value is None:
                continue
            try:
                if topic == names.of(TOKENS):
                    word = SealedToken.from_bytes(record.value)
                    row = TokenRow(sealed=word.sealed, at_ms=word.at_ms)
                else:
                    row = TokenRow.from_bytes(record.value)
            except InvalidMessage as error:
                skip_unreadable(topic, record.partition, record.offset, error)
                continue
            newest = max(newest, row, key=lambda one: one.at_ms)
    if not newest.sealed:
        raise TokenUnavailable(side.token, "nobody has given access yet: lofty-ghl connect lofty")
    try:
        pair = grants.open(side.token, newest.sealed)
    except SealError as error:
        raise TokenUnavailable(side.token, str(error)) from None
    if pair.expires_at_ms <= now_ms:
        raise TokenUnavailable(side.token, "it has ended, and the worker renews it when it runs: start one, try again")
    return pair.access
