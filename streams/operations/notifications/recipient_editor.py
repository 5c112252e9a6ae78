"""Sets who is sent what, as people do it in the console: each edit is one record of the topic `notifications`.

The address of a webhook is sealed before it leaves this process, and is never given back. What no longer counts is deleted: by who
edits, and by the gateway that sends, should that one be killed in between.
"""

from __future__ import annotations

import os
import re
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import SecretStr

from connectors.auth.keyring import NONCE_BYTES
from connectors.errors import BrokenKeys, SealError
from streams.core.notifications.recipient_log import RecipientLog
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import each_record
from streams.messages.partitioning import partition_of
from streams.messages.recipient_edit import RecipientEdit, about_webhook, recipient_key
from streams.messages.topics import NOTIFICATIONS, TopicNames
from streams.operations.connection_edits.errors import NoKeys
from streams.operations.notifications.delivery import Undelivered
from streams.operations.notifications.recipient_rules import (
    InvalidRecipient,
    NoSuchRecipient,
    RecipientFacts,
    StaleRecipient,
    checked_host,
    label_problems,
    rule_problems,
    way_problems,
)
from streams.operations.notifications.sent_log import STATE, TEST, SentRecords, take_record
from streams.settings import Settings
from streams.settings.problems import Problem

MOST = 500
"""Recipients of the console: each is looked at every second."""
ATTEMPTS = 5
"""How often the removal of a connection tries again when others edit the same recipient."""


