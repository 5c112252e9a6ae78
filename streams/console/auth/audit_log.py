"""Writes the audit: who does what, before it happens, and then what came of it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from streams.console.auth.audit_actions import Action
from streams.console.errors import ConsoleError, Unavailable
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages.audit_entry import Act, ActOutcome
from streams.messages.partitioning import partition_of
from streams.messages.topics import AUDIT, TopicNames
from streams.settings import Kafka

log = logging.getLogger("lofty_ghl.console")

KAFKA_SECONDS = 10.0

ProducerSource = Callable[[], BatchingProducer]
"""Gives the gateway's producer, which exists once the gateway has started."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which role, signed in how, from where."""

    name: str
    role: str = ""
    via: str = ""
    address: str = ""


@dataclass(slots=True)
class Result:
    """What came of an act, in words, for its last line."""

    detail: str = ""


class AuditWriter:
    """Appends to the topic `audit`. An act that cannot be written there does not happen."""

    def __init__(
        self,
        kafka: Kafka,
        batching_producer: ProducerSource,
        now_ms: Callable[[], int],
    ) -> None:
        self._topic = TopicNames(kafka.topic_prefix).of(AUDIT)
        self._partitions = kafka.partitions
        self._batching_producer = batching_producer
        self._now_ms = now_ms

    @asynccontextmanager
    async def acting(self, by: Actor, action: Action, about: Mapping[str, str]) -> AsyncIterator[Result]:
        """Around an act. Raises `Unavailable`, before anything happens, when Kafka does not take the line."""
        act_id, result = secrets.token_hex(8), Result()
        await self._append(self._act(act_id, by, action, about, "begun", ""))
        try:
            yield result
        except asyncio.CancelledError:
            raise  # interrupted: nobody knows, and the line says begun
        except ConsoleError as error:
            await self._finish(self._act(act_id, by, action, about, "failed", error.words))
            raise
        except Exception as error:
            await self._finish(self._act(act_id, by, action, about, "failed", type(error).__name__))
            raise
        await self._finish(self._act(act_id, by, action, about, "done", result.detail))

    async def note(
        self, by: Actor, action: Action, about: Mapping[str, str], outcome: ActOutcome, detail: str = ""
    ) -> None:
        """One line of something that has happened, such as a sign-in; Kafka's absence does not undo it, the log has it then."""
        await self._finish(self._act(secrets.token_hex(8), by, action, about, outcome, detail))

    def _act(
        self, act_id: str, by: Actor, action: Action, about: Mapping[str, str], outcome: ActOutcome, detail: str
    ) -> Act:
        return Act(
            id=act_id,
            at_ms=self._now_ms(),
            who=by.name,
            role=by.role,
            via=by.via,
            address=by.address,
            action=action,
            about={key: value[:500] for key, value in about.items()},
            outcome=outcome,
            detail=detail[:2000],
        )

    async def _append(self, act: Act) -> None:
        partition = partition_of(act.id, self._partitions)
        try:
            async with asyncio.timeout(KAFKA_SECONDS):
                await self._batching_producer().produce(
                    [Record(self._topic, partition, act.id.encode(), act.to_bytes())]
                )
        except Exception as error:
            log.error(
                "an act of %s (%s) was not begun, as Kafka does not take the audit: %r", act.who, act.action, error
            )
            raise Unavailable(
                "The audit log cannot be written now, so nothing was done. Try again in a while."
            ) from error

    async def _finish(self, act: Act) -> None:
        try:
            await self._append(act)
        except Unavailable:
            log.error("the end of an act is not in the audit: %s %s by %s", act.action, act.outcome, act.who)
