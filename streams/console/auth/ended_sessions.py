"""Sessions that somebody ended by signing out, at any gateway: a sign-out is a record of the audit, which each gateway follows.

A session is a signed cookie, so without this a gateway would accept a copy of it until it expires.
The topic `audit` is read from one session's length ago, so a gateway that starts knows every sign-out that still matters.
Until it has read them, a session that is older than the gateway counts as ended: a restart does not revive a copied cookie.
While Kafka cannot be read, a gateway knows its own sign-outs, but not those at other gateways.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress

from streams.console.auth.audit_actions import Action
from streams.console.auth.sessions import Session
from streams.console.background import TopicFollower
from streams.messages import InvalidMessage
from streams.messages.audit_entry import Act
from streams.messages.topics import AUDIT
from streams.settings import Settings

SIGN_OUT: Action = "sign out"
SESSION = "session"

START_SECONDS = 5.0
"""How long the start of a gateway waits until the sign-outs are read. Later it starts all the same, and older sessions wait."""


def ended_id(session: Session) -> str:
    """The id of a session in the audit: a hash, because the CSRF token is made from the session's own id."""
    return hashlib.sha256(session.id.encode()).hexdigest()[:32]


class EndedSessions(TopicFollower):
    """`holds` a session that was ended."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        super().__init__(settings, AUDIT)
        self._now_ms = now_ms
        self._length_ms = int(settings.console.session_hours * 3_600_000)
        self._ended: dict[str, int] = {}
        self._began_ms = 0

    def holds(self, session: Session) -> bool:
        """Whether it was ended, or may have been before this gateway started to read."""
        is_unknown = session.began_ms < self._began_ms and not self.has_read.is_set()
        return is_unknown or ended_id(session) in self._ended

    def end(self, session: Session) -> None:
        """End it here; the record in the audit ends it at the other gateways."""
        self._remember(ended_id(session), self._now_ms())

    async def start(self) -> None:
        """Follow the audit. Returns when it was read to its end, or after `START_SECONDS`."""
        self._began_ms = self._now_ms()
        await super().start()
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.has_read.wait()

    def _since_ms(self) -> int:
        return self._now_ms() - self._length_ms

    def _take(self, values: Sequence[bytes | None]) -> None:
        for value in values:
            with suppress(InvalidMessage):
                act = Act.from_bytes(value)
                if act.action == SIGN_OUT and act.about.get(SESSION):
                    self._remember(act.about[SESSION], act.at_ms)

    def _remember(self, ended: str, at_ms: int) -> None:
        self._ended[ended] = at_ms
        if len(self._ended) % 1000 == 0:
            oldest = self._now_ms() - self._length_ms
            self._ended = {session: at for session, at in self._ended.items() if at >= oldest}
