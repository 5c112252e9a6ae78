"""All settings of a deployment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.auth.keyring import KeyRing
from streams.settings.console import Console, ConsoleSecrets
from streams.settings.model import Connection, GatewaySettings, Kafka, KafkaSecrets, WorkerSettings
from streams.settings.notifications import Notifications, NotificationSecrets
from streams.settings.oauth import OAuth, OAuthSecrets
from streams.settings.overlay import Overlay
from streams.settings.problems import Problem, SettingsError


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where settings came from: the file's text, and how it is parsed again with other edited mappings and connections.

    `parse` raises `SettingsError` with every problem. The rest of the file is as it was when the process started.
    """

    text: str
    source: str
    parse: Callable[[Overlay], Settings]


class Settings(BaseModel):
    """The whole configuration.

    `connections` are by their ids. `mapping_version` counts the edits of mappings that are in it; `mapping_trouble` says why a newer version is not.
    `connection_trouble` says the same of edited connections, by their ids.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    kafka: Kafka
    kafka_secrets: KafkaSecrets = KafkaSecrets()
    gateway: GatewaySettings
    worker: WorkerSettings
    oauth: OAuth = OAuth()
    oauth_secrets: OAuthSecrets = OAuthSecrets()
    console: Console = Console()
    console_secrets: ConsoleSecrets = ConsoleSecrets()
    notifications: Notifications = Notifications()
    notification_secrets: NotificationSecrets = NotificationSecrets()
    connections: dict[str, Connection]
    mapping_version: int = 0
    mapping_trouble: str = ""
    connection_trouble: dict[str, str] = {}
    origin: Annotated[Origin | None, Field(repr=False, exclude=True)] = None

    def with_overlay(self, overlay: Overlay) -> Settings:
        """These settings with the overlay's mappings and connections, and everything else unchanged.

        Raises `SettingsError` with every problem. The overlay's connections have no credentials yet.
        """
        if self.origin is None:
            raise ValueError("settings that were not parsed from a text cannot be parsed again")
        try:
            parsed = self.origin.parse(overlay)
        except SettingsError:
            raise
        except Exception as error:  # whoever can write to the topics of edits must not be able to end a process
            problem = Problem(None, "edits", "edits that can be read", f"a failure: {type(error).__name__}")
            raise SettingsError(self.origin.source, [problem]) from error
        connections = {
            name: one.model_copy(
                update={
                    "mapping": parsed.connections[name].mapping,
                    "mapping_fingerprint": parsed.connections[name].mapping_fingerprint,
                }
            )
            if name in parsed.connections
            else one
            for name, one in self.connections.items()
            if one.managed == "file"
        }
        connections |= {name: one for name, one in parsed.connections.items() if one.managed == "console"}
        return self.model_copy(
            update={"connections": connections, "mapping_version": overlay.version, "mapping_trouble": ""}
        )

    def connection(self, name: str) -> Connection | None:
        """The connection of an id, or of the name that its table has in the file."""
        labelled = (one for one in self.connections.values() if one.label == name)
        return self.connections.get(name) or next(labelled, None)

    def uses_oauth(self, secret: str) -> bool:
        """Whether a connection has OAuth in place of this secret (`ghl_token` or `lofty_api_key`)."""
        return any(one.is_by_oauth(secret) for one in self.connections.values())

    @property
    def key_ring(self) -> KeyRing:
        """The keys that seal tokens. Raises `BrokenKeys` when there are none: `require_secrets` asks for them before."""
        return KeyRing.of(self.oauth_secrets.token_keys.get_secret_value() if self.oauth_secrets.token_keys else "")
