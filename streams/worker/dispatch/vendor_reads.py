"""Answers the questions `read`: one request that only reads, as work of the budget that it takes, after everything else that waits.

A rehearsal and the pages on which a connection is set up ask them. They are answered while the connection is paused, too: a new
connection is, until somebody has seen what it would do. Nothing of our tables is read, and nothing is written anywhere.

Open questions live in memory only, as those of verify do: whoever asked asks again when no answer comes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from connectors.errors import ConnectorError, NotSent
from connectors.outcome import Disposition, classify
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.retry import Retry
from streams.kafka.batching_producer import Record
from streams.messages import Inspection, Observation
from streams.messages.inspection import Answer
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.dispatch.observation import answer_to, unreportable
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.vendor_reads")

TENANT = "@read"
MOST_OPEN = 2000
"""Questions in memory at most; more are not taken, and asked again later."""
MOST_FAILURES = 5


class VendorSide(Protocol):
    """What a question needs of a connection at one vendor: its budget, and the partition of that."""

    @property
    def budget(self) -> str:
        """The budget that a request takes."""

    @property
    def partition(self) -> int:
        """The partition in which it is owned."""


S = TypeVar("S", bound=VendorSide)
Read = Callable[[S, Inspection], Awaitable[dict[str, Any]]]
"""One request for a question; returns the facts of its observation."""


@dataclass(slots=True)
class _Open:
    inspection: Inspection
    failures: int = 0


@dataclass(slots=True)
class VendorReads(Generic[S]):
    """One vendor's. `sides` are the connections there, `reads` what can be asked for."""

    loop: DispatchLoop
    sides: Mapping[str, S]
    reads: Mapping[str, Read[S]]
    window_seconds: Callable[[S], float]
    output: Output
    observations_topic: str
    retry: Retry
    _open: dict[str, _Open] = field(default_factory=dict)

    def take_question(self, inspection: Inspection) -> Observation | None:
        """Take a question; returns its acknowledgement. None: not for us, too late, or too much at once."""
        side, now_ms = self.sides.get(inspection.connection), self.output.now_ms()
        if side is None or inspection.expires_ms <= now_ms or not self.loop.core.owns(side.budget):
            return None
        key = f"{TENANT}:{inspection.connection}:{inspection.run}:{inspection.number}"
        if key in self._open:
            self._open[key].inspection = inspection
        elif len(self._open) >= MOST_OPEN and not self._forget_expired(now_ms):
            return None
        else:
            self._open[key] = _Open(inspection)
        self.loop.offer_item(Item(key, key, side.budget, TENANT, Priority.VERIFY))
        return self._observe(inspection, "waiting")

    def handles(self, item: Item) -> bool:
        """Whether an item is such a question."""
        return item.tenant == TENANT

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: whoever asked asks again."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Do the request, and answer."""
        question = self._open.get(item.key)
        side = self.sides.get(question.inspection.connection) if question is not None else None
        if question is None or side is None or question.inspection.expires_ms <= self.output.now_ms():
            self._open.pop(item.key, None)
            return DONE
        inspection = question.inspection
        try:
            facts = await self.reads[inspection.subject or ""](side, inspection)
            slot.answered()
            observation = self._observe(inspection, "seen", requests=1, **facts)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            if (again := self._again(question, side, error)) is not None:
                return again
            observation = self._observe(inspection, "refused", message=str(error))
        except Exception as error:  # whatever it is: the asker must not wait for ever
            log.exception("a question cannot be answered: %s", item.key)
            words = f"the worker cannot answer ({type(error).__name__}: {error}); its log has more"
            observation = self._observe(inspection, "refused", message=words)
        if words := unreportable(observation):
            observation = self._observe(inspection, "refused", message=words)
        record = Record(self.observations_topic, side.partition, observation.lane.encode(), observation.to_bytes())
        await self.output.produce([record])
        self._open.pop(item.key, None)
        return DONE

    def _again(self, question: _Open, side: S, error: ConnectorError) -> WorkResult | None:
        """When to try again, if that may help. Only a 429 pauses the budget: a refused look says nothing of live changes."""
        question.failures += 1
        match classify(error).disposition:
            case Disposition.THROTTLED:
                self.loop.failures.is_paused(side.budget, error, self.window_seconds(side))
                return AGAIN
            case Disposition.RETRY if question.failures < MOST_FAILURES:
                return WorkResult.retry(self.retry.wait_seconds(question.failures))
        return None

    def _observe(self, inspection: Inspection, answer: Answer, **facts: Any) -> Observation:
        return answer_to(inspection, answer, self.output.now_ms(), **facts)

    def _forget_expired(self, now_ms: int) -> bool:
        """Drop questions that nobody waits for; True when there is room again."""
        for key in [key for key, one in self._open.items() if one.inspection.expires_ms <= now_ms]:
            del self._open[key]
        return len(self._open) < MOST_OPEN
