"""What the table `tokens` holds."""

from __future__ import annotations

from streams.messages.message import Message


class TokenRow(Message):
    """`tokens`: a sealed pair of OAuth tokens, and when it was granted or renewed (epoch milliseconds)."""

    sealed: str
    at_ms: int
