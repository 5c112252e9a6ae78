"""Words read back as they were written, by older and newer workers, and anything else says what is wrong."""

from __future__ import annotations

from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.messages import Change, InvalidMessage, Message, Parked, Receipt, Snapshot

CHANGE: dict[str, Any] = {
    "connection": "c",
    "lead": "600000000000000077",
    "kind": "note",
    "id": "9223372036854775807",
    "operation": "updated",
    "update_time_ms": 1_700_000_000_123,
    "accepted_ms": 1_700_000_000_456,
}
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
WORDS: list[type[Message]] = [Change, Snapshot, Receipt, Parked]


NUMBERS = st.integers(0, 2**53 - 1)


_LETTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters=":")
IDS = st.text(_LETTERS, min_size=1, max_size=20).filter(lambda text: text not in (".", ".."))
"""What a part of a key can be."""
KEYS: dict[str, st.SearchStrategy[Any]] = {"connection": IDS, "lead": IDS, "id": IDS}


def words(word: type[Message], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    """Words of one kind, with numbers that JSON can carry."""
    numbers = {
        name: NUMBERS for name, of in word.model_fields.items() if int in (of.annotation, *get_args(of.annotation))
    }
    return st.builds(word, **{**numbers, **fields})


@given(
    st.one_of(
        words(Change, v=st.just(1), **KEYS),
        words(Snapshot, v=st.just(1), **KEYS, state=st.none() | st.dictionaries(TEXT, JSON, max_size=4)),
        words(Receipt, v=st.just(1), **KEYS),
        words(Parked, v=st.just(1), original=st.binary().map(Parked.encode)),
    )
)
def test_every_word_reads_back(word: Message) -> None:
    """Bytes and back, whatever it holds."""
    assert type(word).from_bytes(word.to_bytes()) == word


def test_ids_travel_as_strings() -> None:
    """Lofty's are 64-bit numbers that some JSON readers round."""
    raw = Change.model_validate(CHANGE).to_bytes()
    assert b'"id":"9223372036854775807"' in raw


def test_a_value_is_json_with_a_version_number() -> None:
    """Anything can read the topics."""
    assert orjson.loads(Change.model_validate(CHANGE).to_bytes()) == {
        **CHANGE,
        "v": 1,
        "origin": "webhook",
        "trace": "",
        "only_moved": False,
        "may_be_unknown": False,
        "hanging": [],
    }


def test_a_field_of_tomorrow_is_ignored() -> None:
    """An old worker reads what a new one wrote."""
    raw = orjson.dumps({**CHANGE, "invented_later": {"a": 1}})
    assert Change.from_bytes(raw) == Change.model_validate(CHANGE)


def test_a_word_is_frozen() -> None:
    """A value that travels is never changed in place."""
    change = Change.model_validate(CHANGE)
    with pytest.raises(ValueError, match="frozen"):
        change.lead = "8"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (None, "expected a Change: the record has no value"),
        (b"", "expected a Change: expected JSON, got 0 bytes that are none"),
        (b"\xff\x00", "expected a Change: expected JSON, got 2 bytes that are none"),
        (b"[]", "expected a Change: the value: Input should be an object"),
        (b"null", "expected a Change: the value: Input should be an object"),
        (orjson.dumps({**CHANGE, "kind": "person"}), "expected a Change: kind: Input should be 'contact', 'note'"),
        (
            orjson.dumps({**CHANGE, "update_time_ms": "soon"}),
            "expected a Change: update_time_ms: Input should be a valid",
        ),
        (orjson.dumps({k: v for k, v in CHANGE.items() if k != "lead"}), "expected a Change: lead: Field required"),
        (orjson.dumps({**CHANGE, "accepted_ms": 2**53}), "expected a Change: accepted_ms: Input should be less than"),
        (
            orjson.dumps({**CHANGE, "accepted_ms": -(2**53)}),
            "expected a Change: accepted_ms: Input should be greater than",
        ),
        (orjson.dumps({**CHANGE, "v": 2}), "expected a Change: version 2 is newer than 1: upgrade this worker"),
    ],
)
def test_what_is_no_word_says_what_is_wrong(raw: bytes | None, says: str) -> None:
    """The word that was expected, the field, and the reason: this is what a parked record shows."""
    with pytest.raises(InvalidMessage) as raised:
        Change.from_bytes(raw)
    assert str(raised.value).startswith(says)
    assert raised.value.expected == "Change"


@given(raw=st.binary(max_size=60), word=st.sampled_from(WORDS))
def test_no_bytes_raise_anything_else(raw: bytes, word: type[Message]) -> None:
    """A bad record is always distinguished from a defect."""
    with pytest.raises(InvalidMessage):
        word.from_bytes(raw)


def test_a_secret_looking_value_is_not_quoted_in_the_reason() -> None:
    """The reason names the field, the original bytes are kept elsewhere."""
    with pytest.raises(InvalidMessage) as raised:
        Change.from_bytes(orjson.dumps({**CHANGE, "accepted_ms": "s3cret"}))
    assert "s3cret" not in str(raised.value)


@given(st.binary(max_size=50))
def test_a_parked_record_holds_the_original_bytes(raw: bytes) -> None:
    """Byte for byte, whatever they were."""
    parked = Parked(stage="intake", reason="not json", message="", at_ms=0, source="x", original=Parked.encode(raw))
    assert Parked.from_bytes(parked.to_bytes()).original_bytes() == raw


def test_a_tombstone_is_parked_as_no_bytes() -> None:
    """A record without a value has nothing to keep."""
    assert Parked.encode(None) == ""


def test_a_snapshot_without_state_is_of_something_gone() -> None:
    """Gone and empty are two things."""
    facts = {"connection": "c", "lead": "7", "kind": "contact", "id": "7", "version_ms": 1, "fingerprint": "f"}
    times = {"read_ms": 1, "update_time_ms": 1, "accepted_ms": 1}
    assert Snapshot.model_validate({**facts, **times, "state": None}).is_gone
    assert not Snapshot.model_validate({**facts, **times, "state": {}}).is_gone
