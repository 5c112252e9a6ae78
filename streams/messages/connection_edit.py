"""What travels on the topic `connections`: edits of connections, and credentials that were pasted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from streams.messages.message import Message

ConnectionEditKind = Literal["set", "remove", "removed"]

CREDENTIAL_KEY = "credential:"
"""How the key of a credential begins. The key of an edit is its id, which has no colon."""


class ConnectionEdit(Message):
    """One change of a connection, and the version of this connection that it was made on.

    An edit counts only if `based_on` is still the connection's newest version when it is read; 0 means that there was none.

    - `set`: the connection has this `table` from now on, as `[connections.LABEL]` in the configuration file.
    - `remove`: the connection works no more; its subscriptions, tokens and credentials are being removed.
    - `removed`: they are gone. `words` say what could not be removed, and why.

    `connection` is the permanent id. `id` is random: the process that saved an edit finds it again by it. `at_ms` is epoch
    milliseconds.
    `kind` says what is done, `by` is who did it. `label` is the name that people see, empty for none.
    """

    id: str
    connection: str
    based_on: int
    kind: ConnectionEditKind
    label: str = ""
    table: dict[str, Any] = Field(default_factory=dict)
    words: str = ""
    at_ms: int
    by: str


class SealedCredential(Message):
    """A credential of a connection, sealed under one of the keys of `LOFTY_GHL_TOKEN_KEYS` for this connection and `secret`.

    `secret` is a name of `CONNECTION_SECRETS`. Each has a key of its own, so a record without a value removes it.
    `at_ms` is when it was pasted. Sealed again under a newer key it keeps that time: it never takes the place of one that was
    pasted meanwhile (`replaces`).
    `connection` is the id of its connection, `sealed` the credential, `by` who pasted it.
    """

    connection: str
    secret: str
    sealed: str
    at_ms: int
    by: str = ""

    def replaces(self, before: SealedCredential | None) -> bool:
        """Whether this one counts, coming after `before` on the topic."""
        return before is None or self.at_ms >= before.at_ms


def credential_key(connection: str, secret: str) -> str:
    """The key of a connection's credential on the topic."""
    return f"{CREDENTIAL_KEY}{connection}:{secret}"


def about_credential(connection: str, secret: str) -> str:
    """What a credential is sealed about: it opens for no other connection, and for no other secret."""
    return f"connection {connection} {secret}"
