"""Checks records that a person or another program means to produce to `lofty.changes`. Pure.

It is stricter than the readers: they pass over fields that they do not know and take numbers that came as texts, and by hand both are
mistakes. Some records that every reader takes do harm, and only here somebody says so: a time in the future makes each later change of
that entity look old, and another key takes the record to another partition than the others of its contact.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from connectors.http.json_reader import UnreadableJson, read
from streams.contract.form import CONTACT_KEY
from streams.messages.change import Change

AHEAD_MS = 10 * 60_000
"""So far ahead a clock may be."""
FIRST_MS = 946_684_800_000
"""2000-01-01. A time before it was given in seconds."""
_SHOWN = 60
_TIMES = ("update_time_ms", "accepted_ms")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line, counted from 1: where in the record, what was expected, what came, and what to do."""

    line: int
    where: str
    expected: str
    found: str
    fix: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.where}: expected {self.expected}, found {self.found}: {self.fix}"


@dataclass(frozen=True, slots=True)
class HandMade:
    """A line: its key and its value as they go to Kafka, or what is wrong with it."""

    key: str
    value: str
    faults: tuple[Fault, ...]


def check_lines(lines: Iterable[bytes], now_ms: int, connections: Collection[str] | None = None) -> Iterator[HandMade]:
    """Each record of JSON lines, `{"key": ..., "value": ...}`; empty lines are passed over.

    `connections` are the names that a value may have; None: any.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _checked(number, line, now_ms, connections)


def _checked(number: int, line: bytes, now_ms: int, connections: Collection[str] | None) -> HandMade:
    shape = '{"key": "CONNECTION:LEAD", "value": {...}}'
    try:
        record = read(line).value
    except UnreadableJson as error:
        where = f"the line, {error.where}" if error.where else "the line"
        return _only(Fault(number, where, "a JSON object", error.came, f"write one record on one line: {shape}"))
    if not isinstance(record, dict):
        return _only(Fault(number, "the line", "an object with key and value", _short(record), f"write {shape}"))
    faults = [
        Fault(
            number, name, "nothing but key and value", _short(record[name]), "a field of the change belongs into value"
        )
        for name in record
        if name not in ("key", "value")
    ]
    key, value = record.get("key"), record.get("value")
    if not isinstance(value, dict):
        found = "nothing" if "value" not in record else _short(value)
        fix = "to report a deletion, set operation to deleted" if value is None else "write the change as an object"
        faults.append(Fault(number, "value", "a Change as an object", found, fix))
        return HandMade("", "", tuple(faults))
    faults += [Fault(number, f"value.{where}", *words) for where, *words in _value_faults(value, now_ms, connections)]
    faults += [Fault(number, "key", *words) for words in _key_faults(record, value)]
    return HandMade(str(key), orjson.dumps(value).decode(), tuple(faults))


def _only(fault: Fault) -> HandMade:
    return HandMade("", "", (fault,))


def _key_faults(record: dict[str, Any], value: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    key = record.get("key")
    own = f"{value.get('connection')}:{value.get('lead')}"
    is_right = isinstance(value.get("connection"), str) and isinstance(value.get("lead"), str)
    wanted = f'"{own}"' if is_right else f"text of the form {CONTACT_KEY.words}"
    fix = "the key is the connection and the lead of the value, so that all of a contact goes to one partition"
    if not isinstance(key, str):
        yield wanted, "nothing" if "key" not in record else _short(key), fix
    elif (is_right and key != own) or not re.match(CONTACT_KEY.pattern, key):
        yield wanted, _short(key), fix


def _value_faults(
    value: dict[str, Any], now_ms: int, connections: Collection[str] | None
) -> Iterator[tuple[str, str, str, str]]:
    """Where, what was expected, what was found, what to do."""
    for name in value:
        if name not in Change.model_fields:
            known = ", ".join(Change.model_fields)
            yield name, "a field of a change", _short(name), f"it would be ignored; the fields are {known}"
    try:
        change = Change.model_validate_json(orjson.dumps(value), strict=True)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            where = ".".join(map(str, one["loc"]))
            if one["type"] == "missing":
                yield where, "a value", "nothing", "add the field"
            else:
                expected = one["msg"].removeprefix("Input should be ")
                expected = expected[:1].lower() + expected[1:]
                yield where, expected, _short(one["input"]), "docs/topics.md has the type and an example of each field"
        return
    if change.v > Change.version:
        yield "v", f"{Change.version} or less", str(change.v), "workers stop in front of a newer version: leave v out"
    if problem := change.problem():
        where, _, words = problem.partition(": expected ")
        expected, _, found = words.rpartition(", got ")
        yield where, expected, found, "ids are Lofty's own, as texts"
    if change.kind in ("contact", "opportunity") and change.id != change.lead:
        yield "id", f'"{change.lead}"', _short(change.id), f"the id of a lead's {change.kind} is the lead's own"
    if connections is not None and change.connection not in connections:
        names = ", ".join(sorted(connections)) or "none"
        yield (
            "connection",
            f"one of {names}",
            _short(change.connection),
            "it would be parked: use the id of a connection",
        )
    for name in _TIMES:
        at = getattr(change, name)
        if at < FIRST_MS:
            yield name, "milliseconds since 1970", str(at), "it lies before 2000: multiply seconds by 1000"
        elif at > now_ms + AHEAD_MS:
            fix = "later changes of this entity would count as old until then: use the time of the change"
            yield name, f"no later than now, {now_ms}", str(at), fix


def _short(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
