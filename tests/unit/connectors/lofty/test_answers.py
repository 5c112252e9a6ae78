"""The forms in which Lofty says no."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http.transport import Response
from connectors.lofty.answers import malformed, read_error, refusal


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b'{"code":200100,"message":"no permission"}', 200100, "no permission"),
        (b'{"code":"200100","message":"no permission"}', 200100, "no permission"),
        (b'{"message":"BaseApplicationException:errorCode=20006,errorMsg=Lead not exist"}', 20006, "Lead not exist"),
        (b'"BaseApplicationException:errorCode=20006,errorMsg=Lead not exist"', 20006, "Lead not exist"),
        (b'{"message":"errorCode=20042"}', 20042, "errorCode=20042"),
        (b'"TASK_IS_SMARTPLAN"', None, "TASK_IS_SMARTPLAN"),
        (b'{"message":"Too Many Requests"}', None, "Too Many Requests"),
        (b'{"errorCode":20001,"errorMsg":"wrong"}', 20001, "wrong"),
    ],
)
def test_each_form_gives_its_code_and_words(body: bytes, code: int | None, words: str) -> None:
    """The code may stand inside the message."""
    assert read_error(body) == (code, (words,))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no message"),
        (b"<html><h1>502</h1> Bad Gateway</html>", "502 Bad Gateway"),
        (b"[1]", "[1]"),
        (b'{"a":1}', '{"a":1}'),
    ],
)
def test_what_has_no_form_gives_its_first_words(body: bytes, words: str) -> None:
    """A page of a firewall too."""
    assert read_error(body) == (None, (words,))


def test_a_refusal_carries_status_code_and_rate() -> None:
    """So that the table of outcomes can decide."""
    response = Response(429, {"x-ratelimit-reset": "1500"}, b'{"message":"Too Many Requests"}')
    error = refusal("get-lead", response, now=1_777_570_412.0)
    assert (error.vendor, error.operation, error.status, error.code) == ("lofty", "get-lead", 429, None)
    assert error.rate is not None
    assert error.rate.reset_seconds == 1.5


def test_a_malformed_answer_tells_nothing_of_the_body() -> None:
    """It may hold anything."""
    error = malformed("get-lead", Response(200, {}, b"<secret>"), "JSON", now=0.0)
    assert error.message == "expected JSON, got 8 bytes without"


def test_credentials_that_come_back_are_masked() -> None:
    """An API key is a JWT."""
    _, (words,) = read_error(b'"bad eyJhbGciOi.eyJzdWIiOjE.c2ln and token abcdefghijklmnop1234"')
    assert words == "bad *** and ***"


@given(
    st.binary()
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(
        lambda content: json.dumps(content).encode()
    )
    | st.dictionaries(st.sampled_from(["code", "message", "errorCode"]), st.none() | st.text() | st.integers()).map(
        lambda content: json.dumps(content).encode()
    )
)
def test_no_body_raises(body: bytes) -> None:
    """There always are words."""
    _, (words,) = read_error(body)
    assert words
