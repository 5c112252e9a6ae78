"""The page of the audit."""

from __future__ import annotations

from typing import get_args

from streams.console.auth.audit_actions import Action
from streams.console.pages.views.audit_view import ACTIONS


def test_every_act_has_words_of_its_own() -> None:
    """Nobody reads the name that the program has for it."""
    assert set(ACTIONS) == set(get_args(Action))
    assert len(set(ACTIONS.values())) == len(ACTIONS)
