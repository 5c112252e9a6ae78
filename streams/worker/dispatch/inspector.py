"""Answers verify: reads what GHL holds, as work of the location's budget, after everything else that waits for it.

An inspection of a contact waits in the contact's own lane, so nothing is written to the contact while it is read. It makes one
request at a time, like all work. Our rows are noted before the first request and after the last one: if something was written
in between, the inspection starts again.

Open questions live in memory only. Whoever asked asks again when no answer comes; asking twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, NotSent
from connectors.outcome import Disposition, classify
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.retry import Retry
from streams.kafka.batching_producer import Record
from streams.messages import Entity, Inspection, Observation, Standing
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.inspection_reads import InspectionReads, OpenInspection
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.dispatch.observation import answer_to, unreportable
from streams.worker.dispatch.remedies import Remedies
from streams.worker.dispatch.repair import NotRepaired
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.inspector")

PREFIX = "@inspect:"
RANK = 2
"""After the contact (0) and after its notes and tasks (1)."""
PAGE = 100
MOST_OPEN = 2000
"""Questions in memory at most; more are not taken, and asked again later."""
MOST_LOOKS = 3
"""At most so many times an inspection starts again because something was written meanwhile."""
MOST_FAILURES = 5


@dataclass(slots=True)
class Inspector:
    """Everything that answering needs. `flows` is false for a connection that is paused."""

    loop: DispatchLoop
    locations: Mapping[str, Location]
    reads: InspectionReads
    directories: Directories
    remedies: Remedies
    output: Output
    observations_topic: str
    retry: Retry
    take_over: Callable[[str], tuple[str, ...]]
    flows: Callable[[str], bool] = lambda _connection: True
    _open: dict[str, OpenInspection] = field(default_factory=dict)

    def take_question(self, inspection: Inspection) -> Observation | None:
        """Take a question; returns its acknowledgement. None: not for us, too late, or too much at once."""
        location = self.locations.get(inspection.connection)
        if (
            location is None
            or inspection.expires_ms <= self.output.now_ms()
            or not self.loop.core.owns(location.budget)
        ):
            return None
        if not self.flows(inspection.connection):
            return self._observe(inspection, "refused", message="the connection is paused: resume it, then ask again")
        key = f"{PREFIX}{inspection.run}:{inspection.number}"
        known = self._open.get(key)
        if known is not None:
            known.inspection = inspection
        elif len(self._open) >= MOST_OPEN and not self._forget_expired():
            return None
        else:
            self._open[key] = OpenInspection(inspection)
        lane = inspection.lane if inspection.lead else f"{PREFIX}{inspection.connection}"
        self.loop.offer_item(Item(key, lane, location.budget, inspection.connection, Priority.VERIFY, RANK))
        return self._observe(inspection, "waiting")

    def forget(self, connection: str) -> None:
        """The connection is another from now on: its questions are dropped, and asked again."""
        for key in [key for key, one in self._open.items() if one.inspection.connection == connection]:
            del self._open[key]

    def handles(self, item: Item) -> bool:
        """Whether an item is a question of verify."""
        return item.key.startswith(PREFIX)

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: whoever asked asks again."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """One request towards the answer."""
        question = self._open.get(item.key)
        if question is None or question.inspection.expires_ms <= self.output.now_ms():
            self._open.pop(item.key, None)
            return DONE
        location = self.locations[question.inspection.connection]
        try:
            observation = await self._go_on(question, location, slot)
        except NotRepaired as error:
            observation = self._observe(question.inspection, "not mended", message=str(error))
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            result_or_message = self._failed(question, location, error)
            if isinstance(result_or_message, WorkResult):
                return result_or_message
            observation = self._observe(
                question.inspection, "refused", message=result_or_message, requests=question.requests
            )
        except Exception as error:  # whatever it is: the asker must not wait for ever
            log.exception("a question of verify cannot be answered: %s", item.key)
            words = f"the worker cannot answer ({type(error).__name__}: {error}); its log has more"
            observation = self._observe(question.inspection, "refused", message=words, requests=question.requests)
        slot.answered(was_sent=False)
        if observation is None:
            return AGAIN
        if words := unreportable(observation):
            observation = self._observe(question.inspection, "refused", message=words, requests=question.requests)
        lane = observation.lane.encode()
        record = Record(self.observations_topic, location.partition, lane, observation.to_bytes())
        await self.output.produce([record])
        self._open.pop(item.key, None)
        return DONE

    # -- questions ----------------------------------------------------------------------------------------

    async def _go_on(self, question: OpenInspection, location: Location, slot: RequestSlot) -> Observation | None:
        """Do one request; the observation when nothing is left to do."""
        inspection = question.inspection
        match inspection.question:
            case "directory":
                return self._directory(question, location)
            case "bearers":
                return await self._bearers(question, location, slot)
            case "mend":
                return await self._mend(question, location, slot)
            case "contact":
                return await self._contact(question, location, slot)
            case "read":
                raise AssertionError("questions that only read go to VendorReads")

    def _directory(self, question: OpenInspection, location: Location) -> Observation | None:
        connection = question.inspection.connection
        if question.inspection.is_fresh and question.step == 0:
            question.step = 1
            self.directories.load(connection)  # which holds the connection, and so this question, until it is read
            return None
        known = self.directories.get(connection)
        names = {
            "custom_fields": dict(known.custom_fields),
            "users": dict(known.users),
            "calendar_team": tuple(sorted(known.calendar_team)),
            "pipelines": {name: one.id for name, one in known.pipelines.items()},
            "stages": {name: dict(one.stages) for name, one in known.pipelines.items()},
            "field_types": dict(known.types),
            "field_options": dict(known.options),
            "remade_fields": self.directories.remade(connection),
            "taken_over": self.take_over(connection) if question.inspection.takes_over else (),
        }
        return self._observe(question.inspection, "seen", mapping=location.mapping_fingerprint, **names)

    async def _bearers(self, question: OpenInspection, location: Location, slot: RequestSlot) -> Observation:
        inspection, field_id = question.inspection, question.inspection.field_id or ""
        wanted = {"operator": "eq", "value": inspection.lead} if inspection.lead else {"operator": "exists"}
        search: dict[str, Any] = {
            "locationId": location.location_id,
            "pageLimit": PAGE,
            "filters": [{"field": f"customFields.{field_id}", **wanted}],
            "sort": [{"field": "dateAdded", "direction": "asc"}],
        }
        if inspection.after:
            search["searchAfter"] = list(inspection.after)
        page = await location.client.search_contacts(search)
        question.answered(slot)
        bearers = tuple((str(one.custom(field_id)), one.id) for one in page.contacts)
        after = page.search_after if len(page.contacts) == PAGE else None
        return self._observe(inspection, "seen", bearers=bearers, after=after, requests=question.requests)

    async def _contact(self, question: OpenInspection, location: Location, slot: RequestSlot) -> Observation | None:
        inspection = question.inspection
        if question.before is None:
            question.before = self.reads.standings(location, inspection.entities)
            if inspection.entities and all(one.is_pending or one.parked for one in question.before.values()):
                return self._seen(question, question.before)
        owner = Entity.contact(inspection.connection, inspection.lead).key
        link = self.reads.links.get(location.partition, owner)
        contact_id = inspection.ghl_id or (link.ghl_id if link is not None else None)
        if contact_id is None:
            return self._seen(question, question.before)
        is_last = await self.reads.read_next(question, location, contact_id, slot)
        if not is_last:
            return None
        after = self.reads.standings(location, inspection.entities)
        if after != question.before:
            if question.looks < MOST_LOOKS:
                question.looks, question.step, question.before, question.found = question.looks + 1, 0, None, {}
                return None
            # Written again and again while we look: nothing of it can be judged now.
            after = {key: one.model_copy(update={"is_pending": True}) for key, one in after.items()}
        return self._seen(question, after)

    async def _mend(self, question: OpenInspection, location: Location, slot: RequestSlot) -> Observation:
        if await self.remedies.apply(location, question.inspection, slot):
            question.answered(slot)
        return self._observe(question.inspection, "mended", requests=question.requests)

    # -- answers ------------------------------------------------------------------------------------------

    def _seen(self, question: OpenInspection, standings: dict[str, Standing]) -> Observation:
        answer = "seen" if question.found.get("contact") else "not found"
        found = {"standings": standings, "requests": question.requests, **question.found}
        return self._observe(question.inspection, answer, **found)

    def _observe(self, inspection: Inspection, answer: Any, **facts: Any) -> Observation:
        return answer_to(inspection, answer, self.output.now_ms(), **facts)

    # -- failures -----------------------------------------------------------------------------------------

    def _failed(self, question: OpenInspection, location: Location, error: ConnectorError) -> WorkResult | str:
        """When to try again, or the words with which it ends.

        Only a 429 pauses the budget: a refused look (a scope that reading needs) says nothing of live changes.
        """
        question.failures += 1
        row = classify(error)
        if row.disposition is Disposition.THROTTLED:
            self.loop.failures.is_paused(location.budget, error, location.window_seconds)
            return AGAIN
        if row.disposition is Disposition.RETRY and question.failures < MOST_FAILURES:
            return WorkResult.retry(self.retry.wait_seconds(question.failures))
        return str(error)

    def _forget_expired(self) -> bool:
        """Drop questions that nobody waits for; True when there is room again."""
        now = self.output.now_ms()
        for key in [key for key, one in self._open.items() if one.inspection.expires_ms <= now]:
            del self._open[key]
        return len(self._open) < MOST_OPEN
