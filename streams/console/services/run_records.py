"""A run of the console as its record on the topic `runs`, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from connectors.http.json_reader import UnreadableJson, read, write
from streams.core.run_history import is_cut_off
from streams.messages.run import Run

CUT_OFF = "It was cut off: the gateway that ran it has stopped. Start another one."
MOST_BYTES = 64 * 1024
"""What a run may hold beside what all have: every gateway keeps the newest of each connection in its memory."""
LONGEST_VALUE = 500


@dataclass(slots=True, kw_only=True)
class RunFacts:
    """What every run has: under way until `ended_ms`; `is_cut_off`: its gateway has stopped. `problem` says why there is no result."""

    id: str
    by: str
    began_ms: int
    doing: str = ""
    done: int = 0
    of: int = 0
    ended_ms: int = 0
    problem: str = ""
    is_cut_off: bool = False

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return not self.ended_ms


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What came of a run, for a list of all sorts. `counts` are records: `read`, `written`, `unchanged`, `refused`."""

    words: str = ""
    has_findings: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    lead: str = ""


class AnyRun(Protocol):
    """A run of any sort."""

    kind: ClassVar[str]
    id: str
    by: str
    began_ms: int
    doing: str
    done: int
    of: int
    ended_ms: int
    problem: str
    is_cut_off: bool

    def concerned(self) -> tuple[str, ...]:
        """The connections that it is about; none where it is about the deployment."""

    def outcome(self) -> RunOutcome:
        """What came of it."""


Sort = TypeVar("Sort", bound=AnyRun)
Value = TypeVar("Value")

_SHARED = frozenset(one.name for one in fields(RunFacts))


def record_of(run: AnyRun) -> Run:
    """The record of a run as it is now."""
    outcome = run.outcome()
    own = {one.name: getattr(run, one.name) for one in fields(run) if one.name not in _SHARED}  # type: ignore[arg-type]  # a dataclass
    return Run(
        id=run.id,
        kind=run.kind,
        connections=run.concerned(),
        lead=outcome.lead,
        by=run.by,
        began_ms=run.began_ms,
        moved_ms=run.began_ms,
        ended_ms=run.ended_ms,
        doing=run.doing,
        done=run.done,
        of=run.of,
        failure=run.problem,
        was_cut_off=run.is_cut_off,
        words=outcome.words,
        has_findings=outcome.has_findings,
        counts=outcome.counts,
        detail=write(own).decode(),
    )


def restored(record: Run, sort: type[Sort], now_ms: int) -> Sort | None:
    """The run of a record; None where another release wrote it in a form that this one does not read."""
    was_cut_off = is_cut_off(record, now_ms)
    shared = {name: getattr(record, name) for name in _SHARED - {"is_cut_off", "problem"}}
    shared |= {"is_cut_off": was_cut_off, "ended_ms": record.ended_ms or (record.moved_ms if was_cut_off else 0)}
    shared["problem"] = CUT_OFF if was_cut_off else record.failure
    try:
        found: Sort = _adapter(sort).validate_python({**read(record.detail.encode()).value, **shared})
    except (UnreadableJson, TypeError, ValidationError):
        return None
    return found


@cache
def _adapter(sort: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(sort)


def bounded(
    value: Value, shorter: Callable[[Value, int], Value], most_items: int, most_bytes: int = MOST_BYTES
) -> Value:
    """A value that a record can hold. `shorter` keeps so many items of each of its lists, and says how many more there are."""
    value = shorter(value, most_items)
    while most_items and len(write(value)) > most_bytes:
        most_items //= 2
        value = shorter(value, most_items)
    return value


def short(value: Any) -> Any:
    """A value of a field, with its beginning alone where it is long."""
    text = value if isinstance(value, str) else write(value).decode()
    return value if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
