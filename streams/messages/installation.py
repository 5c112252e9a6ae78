"""Installations of our app that began in GHL's marketplace, on the topic `connections`: they wait until a person pairs their locations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.messages.message import Message

INSTALLATION_KEY = "installation:"
"""How the key of an installation begins; its subject follows."""

LOCATION_KEY = "location:"
"""How the key of a report on an agency's location begins; the location follows."""

MOST_INSTALLATIONS = 500
"""How many are kept. Whoever finds the app in the marketplace can install it, and every gateway holds them all in memory."""


class Installation(Message):
    """Access that an agency (`company`) or a single location gave. A record without a value takes it away.

    `subject` is the id of that agency or location, `sealed` its pair of tokens, sealed under one of the keys of
    `LOFTY_GHL_TOKEN_KEYS` for this subject. `locations` are names by id, as GHL listed them at `at_ms`, or again at `listed_ms`
    (epoch milliseconds).
    `kind` says which of them it is.
    """

    subject: str
    kind: Literal["company", "location"]
    sealed: str
    locations: dict[str, str] = Field(default_factory=dict)
    at_ms: int
    listed_ms: int = 0


class LocationReport(Message):
    """GHL's webhook said at `at_ms` that the app was installed in a location of an agency, or removed from it.

    It is a record of its own, because only the console writes an agency's tokens: a gateway that wrote them, too, could bring back
    tokens that were renewed meanwhile.
    `location` and `company` are GHL's ids, `is_installed` says which of the two happened.
    """

    location: str
    company: str
    is_installed: bool
    at_ms: int


def installation_key(subject: str) -> str:
    """Its key on the topic."""
    return f"{INSTALLATION_KEY}{subject}"


def location_key(location: str) -> str:
    """The key of the report on a location."""
    return f"{LOCATION_KEY}{location}"


def about_installation(subject: str) -> str:
    """What its tokens are sealed about: they open for no other subject."""
    return f"installation {subject}"
