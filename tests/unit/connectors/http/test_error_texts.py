"""Vendors' words are kept short and without tokens, and no text makes reading them slow."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import VendorError
from connectors.ghl.answers import refusal as ghl_refusal
from connectors.http.error_texts import (
    LONGEST_ID,
    LONGEST_KEPT,
    LONGEST_READ,
    MOST_TEXTS,
    error_texts,
    page_text,
    short_id,
)
from connectors.http.request import Response
from connectors.lofty.answers import refusal as lofty_refusal
from connectors.outcome import classify

SIGNED = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PRIVATE = "pit-01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    "secret", [SIGNED, SIGNED.rpartition(".")[0], PRIVATE, PRIVATE.upper(), "Bearer abc", f"token {'k' * 32}"]
)
@pytest.mark.parametrize("around", ["{}", "bad {} here", "({})", "x={}", "a {}, b {}", "{}\n{}", "key:{}"])
def test_a_token_in_their_words_is_struck_out(secret: str, around: str) -> None:
    """Wherever it stands, and whatever stands around it."""
    (said,) = error_texts([around.replace("{}", secret)])
    assert "***" in said
    assert secret.split()[-1][:12] not in said


@pytest.mark.parametrize(
    "words",
    [
        *("Contact not found for id:abcDEF0123456789", "The token has expired", "token is not valid for this"),
        *(
            "https://docs.example.com/path/to/page?x=1",
            "eyJ",
            "pit-",
            "a pit-stop",
            "Bad Request",
            "no dots eyJabcdefgh",
        ),
    ],
)
def test_ordinary_words_are_kept(words: str) -> None:
    """Only what looks like a token is one."""
    assert error_texts([words]) == (words,)


@given(st.integers(LONGEST_READ - 60, LONGEST_READ + 10), st.sampled_from([SIGNED, PRIVATE]))
def test_a_token_that_the_cut_shortens_does_not_show(at: int, secret: str) -> None:
    """Even where what stood before it has become short."""
    before = f"Bearer {'x' * (at - 8)} "
    (said,) = error_texts([before + secret + " end" * 100])
    assert secret[:8] not in said


@given(st.lists(st.text(max_size=700), max_size=12))
def test_what_is_kept_is_bounded_and_printable(texts: list[str]) -> None:
    """In number and in length; never nothing."""
    said = error_texts(texts)
    assert 1 <= len(said) <= MOST_TEXTS
    assert all(len(one) <= LONGEST_KEPT and one.isprintable() for one in said)
    "".join(said).encode()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("abc", "abc"),
        (7, "7"),
        ("", None),
        (None, None),
        (True, None),
        ({"a": 1}, None),
        ("a\nb\ud83c", "a\ufffdb\ufffd"),
    ],
)
def test_an_id_of_theirs_is_short_and_printable(value: object, kept: str | None) -> None:
    """A trace id may come in a header or a body, as anything."""
    assert short_id(value) == kept
    assert len(short_id("x" * 10_000) or "") == LONGEST_ID


UNITS = {
    "signed tokens": "eyJ",
    "signed tokens with dots": "eyJa.",
    "a name": "contact ",
    "a name and an id": "contact with id:",
    "a calendar": "calendar ",
    "private tokens": "pit-",
    "long private tokens": "pit-aaaaaaaa",
    "schemes": "Bearer ",
    "token": "token ",
    "brackets": "<",
    "open tags": "<a ",
    "spaces": " ",
    "codes": "errorCode=1 ",
    "codes with spaces": "errorCode=1" + " " * 50,
    "names of Lofty's": "a_not_exist_",
    "dots": ".",
    "word characters": "a",
    "newlines": "\n",
    "quotes": '"',
    "backslashes": "\\",
    "an emoji": "\U0001f389",
}
"""Texts that are repeated to a megabyte. Each made an expression start again at every position, or might."""

WRAPPED: dict[str, Callable[[str], bytes]] = {
    "a page": str.encode,
    "a message": lambda text: orjson.dumps({"message": text}),
    "a list": lambda text: orjson.dumps({"message": [text] * 3}),
    "many": lambda text: orjson.dumps({"message": [text[:400]] * (len(text) // 400)}),
    "an object": lambda text: orjson.dumps({"message": {"message": text}}),
    "a code inside": lambda text: orjson.dumps({"message": f"errorCode=20006,errorMsg={text}"}),
}


def read(body: bytes, status: int) -> None:
    """What becomes of a refusal: its words, and what it leads to."""
    headers = {"x-trace-id": "t"}
    errors: list[VendorError] = [
        ghl_refusal("create-contact", Response(status, headers, body)),
        lofty_refusal("get-lead", Response(status, headers, body), now=0.0),
    ]
    for error in errors:
        classify(error)
        assert len(str(error)) < 10_000


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_of_anything_costs_no_more_than_its_length(unit: str, wrapped: str) -> None:
    """Ten times as much costs at most about ten times as much: quadratic, it would be a hundred times."""
    least = [float("inf"), float("inf")]
    bodies = [WRAPPED[wrapped](UNITS[unit] * (size // len(UNITS[unit]))) for size in (100_000, 1_000_000)]
    for _ in range(2):
        for place, body in enumerate(bodies):
            began = time.process_time()
            for status in (400, 404):
                read(body, status)
            least[place] = min(least[place], time.process_time() - began)
    assert least[1] < 40 * max(least[0], 0.002)


def test_the_expressions_see_a_bounded_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes, no expression of ours is given more than the words that are kept of it."""
    module = sys.modules["connectors.http.error_texts"]
    seen: list[int] = []

    class Watched:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self._pattern = pattern

        def sub(self, by: str | Callable[[re.Match[str]], str], text: str) -> str:
            seen.append(len(text))
            return self._pattern.sub(by, text)

    for name in ("_SCHEMES", "_RUNS", "_TAGS"):
        monkeypatch.setattr(module, name, Watched(getattr(module, name)))
    error_texts(["x" * 1_000_000] * 100)
    page_text(b"<" * 1_000_000)
    assert seen
    assert max(seen) <= LONGEST_READ
    assert len(seen) <= 2 * MOST_TEXTS + 1
