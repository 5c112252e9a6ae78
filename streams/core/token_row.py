"""What the table `tokens` holds."""

from __future__ import annotations

from streams.messages.message import Word


class TokenRow(Word):
    """`tokens`: a sealed pair of OAuth tokens, and when it was granted or renewed (epoch milliseconds)."""

    sealed: str
    at_ms: int
