"""The connections as the handlers of webhooks look them up; replaced as a whole when edits change them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from streams.messages.installation import Installation
from streams.oauth.grants import Grants
from streams.settings import Connection, Settings
from streams.settings.partitions import ConnectionPartitions


@dataclass(frozen=True, slots=True)
class ConnectionLookup:
    """The settings in force, with what is looked up in them for each delivery. No secret shows in a `repr`."""

    settings: Settings
    secrets: tuple[tuple[bytes, Connection], ...]
    partitions: Mapping[str, int]
    owners: Mapping[str, str]
    grants: Grants | None

    @classmethod
    def of(cls, settings: Settings) -> ConnectionLookup:
        """The lookup of these settings. Connections that share a location count as its first."""
        connections, partitions = settings.connections.values(), ConnectionPartitions(settings)
        return cls(
            settings=settings,
            secrets=tuple(
                (secret.get_secret_value().encode(), connection)
                for connection in connections
                for secret in (connection.secrets.webhook_secret, connection.secrets.webhook_secret_before)
                if secret is not None
            ),
            partitions={one.ghl.location_id: partitions.ghl(one) for one in connections},
            owners={one.ghl.location_id: one.name for one in reversed(connections)},
            grants=Grants.of(settings) if settings.oauth_secrets.token_keys is not None else None,
        )

    def __repr__(self) -> str:
        return f"ConnectionLookup({', '.join(self.settings.connections)})"

    def with_webhook_secret(self, secret: str) -> Connection | None:
        """The connection whose secret this is. Every secret is compared, in constant time."""
        found = None
        for expected, connection in self.secrets:
            if hmac.compare_digest(expected, secret.encode()):
                found = connection
        return found


class LiveConnections:
    """`now` is the newest lookup. A handler takes it once for each delivery.

    `installed` are the installations that began in GHL's marketplace, and `incomplete` the locations of connections that wait for
    a key: they are not served yet, and known all the same.
    """

    def __init__(self, settings: Settings) -> None:
        self.now = ConnectionLookup.of(settings)
        self.installed: Mapping[str, Installation] = {}
        self.incomplete: frozenset[str] = frozenset()

    def take_over(self, settings: Settings) -> None:
        """Use these settings for the deliveries that come from now on."""
        self.now = ConnectionLookup.of(settings)
