"""Setting who is sent which messages: for all by an admin, for some connections by whoever may act on them.

What is set counts within seconds at every gateway, as each follows the topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import current_scope, no_such_connection
from streams.console.errors import Conflict, Fault, NotAllowed, NotFound, WrongInput
from streams.console.services.kafka_errors import on_kafka, seconds_left, unreachable
from streams.console.services.recipient_state import SavedRecipient, saved_recipient
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.followed_topic import FollowedTopic
from streams.messages.recipient_edit import RecipientEdit
from streams.operations.connection_edits.errors import NoKeys
from streams.operations.notifications.recipient_editor import RecipientEditor
from streams.operations.notifications.recipient_rules import (
    InvalidRecipient,
    NoSuchRecipient,
    RecipientFacts,
    StaleRecipient,
)
from streams.operations.notifications.sent_log import SentRecords
from streams.settings import Settings

WRITE_SECONDS = 10.0


class Recipients:
    """Edits the recipients that `followed` knows."""

    def __init__(
        self,
        current: Callable[[], Settings],
        followed: FollowedTopic[SentRecords],
        batching_producer: Callable[[], BatchingProducer],
        audit: AuditWriter,
        now_ms: Callable[[], int],
    ) -> None:
        self._current = current
        self._followed = followed
        self._batching_producer = batching_producer
        self._audit = audit
        self._editor = RecipientEditor(current(), lambda: followed.known.recipients, self._write, now_ms)

    @property
    def all(self) -> tuple[RecipientEdit, ...]:
        """Those of the console, as far as they were read."""
        return self._followed.known.recipients.all()

    def webhook(self, recipient: str) -> SecretStr | None:
        """The address of a recipient's webhook. Raises `Undelivered` where it cannot be opened."""
        return self._editor.webhook(recipient)

    async def tidy(self) -> None:
        """Delete what no longer counts, should who edited have been killed before."""
        if self._followed.known.recipients.superseded():
            await self._editor.tidy()

    async def find(self, recipient: str) -> RecipientEdit:
        """One that can be changed here. Raises `NotFound`, also for one that is somebody else's."""
        await self._check_read()
        async with _refusals():
            found = self._editor.current(recipient)
            if not is_recipient_visible(found.connections):
                raise NoSuchRecipient(f"There is no recipient {recipient[:63]!r} that can be changed here.")
            return found

    async def add(self, by: Actor, facts: RecipientFacts, connections: Sequence[str] | None) -> SavedRecipient:
        """Add a recipient that hears of some connections, None for all."""
        await self._check_read()
        facts = replace(facts, connections=self._checked(by, connections, ()))
        async with self._audit.acting(by, "recipient add", _about(facts)) as result, _refusals():
            found = await on_kafka(lambda: self._editor.add(facts, by.name))
            result.detail = found.name
        return saved_recipient(found)

    async def change(
        self, by: Actor, recipient: str, facts: RecipientFacts, connections: Sequence[str] | None, expected_version: int
    ) -> SavedRecipient:
        """Change a recipient. Without a `webhook_url` the one that is stored stays."""
        before = await self._to_edit(by, recipient)
        facts = replace(facts, connections=self._checked(by, connections, before.connections))
        async with self._acting(by, "recipient change", before, _about(facts)):
            edit = await on_kafka(lambda: self._editor.change(recipient, facts, expected_version, by.name))
        return saved_recipient(edit)

    async def remove(self, by: Actor, recipient: str, expected_version: int) -> SavedRecipient:
        """Take a recipient away, with its webhook and with what it was sent. Returns what it was."""
        before = await self._to_edit(by, recipient)
        async with self._acting(by, "recipient remove", before, {}):
            await on_kafka(lambda: self._editor.remove(recipient, expected_version, by.name))
        return saved_recipient(before)

    # -- the parts ----------------------------------------------------------------------------------------

    async def _to_edit(self, by: Actor, recipient: str) -> RecipientEdit:
        found = await self.find(recipient)
        _check_admin(by, found.connections)
        return found

    @asynccontextmanager
    async def _acting(
        self, by: Actor, action: Action, before: RecipientEdit, about: dict[str, str]
    ) -> AsyncIterator[None]:
        # What it hears of is named once: a second list could name connections that are not of whom sees the act.
        about = {"recipient": before.name, "label": before.label, **(about or _listed(before.connections))}
        async with self._audit.acting(by, action, about), _refusals():
            yield

    def _checked(self, by: Actor, connections: Sequence[str] | None, before: Sequence[str]) -> tuple[str, ...]:
        """The ids of connections. One that a recipient had may stay, though it is not in use now."""
        if connections is None:
            _check_admin(by, ())
            return ()
        if not connections:
            raise WrongInput("Choose at least one connection.")
        settings, found = self._current(), list[str]()
        for name in connections:
            known = settings.connection(name)
            chosen = known.name if known is not None else name if name in before else ""
            if not chosen or not current_scope().includes(chosen):
                raise no_such_connection(name)
            found.append(chosen)
        return tuple(sorted(set(found)))

    async def _check_read(self) -> None:
        if not await self._followed.until_read(seconds_left(WRITE_SECONDS)):
            raise unreachable(self._followed.problem)

    async def _write(self, records: list[Record]) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            offsets = await self._batching_producer().produce(records, within=WRITE_SECONDS)
            for record, offset in zip(records, offsets, strict=True):
                await self._followed.until_taken(record.partition, offset)


def is_recipient_visible(connections: Sequence[str]) -> bool:
    """Whether whoever asks may see a recipient of these connections: one of all only who sees all."""
    scope = current_scope()
    return not scope.is_limited or (bool(connections) and all(scope.includes(one) for one in connections))


def _check_admin(by: Actor, connections: Sequence[str]) -> None:
    if not connections and by.role != "admin":
        raise NotAllowed("Only an admin sets who is sent messages about everything. Choose some connections.")


def _about(facts: RecipientFacts) -> dict[str, str]:
    """What the audit says of an edit: never the address of a webhook."""
    about = {"label": facts.label, "emails": ", ".join(facts.emails), **_listed(facts.connections)}
    if facts.webhook_url is not None:
        about["webhook"] = "set"
    return {name: value for name, value in about.items() if value}


def _listed(connections: Sequence[str]) -> dict[str, str]:
    # One alone is under the name by which the audit shows people the acts on their connections.
    return {"connection" if len(connections) == 1 else "connections": ", ".join(connections) or "all"}


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """The editor's errors as the console's."""
    try:
        yield
    except InvalidRecipient as error:
        faults = [Fault(one.where, one.expected, one.got, one.hint) for one in error.problems]
        raise WrongInput("The recipient is not right.", faults) from error
    except NoKeys as error:
        raise WrongInput(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    except StaleRecipient as error:
        raise Conflict(str(error)) from error
    except NoSuchRecipient as error:
        raise NotFound(str(error)) from error
