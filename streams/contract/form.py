"""What a topic holds, as data: its forms, each a key and the message under it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from streams.messages import topics
from streams.messages.entity import LONGEST_ID
from streams.messages.message import Message

Promise = Literal["public", "internal", "changelog"]
PROMISES: tuple[Promise, ...] = ("public", "internal", "changelog")

_ID = rf"[^: ]{{1,{LONGEST_ID}}}"
_KIND = "[a-z]+"
"""Not a list of the kinds: a release may add one, and the form of the key stays."""


@dataclass(frozen=True, slots=True)
class KeyForm:
    """A key's form: in words, and as a pattern for the whole of it (ECMA 262, as JSON Schema wants it)."""

    words: str
    pattern: str


CONNECTION_KEY = KeyForm("connection", rf"^{_ID}$")
CONTACT_KEY = KeyForm("connection:lead", rf"^{_ID}:{_ID}$")
ENTITY_KEY = KeyForm("connection:lead:kind:id", rf"^{_ID}:{_ID}:{_KIND}:{_ID}$")
ID_KEY = KeyForm("a random id", r"^[0-9a-zA-Z_-]+$")
ANY_KEY = KeyForm("any text", r"^.*$")


@dataclass(frozen=True, slots=True)
class Form:
    """One message under one form of key. `samples` are records as this release writes them, about made-up people.

    `removes` says what a record without a value means; empty: there is none.
    """

    model: type[Message]
    key: KeyForm
    samples: tuple[tuple[str, Message], ...] = ()
    removes: str = ""


@dataclass(frozen=True, slots=True)
class TopicContract:
    """One topic. `topic` is its name without a deployment's prefix; of a changelog, `table` is the table's.

    `is_input` says that other programs may write it. `described` is a row for what the table of topics does not have.
    """

    topic: str
    promise: Promise
    forms: tuple[Form, ...]
    is_input: bool = False
    table: str = ""
    described: tuple[str, str, str] | None = None

    @property
    def contents(self) -> str:
        """What it holds, in words."""
        return self._row[2]

    @property
    def partitioned_by(self) -> str:
        """What decides a record's partition."""
        return self._row[1]

    @property
    def _row(self) -> tuple[str, str, str]:
        return self.described or listed()[self.topic]

    @property
    def config(self) -> dict[str, str]:
        """Its settings, as Kafka names them."""
        specs = {spec.name: spec.config() for spec in topics.TOPICS}
        return specs.get(self.topic, {"cleanup.policy": "compact"})


@cache
def listed() -> dict[str, tuple[str, str, str]]:
    """The table of `streams/messages/topics.py`: key, placement and contents by topic."""
    rows: dict[str, tuple[str, str, str]] = {}
    for line in (topics.__doc__ or "").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            rows[cells[0].strip("`")] = (cells[1], cells[2], cells[3])
    return rows
