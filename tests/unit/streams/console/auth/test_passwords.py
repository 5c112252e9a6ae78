"""Passwords: made into hashes and verified."""

from __future__ import annotations

from streams.console.auth.passwords import UNKNOWN_USER, hash_password, is_password
from streams.settings.password_hashes import password_hash_problem
from tests.unit.streams.console.stage import cheap_hash


def test_a_hash_takes_its_password_and_no_other() -> None:
    """And the configuration accepts it."""
    hashed = hash_password("correct horse")
    assert is_password(hashed, "correct horse")
    assert not is_password(hashed, "correct horse ")
    assert password_hash_problem(hashed) == ""


def test_a_hash_of_other_costs_is_verified_by_its_own() -> None:
    """So that the costs can be raised without setting every password again."""
    assert is_password(cheap_hash("correct horse"), "correct horse")


def test_nobody_has_no_password() -> None:
    """What unknown names are compared with accepts nothing."""
    assert not is_password(UNKNOWN_USER, "")
    assert password_hash_problem(UNKNOWN_USER) == ""


def test_what_is_no_hash_takes_no_password() -> None:
    assert not is_password("hunter2", "hunter2")
