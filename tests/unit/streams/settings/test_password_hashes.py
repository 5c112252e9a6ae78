"""Hashes of passwords and tokens."""

from __future__ import annotations

import pytest

from streams.settings.password_hashes import NOBODY, NotAHash, PasswordHash, is_token_hash, token_hash

SALT = b"0123456789abcdef"


def test_a_hash_takes_its_password_and_no_other() -> None:
    """Read back from its text."""
    found = PasswordHash.parse(str(PasswordHash.of("correct horse", SALT)))
    assert found.takes("correct horse")
    assert not found.takes("correct horse ")


def test_equal_passwords_have_other_hashes_with_other_salts() -> None:
    """So that one found password does not give away the others."""
    assert str(PasswordHash.of("same", SALT)) != str(PasswordHash.of("same", SALT[::-1]))


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "",
        "scrypt:15:8:3:!!:AAAA",
        "scrypt:1:8:3:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "scrypt:20:32:16:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "scrypt:15:8:3:MDEy:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "bcrypt:15:8:3:MDEyMzQ1Njc4OWFiY2RlZg==:MDEyMzQ1Njc4OWFiY2RlZg==",
    ],
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    """A password in its place, a weak or a ruinous parameter."""
    with pytest.raises(NotAHash):
        PasswordHash.parse(text)


def test_nobody_has_no_password() -> None:
    """What unknown names are compared with takes nothing."""
    assert not NOBODY.takes("")
    assert PasswordHash.parse(str(NOBODY)) == NOBODY


def test_a_tokens_hash_is_told_from_a_token() -> None:
    """So that a token itself is never taken for its hash."""
    assert is_token_hash(token_hash("lgt_abc"))
    assert not is_token_hash("lgt_abc")
