"""Whom the console knows."""

from __future__ import annotations

from streams.console.auth.accounts import Accounts
from streams.settings.password_hashes import token_hash
from tests.unit.streams.console.stage import TOKENS, settings_of


async def test_the_last_use_of_a_token_is_noted_and_of_no_other() -> None:
    """A token that is none leaves no trace, so that guesses do not fill the memory."""
    clock = [1_000]
    accounts = Accounts(settings_of(), lambda: clock[0])
    right, guess = token_hash(TOKENS["robot"]), token_hash("lgt_a-guess")
    assert (accounts.began_ms, accounts.used_ms(right)) == (1_000, None)
    for clock[0] in (2_000, 3_000):
        assert accounts.program(right) is not None
        assert accounts.program(guess) is None
    assert (accounts.used_ms(right), accounts.used_ms(guess)) == (3_000, None)
