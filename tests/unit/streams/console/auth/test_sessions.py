"""Signed sessions: nobody can make, change or keep one."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.console.auth.sessions import Seal, Session, read_session, write_session

SEAL = Seal(["first-key-first-key-first-key-first"])
SESSION = Session("id-1", "ann", "operator", "password", 1_000, 9_000, "stamp")


def test_a_session_reads_back_until_it_ends() -> None:
    cookie = write_session(SEAL, SESSION)
    assert read_session(SEAL, cookie, 8_999) == SESSION
    assert read_session(SEAL, cookie, 9_000) is None


def test_a_session_of_the_future_is_none() -> None:
    """A clock that was wrong at its making."""
    assert read_session(SEAL, write_session(SEAL, SESSION), 1_000 - 61_000) is None


def test_a_changed_payload_is_none() -> None:
    """Another role under the old signature."""
    signature = write_session(SEAL, SESSION).rpartition(".")[2]
    forged = Seal(["another-key"]).sign("session", {**asdict(SESSION), "name": "eve"}).rpartition(".")[0]
    assert read_session(SEAL, f"{forged}.{signature}", 2_000) is None


def test_a_signature_for_another_purpose_is_none() -> None:
    """A signed cookie of the sign-in is no session, whatever it contains."""
    assert read_session(SEAL, SEAL.sign("session", asdict(SESSION)), 2_000) == SESSION
    assert read_session(SEAL, SEAL.sign("oidc", asdict(SESSION)), 2_000) is None
    assert SEAL.token("csrf", "id-1") != SEAL.token("guest", "id-1")


def test_a_key_is_changed_without_signing_anybody_out() -> None:
    """The new key signs, the old is believed, then gone."""
    old, both, new = Seal(["o" * 32]), Seal(["n" * 32, "o" * 32]), Seal(["n" * 32])
    assert read_session(both, write_session(old, SESSION), 2_000) == SESSION
    assert read_session(new, write_session(both, SESSION), 2_000) == SESSION
    assert read_session(new, write_session(old, SESSION), 2_000) is None


@given(st.text(max_size=200))
def test_no_text_is_a_session(text: str) -> None:
    """Nor does any make it fail."""
    assert read_session(SEAL, text, 2_000) is None


@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=4))
def test_a_signed_value_of_another_form_is_no_session(value: dict[str, object]) -> None:
    """Such as that of another version of the console."""
    assert read_session(SEAL, SEAL.sign("session", value), 2_000) is None


def test_without_a_key_there_is_no_seal() -> None:
    with pytest.raises(ValueError, match="key"):
        Seal([])
