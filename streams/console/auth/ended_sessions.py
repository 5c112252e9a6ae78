"""Sessions that were ended before their time, at whichever gateway: a sign-out is a line of the audit, and each gateway follows it.

A session is a signed cookie, so a gateway that was not told would believe a copy of it until its end.
The topic `audit` is read from one session's length ago, so a gateway that starts knows of every sign-out that still matters.
Until it has read so far, a session that is older than itself counts as ended: a copied cookie gains nothing by a restart.
While Kafka cannot be read, the sign-outs at other gateways are not heard of; those at this one are known at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress

from aiokafka.errors import KafkaError

from streams.console.auth.sessions import Session
from streams.kafka.topic_reader import TopicReader
from streams.messages import InvalidMessage
from streams.messages.audit_entry import Act
from streams.messages.topics import AUDIT, TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

SIGN_OUT, SESSION = "sign out", "session"
AGAIN_SECONDS = 3.0

START_SECONDS = 5.0
"""How long a gateway that starts waits until it knows who has signed out; then it starts, and older sessions wait."""


def ended_id(session: Session) -> str:
    """What the audit calls a session: a hash, as its id is the seed of its CSRF token."""
    return hashlib.sha256(session.id.encode()).hexdigest()[:32]


class EndedSessions:
    """`start` and `stop`; `holds` a session that was ended."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._length_ms = int(settings.console.session_hours * 3_600_000)
        self._ended: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._began_ms = 0
        self._has_read = asyncio.Event()

    def holds(self, session: Session) -> bool:
        """Whether it was ended, or may have been before we began to read."""
        is_unknown = session.began_ms < self._began_ms and not self._has_read.is_set()
        return is_unknown or ended_id(session) in self._ended

    def end(self, session: Session) -> None:
        """It is ended here; the line in the audit tells the others."""
        self._note(ended_id(session), self._now_ms())

    def take(self, raw: bytes | None) -> None:
        """A record of the audit."""
        with suppress(InvalidMessage):
            act = Act.from_bytes(raw)
            if act.action == SIGN_OUT and act.about.get(SESSION):
                self._note(act.about[SESSION], act.at_ms)

    def _note(self, ended: str, at_ms: int) -> None:
        self._ended[ended] = at_ms
        if len(self._ended) % 1000 == 0:
            oldest = self._now_ms() - self._length_ms
            self._ended = {one: at for one, at in self._ended.items() if at >= oldest}

    async def start(self) -> None:
        """Begin to follow the audit. Returns when it was read to its end, or after `START_SECONDS`."""
        self._began_ms = self._now_ms()
        self._task = asyncio.create_task(self._keep_following(), name="ended sessions")
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._has_read.wait()

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_following(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                log.warning("the audit cannot be followed for ended sessions: %s", error or type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self) -> None:
        topic = TopicNames(self._settings.kafka.topic_prefix).of(AUDIT)
        since_ms = self._now_ms() - self._length_ms
        async with TopicReader(self._settings, topic, since_ms=since_ms, newest=0, fetch_max_wait_ms=100) as reader:
            while True:
                if not self._has_read.is_set() and await reader.has_reached(reader.ends):
                    self._has_read.set()
                for record in await reader.poll(1000):
                    self.take(record.value)
