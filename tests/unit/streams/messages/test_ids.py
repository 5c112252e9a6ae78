"""What cannot be part of a key is no word: found where a record is read, in each place that an id has."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.messages import Change, InvalidMessage, Message, Receipt, Redelivery, Snapshot
from streams.messages.lofty_command import LoftyCommand

BAD = (
    "",
    " ",
    ":",
    "a:b",
    "a:contact:b",
    ":a",
    "a b",
    " a",
    "a\nb",
    "a\r\n",
    "a\tb",
    "\x00",
    "a\x0bb",
    "\u202eabc",
    "\ufeffa",
    "\u2028",
    "\u00a0",
    ".",
    "..",
    "x" * 200,
)
GOOD = ("7", "acme", "a-b_c.d", "Zoë", "9" * 20, "x" * 128)

ENTITY: dict[str, Any] = {"v": 1, "connection": "acme", "lead": "7", "kind": "note", "id": "8"}
TIMES = {"version_ms": 1, "read_ms": 1, "update_time_ms": 1, "accepted_ms": 1}
SNAPSHOT = {**ENTITY, **TIMES, "state": {}, "fingerprint": "f"}
WORDS: list[tuple[type[Message], dict[str, Any]]] = [
    (Change, {**ENTITY, "operation": "updated", "update_time_ms": 1, "accepted_ms": 1}),
    (Snapshot, SNAPSHOT),
    (Receipt, {**ENTITY, "outcome": "applied", "step": "create note", "at_ms": 1, "version_ms": 1}),
]


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("where", ["connection", "lead", "id"])
@pytest.mark.parametrize(("word", "facts"), WORDS, ids=[word.__name__ for word, _ in WORDS])
def test_what_is_no_id_is_no_word(word: type[Message], facts: dict[str, Any], where: str, text: str) -> None:
    word.from_bytes(orjson.dumps(facts))
    with pytest.raises(InvalidMessage, match=where):
        word.from_bytes(orjson.dumps({**facts, where: text}))


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("where", ["connection", "lead", "id"])
def test_nor_is_it_inside_of_another(where: str, text: str) -> None:
    """A snapshot that is sent once more, and what should be written to Lofty."""
    with pytest.raises(InvalidMessage):
        Redelivery.from_bytes(orjson.dumps({"v": 1, "run": "r", "snapshot": {**SNAPSHOT, where: text}}))
    if where != "id":
        write = {"v": 1, "connection": "acme", "lead": "7", "about": "note:n", "target": "note", "state": {}}
        LoftyCommand.from_bytes(orjson.dumps({**write, "at_ms": 1, "accepted_ms": 1}))
        with pytest.raises(InvalidMessage):
            LoftyCommand.from_bytes(orjson.dumps({**write, "at_ms": 1, "accepted_ms": 1, where: text}))


@pytest.mark.parametrize("text", GOOD)
@pytest.mark.parametrize(("word", "facts"), WORDS, ids=[word.__name__ for word, _ in WORDS])
def test_what_is_an_id_reads_back(word: type[Message], facts: dict[str, Any], text: str) -> None:
    read = word.from_bytes(orjson.dumps({**facts, "lead": text, "id": text}))
    assert read.from_bytes(read.to_bytes()) == read
