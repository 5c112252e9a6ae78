"""What the index keeps of one record, and how people's words become a search. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from connectors.http.json_reader import UnreadableJson, read
from streams.core.moments import LAST_MS

LONGEST = 200
"""Characters of a name or an address that are kept."""
MOST_VALUES = 8
LONGEST_ID = 1_000
"""Characters of an id or a stage that are kept: ours are shorter."""
PHONE_TAILS = (10, 7)
"""People type numbers without the country's code, or only the last seven digits."""


@dataclass(frozen=True, slots=True)
class ContactTerms:
    """Who a contact is, as its newest snapshot says."""

    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    read_ms: int
    is_gone: bool


def lane_and_rest(key: str) -> tuple[str, str]:
    """`connection:lead:kind:id` → its lane, and what it is about within it. A lane alone is about nothing particular."""
    first, _, rest = key.partition(":")
    second, _, about = rest.partition(":")
    return f"{first}:{second}", about


def person_of(snapshot: dict[str, Any]) -> ContactTerms:
    """Who a contact's snapshot tells of."""
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
    )


def time_of(value: Any, otherwise: int = 0) -> int:
    """A time in milliseconds since the epoch; `otherwise` when it is none, or no day of a calendar."""
    return value if type(value) is int and 0 <= value < LAST_MS else otherwise


def id_of(value: Any, otherwise: str = "") -> str:
    """A text that somebody is named by, or something; `otherwise` when it is none, or too long to be one."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else otherwise


def digits(text: str) -> str:
    """The digits of a phone number."""
    return "".join(one for one in text if one.isdigit() and one.isascii())[:20]


def phone_words(phones: Iterable[str]) -> str:
    """The words under which numbers are found: whole, and by their tails."""
    words: dict[str, None] = {}
    for number in map(digits, phones):
        words[number] = None
        for length in PHONE_TAILS:
            if len(number) > length:
                words[number[-length:]] = None
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search. `exact` are values that ids, e-mail addresses and numbers are compared with; `match` is for the full text.

    An empty `match` means: nothing but the exact values can be found.
    """

    exact: tuple[str, ...]
    match: str


def wanted_of(text: str) -> Wanted:
    """What somebody typed. Whatever signs stand in it, only words and numbers reach the full-text search, each in quotes."""
    stripped = text.strip()[:LONGEST]
    lowered = stripped.lower()
    exact = {stripped, lowered}
    number = digits(stripped)
    is_number = len(number) >= 4 and re.fullmatch(r"[\d\s()+./-]+", stripped) is not None
    if is_number:
        exact.add(number)
        return Wanted(tuple(sorted(exact)), f'phones : "{number}" *')
    words = [word for word in re.split(r"[\W_]+", lowered) if word]
    return Wanted(tuple(sorted(exact)), " ".join(f'"{word}" *' for word in words[:10]))


def whole_json(raw: bytes | None) -> dict[str, Any]:
    """A record's value; an empty one when it is no JSON object."""
    try:
        value = read(raw or b"null").value
    except UnreadableJson:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [one.strip()[:LONGEST] for one in several[:MOST_VALUES] if isinstance(one, str) and one.strip()]
