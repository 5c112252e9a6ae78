"""Judges GHL's events, each in its contact's lane: there nothing of ours is under way, and the link is what we last wrote.

Most events need no request. One that names no contact is looked for; what seems to be edited is read first.
An event of a contact that no link knows waits a while, because its link may be on its way; after that we ignore it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import ConnectorError, NotSent, VendorError
from connectors.outcome import Disposition, classify
from streams.core.progress.repeats import Failure, failure_of
from streams.core.scheduling.dispatcher import Item
from streams.core.to_lofty import EventContext, EventResponse, NeedsRead, respond
from streams.core.to_lofty.rows import EventRow
from streams.kafka.batching_producer import RecordTooLarge
from streams.messages.ghl_event import GhlEvent
from streams.telemetry.tracing import take_in_hand
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.ghl_event_contexts import GhlEventContexts
from streams.worker.dispatch.ghl_event_effects import GhlEventEffects
from streams.worker.dispatch.ghl_event_queue import EVENT_PREFIX, GhlEventQueue
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, RequestSlot, WorkResult

LINK_WAITS = (5.0, 30.0, 120.0)
"""Seconds to wait for the link of a contact that is not known, then again: its create may be under way."""

MOST_SEARCHES = 6
"""How often the contact of a task is searched for: GHL's search lags by some seconds."""

PAGE = 100


