"""An installation of our app that began in GHL's marketplace, on the topic `connections`: it waits until a person pairs its locations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.messages.message import Message

INSTALLATION_KEY = "installation:"
"""How the key of an installation begins; its subject follows."""


class Installation(Message):
    """Access that an agency (`company`) or a single location gave. A record without a value takes it away.

    `subject` is the id of that agency or location, `sealed` its pair of tokens, sealed under one of the keys of
    `LOFTY_GHL_TOKEN_KEYS` for this subject. `locations` are names by id, as GHL listed them at `at_ms` (epoch milliseconds).
    """

    subject: str
    kind: Literal["company", "location"]
    sealed: str
    locations: dict[str, str] = Field(default_factory=dict)
    at_ms: int


def installation_key(subject: str) -> str:
    """Its key on the topic."""
    return f"{INSTALLATION_KEY}{subject}"


def about_installation(subject: str) -> str:
    """What its tokens are sealed about: they open for no other subject."""
    return f"installation {subject}"
