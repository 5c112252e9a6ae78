"""Verifications: GHL is compared with Lofty for one connection or one lead, and repaired on request.

Each runs in a process of its own beside the gateway that was asked; every gateway shows it. Who ordered which is in the audit log.
The workers read GHL, within its limits and after all other work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible, no_such_connection
from streams.console.errors import WrongInput
from streams.console.services.process_runs import ProcessRun, ProcessRuns, new_id
from streams.console.services.run_records import RunOutcome, bounded, short
from streams.operations.runs.run_log import RunLog
from streams.operations.verify.findings import STATES, WRONG
from streams.operations.verify.job import VerifyJob
from streams.settings import Settings

WITHIN_SECONDS = 6 * 3600.0
MOST_FINDINGS = 200
"""Findings that are kept of one run; `lofty-ghl verify --json` has all."""


@dataclass(frozen=True, slots=True)
class FieldFound:
    """A field that differs: what it should be, and what GHL has. Of a long value there is the beginning."""

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
    a person's decision. `more` findings and `more_repaired` are not listed. `is_right`: all was compared, and nothing is left to do.

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
    more_repaired: int = 0

    @property
    def repairs(self) -> int:
        """How many were repaired."""
        return len(self.repaired) + self.more_repaired


@dataclass(slots=True, kw_only=True)
class Verification(ProcessRun):
    """One run: under way until `result` or `problem` is there. `done` of `of` leads were read; `of` is 0 while it is not known.

    `is_cut_off`: the gateway that ran it has stopped, and there is no result.
    """

    kind: ClassVar[str] = "verification"

    lead: str
    is_repair: bool
    result: VerificationResult | None = None

    def outcome(self) -> RunOutcome:
        """What came of it, for the history."""
        found = self.result
        if found is None:
            return RunOutcome(lead=self.lead)
        counts = {
            "read": found.leads,
            "written": found.repairs,
            "unchanged": found.counts.get("ok", 0),
            "refused": found.counts.get("parked", 0),
        }
        return RunOutcome(outcome_words(found), not found.is_right, counts, self.lead)


@dataclass(slots=True)
class Verifications:
    """The newest of all gateways; each runs beside the one that was asked."""

    settings: Callable[[], Settings]
    runs: RunLog
    audit: AuditWriter
    now_ms: Callable[[], int]
    _runs: ProcessRuns[Verification] = field(init=False)

    def __post_init__(self) -> None:
        self._runs = ProcessRuns("comparison", Verification, self.runs, self.audit, self.now_ms)

    async def stop(self) -> None:
        """End what runs here."""
        await self._runs.stop()

    async def all(self, connection: str = "") -> tuple[Verification, ...]:
        """The newest, of one connection or of all, the newest first."""
        return await self._runs.all(connection)

    async def get(self, verification: str) -> Verification:
        """One of them. Raises `NotFound`."""
        return await self._runs.get(verification)

    async def wait(self, verification: str) -> None:
        """Until one has ended."""
        await self._runs.wait(verification)

    async def start_verification(
        self, by: Actor, connection: str, lead: str = "", *, is_repair: bool = False
    ) -> Verification:
        """Start one. Raises `NotFound` for an unknown connection, and `TooMany` when enough run here."""
        settings = self.settings()
        if connection not in settings.connections or not is_visible(connection):
            raise no_such_connection(connection)
        if lead and not lead.isdigit():
            raise WrongInput(f"A lead is named by its Lofty id, a number; got {lead[:40]!r}.")
        self._runs.refuse_too_many()
        made = Verification(
            id=new_id(), connection=connection, lead=lead, is_repair=is_repair, by=by.name, began_ms=self.now_ms()
        )
        job = VerifyJob.of(
            settings, connection=connection, lead=lead, repair=is_repair, within_seconds=WITHIN_SECONDS - 60
        )
        about = {"connection": connection, **({"lead": lead} if lead else {})}

        def take(found: Mapping[str, Any]) -> str:
            made.result = result_from(found["connections"][connection])
            return outcome_words(made.result)

        action: Action = "repair" if is_repair else "verify"
        return self._runs.begin(made, self._runs.result(by, made, job, WITHIN_SECONDS, action, about, take))


def result_from(found: Mapping[str, Any]) -> VerificationResult:
    """From the report of one connection as JSON."""
    findings, counts = found["findings"], found["counts"]
    wrong = sum(counts.get(state, 0) for state in WRONG)
    undecided = sum(bool(one["is_undecided"]) for one in findings)
    found_now, repaired = tuple(map(_entity, findings)), tuple(map(_entity, found["mended"]))
    whole = VerificationResult(
        leads=found["leads"],
        fields=found["fields_compared"],
        requests=found["requests"],
        counts={state: counts.get(state, 0) for state in STATES},
        wrong=wrong,
        undecided=undecided,
        is_right=not (wrong or undecided or counts.get("parked", 0) or found["unfinished"]),
        findings=found_now,
        more=0,
        repaired=repaired,
        left_out=dict(found["left_out"]),
        remarks=tuple(found["remarks"]),
        unfinished=tuple(found["unfinished"]),
    )
    return bounded(whole, _shorter, MOST_FINDINGS)


def _shorter(result: VerificationResult, most: int) -> VerificationResult:
    """With so many findings and repairs, and how many more there are."""
    return replace(
        result,
        findings=result.findings[:most],
        more=result.more + max(0, len(result.findings) - most),
        repaired=result.repaired[:most],
        more_repaired=result.more_repaired + max(0, len(result.repaired) - most),
    )


def _entity(found: Mapping[str, Any]) -> EntityFound:
    return EntityFound(
        entity=found["entity"],
        state=found["state"],
        because=found["because"],
        differences=tuple(
            FieldFound(one["field"], short(one["wanted"]), short(one["found"])) for one in found["differences"]
        ),
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
        f"{result.wrong} wrong, {result.repairs} repaired",
        conflicts,
        "not everything could be compared" if result.unfinished else "",
    )
    return ", ".join(filter(None, parts))
