"""Tokens on their way to the worker that uses them: sealed, never in plain text."""

from __future__ import annotations

from typing import Literal

from streams.messages.message import Message


class SealedToken(Message):
    """A pair of OAuth tokens, sealed under one of the keys of `LOFTY_GHL_TOKEN_KEYS` for this `token` and no other.

    An empty `sealed` takes the tokens away: their connection was removed.

    `token` says whose it is: `ghl:LOCATION` or `lofty-connection:NAME`. `at_ms` is when it was granted (epoch milliseconds).
    `by` says whether it was granted or sealed again under a newer key.
    """

    token: str
    sealed: str
    at_ms: int
    by: Literal["connect", "rotate"] = "connect"
