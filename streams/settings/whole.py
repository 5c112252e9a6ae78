"""All settings of a deployment."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, SecretStr

from connectors.keyring import KeyRing
from streams.settings.console import Console, ConsoleSecrets
from streams.settings.model import Connection, Gateway, Kafka, Worker
from streams.settings.oauth import OAuth, OAuthSecrets


class Settings(BaseModel):
    """The whole configuration."""

    model_config = ConfigDict(frozen=True)

    kafka: Kafka
    kafka_password: SecretStr | None = None
    gateway: Gateway
    worker: Worker
    oauth: OAuth = OAuth()
    oauth_secrets: OAuthSecrets = OAuthSecrets()
    console: Console = Console()
    console_secrets: ConsoleSecrets = ConsoleSecrets()
    connections: dict[str, Connection]

    def uses_oauth(self, secret: str) -> bool:
        """Whether a connection has OAuth in place of this secret (`ghl_token` or `lofty_api_key`)."""
        return any(one.is_by_oauth(secret) for one in self.connections.values())

    @property
    def key_ring(self) -> KeyRing:
        """The keys that seal tokens. Raises `BrokenKeys` when there are none: `require_secrets` asks for them before."""
        return KeyRing.of(self.oauth_secrets.token_keys.get_secret_value() if self.oauth_secrets.token_keys else "")
