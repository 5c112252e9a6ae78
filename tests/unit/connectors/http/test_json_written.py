"""JSON that holds what others wrote is written, whatever that is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from connectors.http.json_reader import write
from streams.console.api.endpoint import json_response

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


class Part(BaseModel):
    """What came from a topic."""

    number: int


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

    parts: tuple[Part, ...]
    total: int
    words: str = ""


def test_good_values_are_written_as_orjson_does() -> None:
    value = {"a": [1, 2.5, None, True, "é"], "b": 2**63}
    assert write(value) == orjson.dumps(value)
    assert write(value, option=orjson.OPT_INDENT_2) == orjson.dumps(value, option=orjson.OPT_INDENT_2)


@given(ANY)
def test_whatever_it_is_it_is_written(value: Any) -> None:
    """And it is JSON."""
    json.loads(write(value))


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30, 10**400])
def test_an_answer_of_the_api_bears_numbers_that_no_counter_has(number: int) -> None:
    """In a page, and in a word inside it; halves of characters, too."""
    page = Page((Part(number=number),), number, "a\ud83c")
    found = json.loads(json_response(page).body or b"")  # type: ignore[arg-type]  # bytes
    assert set(found) == {"parts", "total", "words"}
    assert found["words"] == "a\ufffd"
    assert found["parts"][0]["number"] == found["total"]
    assert isinstance(found["total"], float | None)


def test_what_has_no_json_is_still_an_error() -> None:
    with pytest.raises(TypeError):
        write({"a": object(), "b": 2**70})
