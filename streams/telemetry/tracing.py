"""Traces: one for each change, from the webhook to GHL's answer.

A change is given a `traceparent` (W3C Trace Context) when it is accepted. It travels in the messages, so also through the tables
where an entity waits, and as a Kafka header for other tools. Logs, exemplars and receipts always name its trace id.
Spans are made of it where tracing is enabled (`streams/telemetry/opentelemetry.py`).

Where several changes lead to one read, the read and the write belong to the trace of the oldest change, as freshness does.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import structlog

HEADER = "traceparent"
Headers = tuple[tuple[str, bytes], ...]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Span(Protocol):
    """One piece of a trace. `traceparent` is for the spans that follow."""

    @property
    def traceparent(self) -> str:
        """The trace, and this span as the parent of what comes next."""
        ...

    def end(self, **facts: str | int) -> None:
        """End the span."""
        ...


class Tracing(Protocol):
    """Makes spans. Times are nanoseconds since the epoch."""

    @property
    def is_on(self) -> bool:
        """Whether spans are recorded: otherwise there is no need to collect their facts."""
        ...

    def start_span(self, name: str, **facts: str | int) -> Span:
        """A new trace, with its first span."""
        ...

    def record_span(self, name: str, parent: str, began_ns: int, ended_ns: int, **facts: str | int) -> None:
        """Record a finished span of a running trace."""
        ...


@dataclass(frozen=True, slots=True)
class _Bare:
    traceparent: str

    def end(self, **_facts: str | int) -> None:
        return


class NoTracing:
    """Trace ids alone: nothing is recorded anywhere."""

    is_on = False

    def start_span(self, name: str, **facts: str | int) -> Span:
        """A trace id."""
        return _Bare(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")

    def record_span(self, name: str, parent: str, began_ns: int, ended_ns: int, **facts: str | int) -> None:
        """Record nothing."""


def trace_id(traceparent: str) -> str:
    """The trace's id (32 hexadecimal digits); empty for none."""
    return traceparent[3:35]


def parent_of(traceparent: str) -> tuple[int, int] | None:
    """The trace's and the span's ids as numbers; None for what is no traceparent."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return (int(found[1], 16), int(found[2], 16)) if found else None


def headers_of(traceparent: str) -> Headers:
    """The Kafka headers of a record that belongs to a trace."""
    return ((HEADER, traceparent.encode()),) if traceparent else ()


def of_headers(headers: Mapping[str, bytes] | Iterable[tuple[str, bytes]] | None) -> str:
    """The traceparent that a record's headers bring; empty for none, or one that is none."""
    found = dict(headers or ()).get(HEADER, b"")
    text = found.decode(errors="replace")
    return text if parent_of(text) else ""


# -- the work in hand -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TracedWork:
    """What a task works on: its trace, empty for none, and how often its entity has failed before."""

    trace: str = ""
    failures: int = 0


_NONE = TracedWork()
_in_hand: ContextVar[TracedWork] = ContextVar("lofty_ghl_work", default=_NONE)


def take_in_hand(*, trace: str = "", failures: int = 0) -> None:
    """Set what this task works on: its log lines name the trace. Call it in a task of its own."""
    _in_hand.set(TracedWork(trace, failures))
    if trace:
        structlog.contextvars.bind_contextvars(trace=trace_id(trace))


def in_hand() -> TracedWork:
    """What this task works on."""
    return _in_hand.get()
