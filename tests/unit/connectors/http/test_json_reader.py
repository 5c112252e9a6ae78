"""What others wrote is read whatever is wrong with it, or refused; what is read can be written again."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.http.json_reader import (
    MOST_CONTAINERS,
    MOST_DEPTH,
    ORJSON_WRITES,
    REPLACED_CHARACTERS,
    REPLACED_NUMBERS,
    UnreadableJson,
    printable,
    read,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
PIECES = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b"\\", b" ", b"\n", b"\t", b"\x0b", b"\x00", b"\x1f"),
        *(b"\\ud83c", b"\\udf89", b"\\u0000", b"\\u000b", b"\xff", b"\xed\xa0\xbd", b"\xc3", b"\xf0\x9f\x8e\x89"),
        *(b"NaN", b"-Infinity", b"1e999", b"-1e999", b"1" * 30, b"9" * 5000, b"18446744073709551616", b"-0", b"0.1"),
        *(b"true", b"null", b"\xef\xbb\xbf", b"\xff\xfe", b"[" * 70, b"]" * 70, b"[" * 1500, b'{"a":' * 300),
    ]
)
ODD = st.lists(PIECES, max_size=12).map(b"".join)
AROUND = st.tuples(st.sampled_from([b"", b'["', b'{"a":"', b'{"a":', b"["]), ODD).map(b"".join)
CLOSED = st.tuples(AROUND, st.sampled_from([b"", b'"]', b'"}', b"}", b"]"])).map(b"".join)


def accepted(raw: bytes) -> Any:
    """What is read, None when it is refused."""
    try:
        return read(raw).value
    except UnreadableJson:
        return None


@given(st.binary(max_size=200) | ODD | CLOSED)
@example(b"[" * 300 + b"]" * 300)
@example(b'{"\\ud83c":"\\ud83c"}')
@example(b"[NaN,1e999,123456789012345678901234567890]")
def test_whatever_is_read_can_be_written_and_reads_back(raw: bytes) -> None:
    """No bytes make anything but a value that can be written, or an `UnreadableJson`."""
    value = accepted(raw)
    assert orjson.loads(orjson.dumps(value)) == value


@given(JSON)
def test_good_json_is_read_as_it_is(value: Any) -> None:
    """And without a flag."""
    assert read(orjson.dumps(value)) == (value, ())


@given(JSON, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_an_encoding_with_its_mark_is_no_fault(value: Any, encoding: str) -> None:
    """A byte order mark, or another encoding that JSON once allowed, changes nothing."""
    assert read(json.dumps(value).encode(encoding)) == (value, ())


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"\\ud83c"', "\ufffd"),
        (b'"Ann \\ud83c and \\udf89"', "Ann \ufffd and \ufffd"),
        (b'{"\\ud83c":{"a":["x\\udfff"]}}', {"\ufffd": {"a": ["x\ufffd"]}}),
        (b'"\xff"', "\ufffd"),
        (b'["caf\xe9"]', ["caf\ufffd"]),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'\xef\xbb\xbf["\xff"]', ["\ufffd"]),
        (b'["\\ud83c\\udf89", "\\ud83c"]', ["\U0001f389", "\ufffd"]),
    ],
)
def test_what_is_no_character_is_replaced_and_flagged(raw: bytes, value: Any) -> None:
    """The rest of the text stays, whole emojis too."""
    assert read(raw) == (value, (REPLACED_CHARACTERS,))


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 400, b"9" * 50_000])
def test_what_is_no_number_is_null_and_flagged(number: bytes) -> None:
    """JSON has no word for them."""
    assert read(b'{"a":[' + number + b"]}") == ({"a": [None]}, (REPLACED_NUMBERS,))


def test_a_great_whole_number_is_the_nearest_float_on_both_paths() -> None:
    """As orjson reads it; 64 bits stay exact."""
    numbers = b"[123456789012345678901234567890,18446744073709551615,-9223372036854775808,18446744073709551616]"
    fast, slow = read(numbers).value, read(b"[" + numbers + b',"\x0b"]').value[0]
    assert fast == slow
    assert [type(one) for one in fast] == [type(one) for one in slow] == [float, int, int, float]


@pytest.mark.parametrize("character", [chr(code) for code in range(32)])
def test_control_characters_in_texts_are_taken_as_they_are(character: str) -> None:
    """GHL leaves them in notes. Nothing is lost, so nothing is flagged."""
    assert read(f'{{"body":"one{character}two"}}'.encode()) == ({"body": f"one{character}two"}, ())


def test_the_last_of_equal_keys_counts_on_both_paths() -> None:
    """As in each reader of the project."""
    assert read(b'{"a":1,"a":2}').value == read(b'\xef\xbb\xbf{"a":1,"a":2}').value == {"a": 2}


@pytest.mark.parametrize(
    ("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]"), (b'[1, {"b":[],"a":', b"}, 2]")]
)
@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 253, 255, 1000, 1024, 2000, 200_000])
@pytest.mark.parametrize("odd", [b"1", b'"\x0b"', b'""', b'["]]]]"]', b'{"}}}}":"{{{{"}'])
def test_what_is_nested_too_deep_is_refused(begin: bytes, end: bytes, depth: int, odd: bytes) -> None:
    """On both paths, and at any depth."""
    with pytest.raises(UnreadableJson):
        read(begin * depth + odd + end * depth)


@pytest.mark.parametrize("odd", [b"", b'"\x0b"'])
def test_the_depth_that_is_allowed_is_read(odd: bytes) -> None:
    """Exactly so many levels; beside as many brackets as there may be."""
    assert read(b"[" * MOST_DEPTH + odd + b"]" * MOST_DEPTH)
    assert len(read(b"[" + b"[]," * 1000 + b'"[[[["' + b"]").value) == 1001


@pytest.mark.parametrize("most", [1, 10, MOST_DEPTH, 200, ORJSON_WRITES, ORJSON_WRITES + 1, 500])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("odd", [b"1", b'"\x0b"'])
def test_another_depth_is_held_as_exactly(most: int, begin: bytes, end: bytes, odd: bytes) -> None:
    """Also where orjson could not write it: so deep and no deeper."""
    assert read(begin * most + odd + end * most, most_depth=most)
    with pytest.raises(UnreadableJson, match=f"at most {most} deep"):
        read(begin * (most + 1) + odd + end * (most + 1), most_depth=most)


def test_more_lists_and_objects_than_may_be_are_refused() -> None:
    """Two bytes each there, sixty here."""
    with pytest.raises(UnreadableJson, match="objects and lists"):
        read(b"[" + b"{}," * MOST_CONTAINERS + b"1]")


@pytest.mark.parametrize("raw", [b"", b" ", b"{", b"<html>", b"{'a':1}", b'"abc', b"[1,]", b"nul", b"{} {}", b"\x00"])
def test_what_is_no_json_is_refused_in_words(raw: bytes) -> None:
    """The error says what was expected, what came, and where; no content."""
    with pytest.raises(UnreadableJson) as raised:
        read(b"secret" + raw)
    assert raised.value.expected == "JSON"
    assert raised.value.where == "line 1 column 1"
    assert "secret" not in str(raised.value)


@given(st.text() | st.text(st.characters(categories=["Cs", "Cc", "Lu"])))
def test_a_text_of_theirs_is_printable_afterwards(text: str) -> None:
    """Whatever it holds: it is one line, can be encoded, and is no longer than said."""
    found = printable(text, 20)
    assert found.isprintable()
    found.encode()
    assert len(found) == min(len(text), 20)
