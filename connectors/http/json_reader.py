"""The one reader of JSON that others wrote: vendors' answers, webhooks, records of topics.

What it accepts can be written again: `orjson.dumps` of it never fails, nor does a message that holds it.

| what comes | what is read |
| --- | --- |
| half of a surrogate pair (`\\ud83c`), bytes that are not UTF-8 | U+FFFD in its place; flagged |
| NaN, Infinity, a number beyond the range of a float | null; flagged |
| a whole number beyond 64 bits | the nearest float |
| control characters inside texts, a byte order mark, UTF-16 or UTF-32 | as they are meant |
| the same key twice | the last one |
| nested deeper than `MOST_DEPTH`, longer than `MOST_BYTES`, more than `MOST_CONTAINERS`, no JSON | `UnreadableJson` |

Good input takes the fast path, orjson and a look at its depth. Only what orjson refuses is read once more, tolerantly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import orjson

MOST_BYTES = 64 * 1024**2
"""How long a text may be. Whoever reads from a network bounds it more tightly, before."""

MOST_DEPTH = 64
"""How deep objects and lists may be nested. Vendors' own go to ten; orjson writes 254, and our messages add a few."""

ORJSON_WRITES = 254
"""How deep orjson writes; deeper, it refuses."""

MOST_CONTAINERS = 500_000
"""How many objects and lists a text may hold: an empty one takes two bytes there, and sixty in memory."""

REPAIRS = "_repairs"
"""The key under which a vendor's object lists what was repaired in it, for the mapping."""

REPLACED_CHARACTERS = "unreadable characters were replaced by U+FFFD"
REPLACED_NUMBERS = "numbers that are none were replaced by null"

_NO_OPENING_BRACKETS = bytes(set(range(256)) - set(b"[{"))
_SMALL_BYTES = 8192
_SURROGATES = re.compile("[\ud800-\udfff]")
_LEAST, _GREATEST = -(2**63), 2**64 - 1


class UnreadableJson(ValueError):
    """Bytes that are no JSON that we accept: what was expected, what came, and where, without any content."""

    def __init__(self, expected: str, came: str, where: str = "") -> None:
        self.expected = expected
        self.came = came
        self.where = where
        super().__init__(f"expected {expected}, got {came}{f' ({where})' if where else ''}")


class JsonReading(NamedTuple):
    """What was read. `repairs` says what of it is not as it came, in words; empty for good input."""

    value: Any
    repairs: tuple[str, ...] = ()


def read(raw: bytes, *, most_depth: int = MOST_DEPTH) -> JsonReading:
    """Read a JSON text. Raises `UnreadableJson`, and nothing else."""
    if len(raw) > MOST_BYTES:
        raise UnreadableJson(f"JSON of at most {MOST_BYTES} bytes", f"{len(raw)} bytes")
    # No text is nested deeper than it has brackets, so most need no closer look. Counting costs a tenth of reading, and of what
    # is neither small nor large the count says nothing: a page of leads has hundreds, and no half a million.
    is_counted = len(raw) <= _SMALL_BYTES or len(raw) > MOST_CONTAINERS
    opened = len(raw.translate(None, _NO_OPENING_BRACKETS)) if is_counted else len(raw)
    if opened > MOST_CONTAINERS:
        raise UnreadableJson(f"JSON of at most {MOST_CONTAINERS} objects and lists", f"{opened} opening brackets")
    try:
        reading = JsonReading(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return _read_tolerantly(raw, most_depth)
    if opened > most_depth and not _is_written(reading.value, most_depth) and is_deep(reading.value, most_depth):
        raise _too_deep(most_depth)
    return reading


def _is_written(value: Any, most_depth: int) -> bool:
    """Whether orjson writes it inside as many lists as leave room for that depth: five times as fast as a walk of ours."""
    for _ in range(ORJSON_WRITES - most_depth):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return most_depth <= ORJSON_WRITES


def is_deep(value: Any, most_depth: int = MOST_DEPTH) -> bool:
    """Whether lists and objects are nested deeper than that. Without recursion."""
    level = [value] if type(value) is dict or type(value) is list else []
    for _ in range(most_depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def write(value: Any, *, default: Callable[[Any], Any] | None = None, option: int = 0) -> bytes:
    """A value as JSON that may hold what others wrote, and what was counted together from it: it is written as `read` reads it.

    `default` and `option` are orjson's. What orjson refuses (a whole number beyond 64 bits, half of a surrogate pair) does not
    fail, and costs more.
    """
    try:
        return orjson.dumps(value, default=default, option=option)
    except TypeError:
        text = json.dumps(value, default=lambda inner: _plain(inner, default))
        return orjson.dumps(read(text.encode(), most_depth=ORJSON_WRITES - 1).value, option=option)


def _plain(value: Any, default: Callable[[Any], Any] | None) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if default is None:
        raise TypeError(f"{type(value).__name__} has no JSON")
    return default(value)


def printable(text: str, longest: int) -> str:
    """A foreign text, made safe to write, log and store: no half characters, no control characters, limited length."""
    cut = _SURROGATES.sub("\ufffd", text[:longest])
    return cut if cut.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in cut)


def _read_tolerantly(raw: bytes, most_depth: int) -> JsonReading:
    text, is_replaced = _decode(raw)
    numbers = _Numbers()
    decoder = json.JSONDecoder(
        strict=False, parse_float=numbers.real, parse_int=numbers.whole, parse_constant=numbers.constant
    )
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise UnreadableJson("JSON", f"{len(raw)} bytes that are none", where) from None
    except RecursionError:
        raise _too_deep(most_depth) from None
    if is_deep(value, most_depth):
        raise _too_deep(most_depth)
    if "\\u" in text:  # only an escape can be half a pair: decoding leaves none
        value, has_halves = _without_halves(value)
        is_replaced = is_replaced or has_halves
    repairs = (REPLACED_CHARACTERS,) * is_replaced + (REPLACED_NUMBERS,) * numbers.are_replaced
    return JsonReading(value, repairs)


def _decode(raw: bytes) -> tuple[str, bool]:
    """The text, and whether anything of it had to be replaced."""
    try:
        return raw.decode(json.detect_encoding(raw)), False
    except UnicodeDecodeError:
        return raw.decode("utf-8-sig", "replace"), True


class _Numbers:
    """Reads numbers as orjson does, and those that it refuses as None."""

    def __init__(self) -> None:
        self.are_replaced = False

    def real(self, text: str) -> float | None:
        value = float(text)
        if math.isfinite(value):
            return value
        self.are_replaced = True
        return None

    def whole(self, text: str) -> int | float | None:
        if len(text) < 21 and _LEAST <= (value := int(text)) <= _GREATEST:
            return value
        return self.real(text)

    def constant(self, _: str) -> None:
        self.are_replaced = True


def _without_halves(value: Any) -> tuple[Any, bool]:
    """The value without halves of surrogate pairs, and whether there were any. It is not deep, so recursion is safe."""
    found = False

    def clean(one: Any) -> Any:
        nonlocal found
        if isinstance(one, str):
            whole = _SURROGATES.sub("\ufffd", one)
            found = found or whole != one
            return whole
        if isinstance(one, dict):
            return {clean(name): clean(inner) for name, inner in one.items()}
        return [clean(inner) for inner in one] if isinstance(one, list) else one

    return clean(value), found


def _too_deep(most_depth: int) -> UnreadableJson:
    return UnreadableJson(f"JSON nested at most {most_depth} deep", "a deeper one")