class RecipientEditor:
    """`log` gives the recipients as they are known. `write` returns once its records are in there.

    `by` is who edits; `expected_version` is the version of the recipient that they saw.
    """

    def __init__(
        self,
        settings: Settings,
        log: Callable[[], RecipientLog],
        write: Callable[[list[Record]], Awaitable[None]],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._settings = settings
        self._log = log
        self._write = write
        self._now_ms = now_ms
        self._topic = TopicNames(settings.kafka.topic_prefix).of(NOTIFICATIONS)

    def current(self, name: str) -> RecipientEdit:
        """A recipient. Raises `NoSuchRecipient`."""
        found = self._log().get(name)
        if found is None:
            raise NoSuchRecipient(f"There is no recipient {name[:63]!r} that can be changed here.")
        return found

    async def add(self, facts: RecipientFacts, by: str) -> RecipientEdit:
        """A new recipient. Raises `InvalidRecipient` and `NoKeys`."""
        if len(self._log().all()) >= MOST:
            raise InvalidRecipient([Problem(None, "recipients", f"at most {MOST} recipients", "one more")])
        name = f"{_slug(facts.label)}-{secrets.token_hex(4)}"
        return await self._save(self._edit(name, 0, facts, by, None))

    async def change(self, name: str, facts: RecipientFacts, expected_version: int, by: str) -> RecipientEdit:
        """Another version of a recipient. Raises `InvalidRecipient`, `NoSuchRecipient`, `StaleRecipient` and `NoKeys`."""
        before = self.current(name)
        return await self._save(self._edit(name, expected_version, facts, by, before))

    async def remove(self, name: str, expected_version: int, by: str) -> RecipientEdit:
        """Take a recipient away, with what it was sent and with its webhook."""
        self.current(name)
        gone = RecipientEdit(
            id=uuid.uuid4().hex,
            name=name,
            based_on=expected_version,
            is_removed=True,
            at_ms=self._now_ms(),
            by=by[:200],
        )
        saved = await self._save(gone)
        await self._write([self._record(name, key + name.encode(), None) for key in (STATE, TEST)])
        return saved

    async def forget_connection(self, connection: str, by: str) -> None:
        """Nobody hears of a connection that is removed: its own recipients go with it. Repeating it does no harm."""
        for attempt in range(ATTEMPTS):
            try:
                for one in (found for found in self._log().all() if connection in found.connections):
                    others = tuple(other for other in one.connections if other != connection)
                    if not others:
                        await self.remove(one.name, one.number, by)
                        continue
                    head = {"id": uuid.uuid4().hex, "based_on": one.number, "at_ms": self._now_ms(), "by": by[:200]}
                    await self._save(one.model_copy(update={**head, "connections": others}))
            except (NoSuchRecipient, StaleRecipient):
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                break
        await self.tidy()

    async def tidy(self) -> None:
        """Delete the edits that count no longer, and the sealed webhooks in them."""
        found = self._log().superseded()
        if found:
            await self._write([self._record(name, recipient_key(name, edit).encode(), None) for name, edit in found])

    def webhook(self, name: str) -> SecretStr | None:
        """The address of a recipient's webhook; None for one that has none. Raises `Undelivered` where it cannot be opened."""
        found = self._log().get(name)
        if found is None or not found.webhook_sealed:
            return None
        try:
            ring = self._settings.key_ring
            return SecretStr(ring.open(found.webhook_sealed, about=about_webhook(name)).decode())
        except (BrokenKeys, SealError) as error:
            raise Undelivered(f"the address of its webhook cannot be opened: {error}") from None

    # -- the parts ----------------------------------------------------------------------------------------

    def _edit(
        self, name: str, based_on: int, facts: RecipientFacts, by: str, before: RecipientEdit | None
    ) -> RecipientEdit:
        """The edit, checked by the rules of the configuration file and by those for addresses that people give."""
        problems = label_problems(facts.label)
        sealed, host = (before.webhook_sealed, before.webhook_host) if before is not None else ("", "")
        if facts.webhook_url is not None:
            host = checked_host(
                facts.webhook_url, problems, is_private_fine=self._settings.notifications.private_webhooks
            )
            sealed = "" if problems else self._sealed(name, facts.webhook_url)
        elif facts.emails:
            sealed, host = "", ""
        edit = RecipientEdit(
            id=uuid.uuid4().hex,
            name=name,
            based_on=based_on,
            label=facts.label,
            emails=facts.emails,
            webhook_sealed=sealed,
            webhook_host=host,
            connections=tuple(sorted(set(facts.connections))),
            reports=facts.reports,
            time_zone=facts.time_zone,
            daily_summary=facts.daily_summary,
            quiet_begin=facts.quiet_begin,
            quiet_end=facts.quiet_end,
            quiet_but_worst=facts.quiet_but_worst,
            at_ms=self._now_ms(),
            by=by[:200],
        )
        has_mail_server = self._settings.notifications.smtp is not None
        problems = problems or way_problems(edit, has_mail_server=has_mail_server) or rule_problems(edit)
        if problems:
            raise InvalidRecipient(problems)
        return edit

    def _sealed(self, name: str, url: SecretStr) -> str:
        if self._settings.oauth_secrets.token_keys is None:
            raise NoKeys
        plain, nonce = url.get_secret_value().encode(), os.urandom(NONCE_BYTES)
        return self._settings.key_ring.seal(plain, about=about_webhook(name), nonce=nonce)

    async def _save(self, edit: RecipientEdit) -> RecipientEdit:
        if edit.based_on == self._log().version(edit.name):
            await self._write([self._record(edit.name, recipient_key(edit.name, edit.id).encode(), edit.to_bytes())])
        counts = edit.id in self._log().counted
        await self.tidy()
        if not counts:
            newest = self._log().get(edit.name)
            who = newest.by if newest is not None else "Somebody"
            raise StaleRecipient(f"{who} changed it meanwhile. Look at it again, then save.")
        return edit

    def _record(self, name: str, key: bytes, value: bytes | None) -> Record:
        return Record(self._topic, partition_of(name, self._settings.kafka.partitions), key, value)


@asynccontextmanager
async def recipients_on_topic(settings: Settings) -> AsyncIterator[RecipientEditor]:
    """The editor for who does not follow the topic. Raises aiokafka's errors."""
    topic, found = TopicNames(settings.kafka.topic_prefix).of(NOTIFICATIONS), SentRecords()

    async def read() -> None:
        nonlocal found
        found = SentRecords()
        async for record in each_record(settings, topic):
            take_record(found, record)

    async def write(records: list[Record]) -> None:
        async with open_batching_producer(settings) as batching_producer:
            await batching_producer.produce(records)
        await read()

    await read()
    yield RecipientEditor(settings, lambda: found.recipients, write)


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40].strip("-") or "recipient"
