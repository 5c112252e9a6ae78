"""What the index stores of a record, and how typed text becomes a search. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from connectors.http.json_reader import UnreadableJson, read
from streams.core.moments import LAST_MS

LONGEST = 200
"""At most so many characters of a name or an address are stored."""
MOST_VALUES = 8
MOST_TAGS = 50
LONGEST_ID = 1_000
"""At most so many characters of an id or a stage are stored: ours are shorter."""
SHORTEST_PHONE_PART, SHORTEST_NAME_PART = 4, 3
"""People type the last four digits of a phone number, or a piece of a name: so much of it must be there."""
LONGEST_WORD = 24
"""Of a longer word of a name, only what begins within so many letters is found by a piece of it."""
NATIONAL = 10
"""The digits of a phone number without the country's code; outside of North America there may be one less."""


@dataclass(frozen=True, slots=True)
class ContactTerms:
    """Who a contact is, as its newest snapshot says."""

    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    read_ms: int
    is_gone: bool
    agent: str = ""
    tags: tuple[str, ...] = ()


def lane_and_rest(key: str) -> tuple[str, str]:
    """Split a key `connection:lead:kind:id` into its lane (`connection:lead`) and the rest, which is empty for a lane alone."""
    first, _, rest = key.partition(":")
    second, _, about = rest.partition(":")
    return f"{first}:{second}", about


def person_of(snapshot: dict[str, Any]) -> ContactTerms:
    """Names, addresses and phone numbers of a contact's snapshot."""
    state = snapshot.get("state")
    is_gone = not isinstance(state, dict)
    found: dict[str, Any] = state if isinstance(state, dict) else {}
    name = " ".join(one for one in (_text(found.get("firstName")), _text(found.get("lastName"))) if one)
    return ContactTerms(
        name[:LONGEST],
        tuple(dict.fromkeys(one.lower() for one in _texts(found.get("emails")) if "@" in one)),
        tuple(dict.fromkeys(one for one in _texts(found.get("phones")) if len(digits(one)) >= 5)),
        time_of(snapshot.get("read_ms")),
        is_gone,
        _text(found.get("assignedUser"))[:LONGEST],
        _tags(found.get("tags")),
    )


def time_of(value: Any, otherwise: int = 0) -> int:
    """A time in milliseconds since the epoch; `otherwise` when the value is no time, or out of the calendar's range."""
    return value if type(value) is int and 0 <= value < LAST_MS else otherwise


def id_of(value: Any, otherwise: str = "") -> str:
    """The text of an id; `otherwise` when the value is no text, or too long for an id."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else otherwise


def digits(text: str) -> str:
    """The digits of a phone number."""
    return "".join(one for one in text if one.isdigit() and one.isascii())[:20]


def phone_words(phones: Iterable[str]) -> str:
    """The words under which phone numbers are found: all digits, and each of their ends. A search asks for how a word begins,
    so that it finds any four digits that follow each other."""
    return " ".join(dict.fromkeys(end for number in map(digits, phones) for end in _ends(number, SHORTEST_PHONE_PART)))


def name_words(name: str) -> str:
    """The words under which a name is found: itself, and each end of its words, as of phone numbers."""
    ends = (end for word in _words(name) for end in _ends(word, SHORTEST_NAME_PART)[1:LONGEST_WORD])
    return " ".join((name, *dict.fromkeys(ends)))


def _ends(text: str, shortest: int) -> list[str]:
    """A text, and what is left of it without its first characters."""
    return [text[start:] for start in range(max(1, len(text) - shortest + 1))]


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search. `exact` are values to compare with ids, e-mail addresses and phone numbers; `match` is the full-text query.

    Without `match` only exact values can be found.
    """

    exact: tuple[str, ...]
    match: str


def wanted_of(text: str) -> Wanted:
    """The search for a typed text. Only its words and numbers reach the full-text query, in quotes: no character has a meaning there."""
    stripped = text.strip()[:LONGEST]
    lowered = stripped.lower()
    exact = {stripped, lowered}
    number = digits(stripped)
    is_number = len(number) >= 4 and re.fullmatch(r"[\d\s()+./-]+", stripped) is not None
    if is_number:
        exact.add(number)
        numbers = " OR ".join(f'"{one}" *' for one in _without_country(number))
        return Wanted(tuple(sorted(exact)), f"phones : ({numbers})")
    return Wanted(tuple(sorted(exact)), " ".join(f'"{word}" *' for word in _words(lowered)[:10]))


def _without_country(number: str) -> list[str]:
    """A number as it was typed, and as Lofty may have it: without the country's code."""
    found = [number]
    if len(number) > NATIONAL:
        found.append(number[-NATIONAL:])
        if not (number.startswith("1") and len(number) == NATIONAL + 1):
            found.append(number[1 - NATIONAL :])
    return found


def whole_json(raw: bytes | None) -> dict[str, Any]:
    """A record's value as a dict, empty when it is no JSON object."""
    try:
        value = read(raw or b"null").value
    except UnreadableJson:
        return {}
    return value if isinstance(value, dict) else {}


def _tags(value: Any) -> tuple[str, ...]:
    """The names of a lead's tags, each once whatever its case, as Lofty has it."""
    several = value[:MOST_TAGS] if isinstance(value, list) else []
    names = [_text(tag.get("tagName"))[:LONGEST] for tag in several if isinstance(tag, dict)]
    return tuple({name.lower(): name for name in names if name}.values())


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [one.strip()[:LONGEST] for one in several[:MOST_VALUES] if isinstance(one, str) and one.strip()]
