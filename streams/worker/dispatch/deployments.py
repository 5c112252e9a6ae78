"""Marks each location as written to by this deployment, and finds the marks of others (`core/to_ghl/deployment_mark.py`).

One read and one write an hour for each connection, as work of the location's budget; both at once where a worker begins.
Nothing stops when another deployment is found: the mark may be our own past, restored under another prefix, and a stop would hold
up opt-outs. Contacts are not doubled by two deployments, since each finds the other's by the Lofty id, but new notes and tasks
are. So it is reported until one of the two has stopped.

Where the token has no scope for custom values, nothing is found, and nothing else suffers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.errors import ConnectorError, NotSent
from connectors.ghl.wire import GhlCustomValue
from connectors.outcome import Disposition, classify
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.pauses import shuts_out
from streams.core.to_ghl.deployment_mark import is_alive, is_over, mark_name, mark_value, read_mark
from streams.messages.worker_status import OtherDeployment
from streams.worker.dispatch.due_timers import DueTimers
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult

log = logging.getLogger("lofty_ghl.deployments")

TENANT = "@deployments"
CHECK_SECONDS = 3600.0
"""Between two checks, give or take a tenth."""
FAILED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Step:
    """One request that follows from a reading. `value_id` is None for a mark that is not there yet."""

    does: Literal["mark", "delete"]
    mark: OtherDeployment
    value_id: str | None = None


@dataclass(slots=True)
class Deployments:
    """`own` is what this deployment's marks say of it. `jitter` is from 0 to 1."""

    loop: DispatchLoop
    locations: Mapping[str, Location]
    own: OtherDeployment
    now_ms: Callable[[], int]
    jitter: Callable[[], float]
    _steps: dict[str, list[_Step]] = field(default_factory=dict)
    _others: dict[str, tuple[OtherDeployment, ...]] = field(default_factory=dict)
    _unmarked: dict[str, str] = field(default_factory=dict)
    _taking_over: set[str] = field(default_factory=set)
    _due: DueTimers = field(default_factory=DueTimers)

    def acquire(self, connection: str) -> None:
        """This worker owns the connection's GHL budget now."""
        if connection in self.locations:
            self._due.acquire(connection)
            self._steps.pop(connection, None)
            self._offer(connection)

    def release(self, connection: str) -> None:
        """Another worker owns the connection's GHL budget from now on."""
        self._due.release(connection)
        for found in (self._steps, self._others, self._unmarked):
            found.pop(connection, None)

    def others(self, connection: str) -> tuple[OtherDeployment, ...]:
        """The other deployments that write to the connection's location now."""
        return tuple(one for one in self._others.get(connection, ()) if is_alive(one, self.now_ms()))

    def unmarked(self, connection: str) -> str:
        """Why the location cannot be marked, in GHL's words; empty if it can."""
        return self._unmarked.get(connection, "")

    def take_over(self, connection: str) -> tuple[str, ...]:
        """A person says that the others have stopped: delete their marks. One that still writes marks the location again.

        Returns the ids of those that are known; a mark that was written since is deleted, too.
        """
        known = tuple(sorted({one.deployment for one in self.others(connection)}))
        self._taking_over.add(connection)
        self._steps.pop(connection, None)
        self._offer(connection)
        return known

    def handles(self, item: Item) -> bool:
        """Whether an item is such a check."""
        return item.tenant == TENANT

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: the check goes on later."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Do one request: read the marks, or what follows from them."""
        connection = item.key.removeprefix(f"{TENANT}:")
        location, steps = self.locations[connection], self._steps.get(connection)
        try:
            if steps is None:
                values = await location.client.list_custom_values(location.location_id)
                steps = self._steps[connection] = self._found(connection, values)
            elif steps:
                await self._do(location, steps[0])
                steps.pop(0)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            return self._failed(connection, location, error)
        slot.answered()
        if steps:
            return AGAIN
        self._unmarked.pop(connection, None)
        self._later(connection)
        return DONE

    def _found(self, connection: str, values: tuple[GhlCustomValue, ...]) -> list[_Step]:
        """Note who else is there; returns what is to be done."""
        now_ms, takes_over = self.now_ms(), connection in self._taking_over
        self._taking_over.discard(connection)
        marks = [(one.id, mark) for one in values if (mark := read_mark(one.name, one.value or "")) is not None]
        own = self.own.model_copy(update={"connection": connection, "since_ms": now_ms, "seen_ms": now_ms})
        value_id = next((one.id for one in values if one.name == mark_name(own)), None)
        for known_id, mark in marks:
            if known_id == value_id:
                own = own.model_copy(update={"since_ms": mark.since_ms})
        others = [(one_id, one) for one_id, one in marks if one.deployment != own.deployment]
        ending = [_Step("delete", one, one_id) for one_id, one in others if takes_over or is_over(one, now_ms)]
        self._note(connection, () if takes_over else tuple(one for _, one in others if is_alive(one, now_ms)))
        return [_Step("mark", own, value_id), *ending]

    def _note(self, connection: str, others: tuple[OtherDeployment, ...]) -> None:
        known = {one.deployment for one in self._others.get(connection, ())}
        for one in others:
            if one.deployment not in known:
                words = "connection %s: another deployment writes to its GHL location: %s (topic prefix %r, host %s)"
                log.error(words, connection, one.deployment, one.topic_prefix, one.host)
        self._others[connection] = others

    async def _do(self, location: Location, step: _Step) -> None:
        client, at, mark = location.client, location.location_id, step.mark
        if step.does == "delete" and step.value_id is not None:
            await client.delete_custom_value(at, step.value_id)
        elif step.value_id is None:
            await client.create_custom_value(at, mark_name(mark), mark_value(mark))
        else:
            await client.update_custom_value(at, step.value_id, mark_name(mark), mark_value(mark))

    def _failed(self, connection: str, location: Location, error: ConnectorError) -> WorkResult:
        """A create without an answer is looked for by the next reading. What GHL refuses is left until the next check."""
        outcome = classify(error)
        if shuts_out(outcome) or outcome.disposition is Disposition.THROTTLED:
            self.loop.failures.is_paused(location.budget, error, location.window_seconds)
            return AGAIN
        self._steps.pop(connection, None)
        if outcome.disposition is Disposition.RETRY:
            return WorkResult.retry(FAILED_SECONDS)
        if connection not in self._unmarked:
            log.warning("connection %s: another deployment on its GHL location is not noticed: %s", connection, error)
        self._unmarked[connection] = str(error)
        self._later(connection)
        return DONE

    def _later(self, connection: str) -> None:
        self._steps.pop(connection, None)
        if self._due.begins(connection):
            self._due.later(connection, CHECK_SECONDS * (0.9 + 0.2 * self.jitter()), self._offer)

    def _offer(self, connection: str) -> None:
        if self._due.begins(connection):
            key = f"{TENANT}:{connection}"
            self.loop.offer_item(Item(key, key, self.locations[connection].budget, TENANT, Priority.LIVE))
