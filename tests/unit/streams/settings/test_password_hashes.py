"""The form of password hashes, and hashes of tokens."""

from __future__ import annotations

import pytest

from streams.settings import SettingsError, parse_settings
from streams.settings.password_hashes import is_token_hash, password_hash_problem, token_hash

END = "MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
SCRYPT = "scrypt:15:8:3:ZGVtby1zYWx0LW9mLTE2Yg==:19BaFrn096yJUUtj6AgNnI/hKFyEDYb7s5RuALJ5vEU="


def test_an_argon2_hash_is_one() -> None:
    assert password_hash_problem(f"$argon2id$v=19$m=32768,t=3,p=1${END}") == ""


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "",
        f"$argon2id$v=19$m=32768,t=3,p=1${END}!",
        f"$argon2i$v=19$m=32768,t=3,p=1${END}",
        f"$argon2id$v=19$m=8,t=1,p=1${END}",
        f"$argon2id$v=19$m=4194304,t=3,p=1${END}",
        f"$argon2id$v=19$m=32768,t=3000,p=1${END}",
        f"$argon2id$v=19$m=32768,t=3,p=1$MDEy{END[22:]}",
        "$2b$12$MDEyMzQ1Njc4OWFiY2RlZg",
    ],
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    """A password in its place, a weak or a ruinous parameter."""
    problem = password_hash_problem(text)
    assert problem
    assert not text or text not in problem


def test_a_hash_of_an_older_version_says_what_to_run() -> None:
    user = f'[console]\n[[console.users]]\nname = "ann"\nrole = "viewer"\npassword_hash = "{SCRYPT}"\n'
    with pytest.raises(SettingsError) as caught:
        parse_settings(user, {})
    text = str(caught.value)
    assert "lofty-ghl console hash-password" in text
    assert "an scrypt hash of an older version: set the password again" in text
    assert SCRYPT not in text


def test_a_tokens_hash_is_told_from_a_token() -> None:
    """So that a token itself is never taken for its hash."""
    assert is_token_hash(token_hash("lgt_abc"))
    assert not is_token_hash("lgt_abc")
