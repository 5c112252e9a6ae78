"""Ledger entries in words, as evidence."""

from __future__ import annotations

from connectors.sandbox.shared.ledger import Entry

_LONGEST = 160


def worker_of(entry: Entry) -> str:
    """The worker that sent a request: the last word of its `User-Agent`. Empty when that names none."""
    words = entry.agent.split()
    return words[-1] if len(words) > 1 and not words[-1].startswith("(") else ""


def process_of(entry: Entry) -> str:
    """The process of the worker that sent a request: `w7-2` is the second worker of `w7`."""
    return worker_of(entry).partition("-")[0]


def told(*entries: Entry) -> tuple[str, ...]:
    """One line for each."""
    return tuple(_line(one) for one in entries)


def _line(one: Entry) -> str:
    ended = "never ended" if one.ended is None else f"ended {one.ended:.3f}"
    applied = f", {'created' if one.created else 'applied'} {one.applied_at:.3f}" if one.applied_at else ""
    fault = f", fault {one.fault}" if one.fault else ""
    body = "" if one.body is None else f" {one.body}"[:_LONGEST]
    return f"#{one.seq} {one.operation} {one.path} by {worker_of(one) or '?'} at {one.at:.3f}, {ended}, {one.status}{applied}{fault}{body}"
