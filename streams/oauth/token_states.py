"""Follows what is known of the stored tokens, without keeping one: whether there is one, what it may do, and until when.

Each sealed pair is opened where its record is read, and forgotten: a process that only shows the state holds no token.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from connectors.errors import BrokenTokens, SealError
from streams.core.rows import TokenRow
from streams.kafka.followed_topic import FollowedTopic
from streams.kafka.topic_reader import KafkaRecord
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import TOKENS, TOKENS_TABLE
from streams.oauth.grants import Grants
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class TokenState:
    """One token, without it. `is_there` is false after it was taken away, `is_open` where our keys do not open it.

    `at_ms` is when it was granted or renewed, `written_ms` when its record was written.
    """

    at_ms: int
    written_ms: int
    is_there: bool
    is_open: bool = False
    scopes: tuple[str, ...] = ()
    expires_at_ms: int = 0

    @property
    def age(self) -> tuple[int, int]:
        """Of pairs that were granted at the same time, the record that was written last holds the newest seal."""
        return self.at_ms, self.written_ms


Known = dict[str, TokenState]


class TokenStates:
    """`start` it, then `newest` says what is known of a token: by what was granted, or what its worker stored since."""

    def __init__(self, settings: Settings) -> None:
        grants = Grants.of(settings) if settings.oauth_secrets.token_keys is not None else None
        self._followed: tuple[FollowedTopic[Known], ...] = ()
        if grants is not None:
            granted = partial(_take, grants, SealedToken)
            stored = partial(_take, grants, TokenRow)
            self._followed = (
                FollowedTopic(settings, TOKENS, Known, granted),
                FollowedTopic(settings, TOKENS_TABLE, Known, stored, is_table=True),
            )

    @property
    def unread(self) -> dict[str, int]:
        """Since when the tokens cannot be read, by the topic's name; empty while they can."""
        since = [ms for one in self._followed for ms in one.unread.values()]
        return {TOKENS: min(since)} if since else {}

    @property
    def problem(self) -> str:
        """Why they cannot be read."""
        return next((one.problem for one in self._followed if not one.has_read.is_set()), "")

    async def start(self) -> None:
        """Follow the topics, in the background. Without keys no token can be kept, and nothing is followed."""
        for one in self._followed:
            one.start()

    async def stop(self) -> None:
        """Stop following."""
        for one in self._followed:
            await one.stop()

    async def until_read(self, seconds: float) -> bool:
        """Wait until the tokens were read once, but no longer than so many seconds; whether they were."""
        return all(await asyncio.gather(*(one.until_read(seconds) for one in self._followed)))

    async def until_granted(self, partition: int, offset: int) -> None:
        """Wait until what was granted at an offset is known here, so that the next page shows it; not for long."""
        await self._followed[0].until_shown(partition, offset)

    def newest(self, token: str) -> TokenState | None:
        """What is known of a token; None where there is none."""
        found = [one.known[token] for one in self._followed if token in one.known]
        newest = max(found, key=lambda state: state.age, default=None)
        return newest if newest is not None and newest.is_there else None


def _take(grants: Grants, kind: type[SealedToken | TokenRow], known: Known, record: KafkaRecord) -> None:
    token = (record.key or b"").decode(errors="replace")
    if record.value is None:
        known.pop(token, None)
        return
    try:
        stored = kind.from_bytes(record.value)
    except InvalidMessage as error:
        skip_unreadable(record.topic, record.partition, record.offset, error)
        return
    state = _state_of(grants, token, stored, record.timestamp)
    if token not in known or state.age >= known[token].age:
        known[token] = state


def _state_of(grants: Grants, token: str, stored: SealedToken | TokenRow, written_ms: int) -> TokenState:
    if not stored.sealed:
        return TokenState(stored.at_ms, written_ms, is_there=False)
    try:
        pair = grants.open(token, stored.sealed)
    except (SealError, BrokenTokens):
        return TokenState(stored.at_ms, written_ms, is_there=True)
    return TokenState(stored.at_ms, written_ms, True, True, tuple(pair.scopes), pair.expires_at_ms)