@dataclass(frozen=True, slots=True)
class GhlEventProcessor:
    """The handler of events in the writing dispatcher. `reads_stages_again` asks for a location's pipelines, unless they were just read."""

    queue: GhlEventQueue
    contexts: GhlEventContexts
    effects: GhlEventEffects
    failures: FailureJudge
    reads_stages_again: Callable[[str, float], bool]

    def handles(self, item: Item) -> bool:
        """Whether an item is an event of GHL."""
        return item.key.startswith(EVENT_PREFIX)

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Judge one event, with at most one request."""
        key = item.key.removeprefix(EVENT_PREFIX)
        location = self.contexts.locations[item.tenant]
        row = self.queue.events.get(location.partition, key)
        if row is None:
            return DONE
        event = row.event
        take_in_hand(trace=event.trace, failures=row.attempts)
        try:
            if event.contact is None:
                return await self._find_contact(key, row, location, slot)
            entity = self.contexts.entity_of(event, location)
            if entity is None:
                return await self._wait_for_link(key, row, location)
            if item.lane != entity.lane:
                self.queue.offer(key, row)
                return DONE
            location = self.contexts.locations[entity.connection]
            context = self.contexts.context_of(event, entity, location, row.contact)
            if self.contexts.is_create_in_doubt(context, location):
                return await self.queue.retry_later(
                    key, row, location, "it may be of something of ours, whose create is in doubt"
                )
            judged = await self._judge(context, key, row, location, slot)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            return await self._failed(key, row, location, error)
        except RecordTooLarge as error:
            return await self.queue.park(key, row, location, "too large", str(error))
        if isinstance(judged, WorkResult):
            return judged
        context, response = judged
        slot.answered(was_sent=False)
        try:
            await self.effects.carry_out(context, response, location)
        except RecordTooLarge as error:
            return await self.queue.park(key, row, location, "too large", str(error))
        if response.takes:
            return AGAIN  # it is the lead's now: where it is is read, and carried
        return await self.queue.end(key, event, location, response.because)

    async def _judge(
        self, context: EventContext, key: str, row: EventRow, location: Location, slot: RequestSlot
    ) -> tuple[EventContext, EventResponse] | WorkResult:
        """What follows from an event, after at most one read of what it is about; or when it is judged again."""
        event, back = context.event, self.contexts.backs[context.connection]
        response = respond(context, back)
        if isinstance(response, EventResponse):
            return context, response
        if (seconds := self._unseen_seconds(response, event, location)) > 0:
            return await self.queue.retry_later(key, row, location, "the search may not show it yet", seconds)
        context = await self.contexts.read(context, response, location, event.contact or "")
        slot.answered()
        self.failures.served(location.budget, event.type, key)
        response = respond(context, back)
        if isinstance(response, NeedsRead) and response.at == "stages":
            if self.reads_stages_again(context.connection, self._age_seconds(event)):
                return AGAIN  # they were read before the event came
            response = respond(replace(context, knows_stages=True), back)
        if isinstance(response, EventResponse):
            return context, response
        if response.at == "opportunities":
            return await self._not_found(key, row, location)
        await self.queue.keep_contact(
            key, row, location, context
        )  # one request a turn: the contact was seen in this one
        return AGAIN

    async def _find_contact(self, key: str, row: EventRow, location: Location, slot: RequestSlot) -> WorkResult:
        """GHL's events of tasks may lack their contact and text: the location's tasks are searched for a new one."""
        event = row.event
        if (known := self.contexts.contact_of(event, location)) is not None:
            slot.answered(was_sent=False)
            return await self._found(key, row, event.model_copy(update={"contact": known}), location)
        if not event.type.startswith("Task") or row.attempts >= MOST_SEARCHES:
            slot.answered(was_sent=False)
            if event.type == "TaskDelete":
                return await self.queue.end(key, event, location, "not linked")  # what is gone cannot be looked for
            return await self.queue.park(
                key, row, location, "no contact", "GHL names no contact, and its search finds none"
            )
        title = event.body.get("title")
        search: dict[str, Any] = {"limit": PAGE, "skip": 0}
        if isinstance(title, str) and title.strip():
            search["query"] = title.strip()[:75]
        tasks = await location.client.search_tasks(location.location_id, search)
        slot.answered()
        self.failures.served(location.budget, event.type, key)
        task = next((one for one in tasks if one.id == event.id and one.contact_id), None)
        if task is None:
            return await self.queue.retry_later(key, row, location, "GHL's search does not show the task yet")
        fields = {name: value for name, value in task.model_dump(by_alias=True).items() if value is not None}
        known_event = event.model_copy(update={"contact": task.contact_id, "body": {**fields, **event.body}})
        return await self._found(key, row, known_event, location)

    async def _found(self, key: str, row: EventRow, event: GhlEvent, location: Location) -> WorkResult:
        found = row.model_copy(update={"event": event, "attempts": 0, "not_before_ms": 0})
        await self.queue.put(key, found, location)  # its contact is known now: it is judged in that one's turn
        return AGAIN

    async def _wait_for_link(self, key: str, row: EventRow, location: Location) -> WorkResult:
        if row.attempts >= len(LINK_WAITS):
            return await self.queue.end(key, row.event, location, "not linked")
        return await self.queue.retry_later(
            key, row, location, "no link knows this contact yet", LINK_WAITS[row.attempts]
        )

    async def _not_found(self, key: str, row: EventRow, location: Location) -> WorkResult:
        """GHL's search does not show the opportunity that an event is about: it lags, or the opportunity is gone."""
        if row.attempts >= MOST_SEARCHES:
            return await self.queue.end(key, row.event, location, "overtaken")
        return await self.queue.retry_later(key, row, location, "GHL's search does not show the opportunity yet")

    def _unseen_seconds(self, needed: NeedsRead, event: GhlEvent, location: Location) -> float:
        """How long a search may not show all of the contact's opportunities yet: of several, none is taken for the only one."""
        lag_seconds = location.rules.search_lag_ms / 1000
        return lag_seconds - self._age_seconds(event) if needed.at == "opportunities" else 0.0

    def _age_seconds(self, event: GhlEvent) -> float:
        return max(0.0, (self.contexts.now_ms() - event.accepted_ms) / 1000)

    # -- what goes wrong ----------------------------------------------------------------------------------

    async def _failed(self, key: str, row: EventRow, location: Location, error: ConnectorError) -> WorkResult:
        outcome = classify(error)
        answer = error if isinstance(error, VendorError) else None
        match self.failures.failed(location.budget, row.event.type, key, error, location.window_seconds):
            case "try again":
                return await self.queue.retry_later(key, row, location, str(error))
            case "park":
                return await self.queue.park(key, row, location, outcome.name, str(error), answer)
            case "paused":
                return AGAIN
        match outcome.disposition:
            case Disposition.GONE:
                return await self.queue.end(key, row.event, location, "contact gone")
            case Disposition.REFUSED | Disposition.ADOPT:
                return await self.queue.park(key, row, location, outcome.name, str(error), answer)
            case _:
                return await self.queue.retry_later(key, row, location, str(error), failure=failure_of(error))

    async def give_up(self, item: Item, failure: Failure) -> WorkResult:
        """Park an event that fails in the same way again and again."""
        key, location = item.key.removeprefix(EVENT_PREFIX), self.contexts.locations[item.tenant]
        row = self.queue.events.get(location.partition, key)
        return DONE if row is None else await self.queue.park(key, row, location, failure.cause, failure.message)
