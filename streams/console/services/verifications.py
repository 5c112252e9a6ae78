"""Verifications: GHL is compared with Lofty for one connection or one lead, and repaired on request.

Each runs in a process of its own beside this gateway, which keeps the newest twenty in memory; who ordered which is in the audit
log. The workers read GHL, within its limits and after all other work.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible, no_such_connection, visible
from streams.console.errors import ConsoleError, NotFound, TooMany, WrongInput
from streams.console.services.job_process import result_of
from streams.operations.verify.findings import STATES, WRONG
from streams.operations.verify.job import VerifyJob
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

KEPT = 20
MOST_RUNNING = 2
"""Verifications that run beside one gateway at a time: each has a process, and webhooks come first."""
WITHIN_SECONDS = 6 * 3600.0
MOST_FINDINGS = 200
"""Findings that are kept of one run; `lofty-ghl verify --json` has all."""


@dataclass(frozen=True, slots=True)
class FieldFound:
    """A field that differs: what it should be, and what GHL has."""

    field: str
    wanted: Any
    found: Any


@dataclass(frozen=True, slots=True)
class EntityFound:
    """One contact, note or task that is not as it should be, or was not before it was repaired.

    `is_undecided`: it is in a conflict, and nobody has decided yet who is who.
    """

    entity: str
    state: str
    because: str
    differences: tuple[FieldFound, ...]
    advice: str
    is_repairable: bool
    is_undecided: bool


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What was found. `counts` are entities by state, `wrong` of them are, `undecided` are contacts in a conflict that waits for
    a person's decision. `more` findings are not listed. `is_right`: all was compared, and nothing is left to do.

    `left_out` are values that GHL does not take, with the number of contacts without them. `unfinished` says what was not compared.
    """

    leads: int
    fields: int
    requests: int
    counts: dict[str, int]
    wrong: int
    undecided: int
    is_right: bool
    findings: tuple[EntityFound, ...]
    more: int
    repaired: tuple[EntityFound, ...]
    left_out: dict[str, int]
    remarks: tuple[str, ...]
    unfinished: tuple[str, ...]


@dataclass(slots=True)
class Verification:
    """One run: under way until `result` or `problem` is there. `done` of `of` leads were read; `of` is 0 while it is not known."""

    id: str
    connection: str
    lead: str
    is_repair: bool
    by: str
    began_ms: int
    doing: str = ""
    done: int = 0
    of: int = 0
    ended_ms: int = 0
    problem: str = ""
    result: VerificationResult | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return not self.ended_ms


@dataclass(slots=True)
class Verifications:
    """The newest twenty of this gateway."""

    settings: Callable[[], Settings]
    audit: AuditWriter
    now_ms: Callable[[], int]
    _known: dict[str, Verification] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def stop(self) -> None:
        """End what runs here."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def all(self) -> tuple[Verification, ...]:
        """Those that are known, the newest first."""
        return visible(reversed(self._known.values()), lambda one: one.connection)

    async def get(self, verification: str) -> Verification:
        """One of them. Raises `NotFound`."""
        found = self._known.get(verification)
        if found is None or not is_visible(found.connection):
            raise NotFound(
                f"There is no comparison {verification[:40]!r} here. Each gateway knows its own, until it is restarted: start another one."
            )
        return found

    async def start_verification(
        self, by: Actor, connection: str, lead: str = "", *, is_repair: bool = False
    ) -> Verification:
        """Start one. Raises `NotFound` for an unknown connection, and `TooMany` when enough run here."""
        settings = self.settings()
        if connection not in settings.connections or not is_visible(connection):
            raise no_such_connection(connection)
        if lead and not lead.isdigit():
            raise WrongInput(f"A lead is named by its Lofty id, a number; got {lead[:40]!r}.")
        if len(self._tasks) >= MOST_RUNNING:
            raise TooMany("Two comparisons are under way here: wait until one has ended.", 10.0)
        made = Verification(uuid.uuid4().hex[:8], connection, lead, is_repair, by.name, self.now_ms())
        job = VerifyJob.of(
            settings, connection=connection, lead=lead, repair=is_repair, within_seconds=WITHIN_SECONDS - 60
        )
        self._known[made.id] = made
        for old in [one.id for one in self._known.values() if not one.is_running][: max(0, len(self._known) - KEPT)]:
            del self._known[old]
        task = self._tasks[made.id] = asyncio.create_task(self._run(by, made, job), name=f"verify {made.id}")
        task.add_done_callback(lambda _: self._tasks.pop(made.id, None))
        return made

    async def _run(self, by: Actor, made: Verification, job: VerifyJob) -> None:
        about = {"connection": made.connection, **({"lead": made.lead} if made.lead else {})}
        try:
            async with self.audit.acting(by, "repair" if made.is_repair else "verify", about) as outcome:
                found = await result_of(job, WITHIN_SECONDS, lambda progress: _move(made, progress))
                made.result = result_from(found["connections"][made.connection])
                outcome.detail = outcome_words(made.result)
        except ConsoleError as error:
            made.problem = error.words
        except Exception:
            log.exception("a verification failed")
            made.problem = "It failed. The gateway's log says why."
        finally:
            made.ended_ms = self.now_ms()


def result_from(found: Mapping[str, Any]) -> VerificationResult:
    """From the report of one connection as JSON."""
    findings, counts = found["findings"], found["counts"]
    wrong = sum(counts.get(state, 0) for state in WRONG)
    undecided = sum(bool(one["is_undecided"]) for one in findings)
    return VerificationResult(
        leads=found["leads"],
        fields=found["fields_compared"],
        requests=found["requests"],
        counts={state: counts.get(state, 0) for state in STATES},
        wrong=wrong,
        undecided=undecided,
        is_right=not (wrong or undecided or counts.get("parked", 0) or found["unfinished"]),
        findings=tuple(map(_entity, findings[:MOST_FINDINGS])),
        more=max(0, len(findings) - MOST_FINDINGS),
        repaired=tuple(map(_entity, found["mended"][:MOST_FINDINGS])),
        left_out=dict(found["left_out"]),
        remarks=tuple(found["remarks"]),
        unfinished=tuple(found["unfinished"]),
    )


def _entity(found: Mapping[str, Any]) -> EntityFound:
    return EntityFound(
        entity=found["entity"],
        state=found["state"],
        because=found["because"],
        differences=tuple(FieldFound(one["field"], one["wanted"], one["found"]) for one in found["differences"]),
        advice=found["advice"],
        is_repairable=bool(found["repair"]),
        is_undecided=bool(found["is_undecided"]),
    )


def outcome_words(result: VerificationResult) -> str:
    """What the audit log says of it: a comparison with nothing wrong is not yet one where all is right."""
    conflicts = (
        f"{result.undecided} conflict{'' if result.undecided == 1 else 's'} undecided" if result.undecided else ""
    )
    parts = (
        f"{result.wrong} wrong, {len(result.repaired)} repaired",
        conflicts,
        "not everything could be compared" if result.unfinished else "",
    )
    return ", ".join(filter(None, parts))


def _move(made: Verification, progress: Mapping[str, Any]) -> None:
    made.doing, made.done, made.of = str(progress["doing"]), int(progress["done"]), int(progress["of"])
