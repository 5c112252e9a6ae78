"""A token pair: a value that keeps its secrets to itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.auth.token_pair import TokenPair
from connectors.errors import BrokenTokens

PAIR = TokenPair(
    access="acc-s3cret",
    refresh="ref-s3cret",
    obtained_at_ms=1_000,
    expires_at_ms=86_400_000,
    scopes=("contacts.readonly", "contacts.write"),
    user_type="Location",
    location_id="loc1",
    company_id="com1",
    user_id="use1",
    approved_locations=("loc1",),
)


def test_a_pair_survives_json() -> None:
    """All of it."""
    assert TokenPair.from_json(PAIR.to_json()) == PAIR


def test_what_a_newer_program_adds_is_ignored() -> None:
    """An unknown field is no reason to lose an account."""
    content = PAIR.to_json().replace(b'{"version":1', b'{"version":1,"colour":"red"')
    assert TokenPair.from_json(content) == PAIR


@pytest.mark.parametrize("show", [repr, str, lambda pair: f"{pair} {pair!r}"])
def test_no_token_is_in_a_repr(show: object) -> None:
    """What is left shows whose it is."""
    shown = show(PAIR)  # type: ignore[operator]  # a parameter of the test, whatever can be called
    assert "s3cret" not in shown
    assert "loc1" in shown


def test_a_pair_is_frozen() -> None:
    """A new pair is a new value."""
    with pytest.raises(ValidationError):
        PAIR.access = "other"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"access":"acc-s3cret","expires_at_ms":1}', "obtained_at_ms: Field required"),
        (b'{"access":["acc-s3cret"],"obtained_at_ms":1,"expires_at_ms":1}', "access: Input should be a valid string"),
        (b'{"version":2,"access":"acc-s3cret","obtained_at_ms":1,"expires_at_ms":1}', "version: "),
        (b"acc-s3cret", "JSON: Invalid JSON"),
        (b"\xff\xfe", "JSON: Invalid JSON"),
        (b"", "JSON: Invalid JSON"),
    ],
)
def test_what_is_no_pair_is_refused_without_its_content(content: bytes, words: str) -> None:
    """The fields are named, no value is; nor is it in what the error was made from."""
    with pytest.raises(BrokenTokens, match=words) as caught:
        TokenPair.from_json(content)
    assert "s3cret" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
