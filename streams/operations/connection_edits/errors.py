"""The errors of editing a connection.

::

    ConnectionRefused
    ├── StaleConnection       somebody else changed it meanwhile: look at that change, then save again
    ├── WrongConnection       the connection breaks a rule of the configuration: the error has all its problems
    ├── NoSuchConnection      there is no connection of this name, or it is being removed
    └── ManagedByFile         it is in the configuration file, and is changed there
    NoKeys                    this deployment has no keys to seal credentials with
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.mapping_versions.connection_log import ConnectionVersion
from streams.settings.problems import Problem


class ConnectionRefused(Exception):
    """Root of the errors that the person who edits must fix."""


class StaleConnection(ConnectionRefused):
    """The edit was made on version `expected` of the connection, but `newest` is its newest version."""

    def __init__(self, connection: str, expected: int, newest: ConnectionVersion | None) -> None:
        self.expected = expected
        self.found = newest.number if newest is not None else 0
        self.by = newest.edit.by if newest is not None else ""
        self.at_ms = newest.edit.at_ms if newest is not None else 0
        super().__init__(
            f"you changed version {expected} of connection {connection}, but meanwhile {self.by or 'somebody'} saved version "
            f"{self.found}: look at what changed, then save again"
        )


class WrongConnection(ConnectionRefused):
    """The connection breaks rules. The error has all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(one) for one in self.problems))


class NoSuchConnection(ConnectionRefused):
    """A connection that does not exist, or is being removed; the message says which."""


class ManagedByFile(ConnectionRefused):
    """A connection of the configuration file."""

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"connection {connection} is in the configuration file: change it there, and restart gateways and workers"
        )


class NoKeys(Exception):
    """Credentials cannot be sealed."""

    def __init__(self) -> None:
        super().__init__(
            "credentials are sealed before they are stored, and this deployment has no keys for that: set LOFTY_GHL_TOKEN_KEYS "
            'for gateways and workers (make a key with: echo "$(date +%Y%m):$(openssl rand -base64 32)"), then restart them'
        )
