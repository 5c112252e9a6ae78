"""`[console]`: who may look and act in the browser and over the HTTP API."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from streams.settings.model import BaseUrl, Present, SettingsTable, wrong
from streams.settings.password_hashes import is_token_hash, password_hash_problem

Role = Literal["viewer", "operator", "admin"]
"""`viewer` reads, `operator` also acts, `admin` also says who has access."""


def _password_hash(value: SecretStr) -> SecretStr:
    if problem := password_hash_problem(value.get_secret_value()):
        raise wrong("a hash, never the password: lofty-ghl console hash-password makes one", problem)
    return value


def _token_hash(value: SecretStr) -> SecretStr:
    if not is_token_hash(value.get_secret_value()):
        raise wrong("a hash, never the token: lofty-ghl console new-token makes both", "it begins with sha256:")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}", value):
        raise wrong("a name of letters, digits and . _ @ + -, such as ann or ann@example.com")
    return value


def _connections(value: list[str] | None) -> list[str] | None:
    if value is not None and not value:
        raise wrong("at least one connection; leave connections out for all of them", "an empty list")
    return value


Name = Annotated[str, AfterValidator(_name)]
SomeConnections = Annotated[list[str] | None, AfterValidator(_connections)]
"""The ids of the connections that somebody sees; None for all."""


class _WithAccess(SettingsTable):
    """Somebody with a role, and with the connections that they see."""

    name: Name
    role: Role
    connections: SomeConnections = None

    @model_validator(mode="after")
    def _admins_see_all(self) -> Self:
        if self.role == "admin" and self.connections is not None:
            raise wrong("no connections beside the role admin, who sees all of them", ", ".join(self.connections))
        return self


class ConsoleUser(_WithAccess):
    """`[[console.users]]`: somebody who signs in with a password."""

    password_hash: Annotated[SecretStr, AfterValidator(_password_hash)]


class ConsoleToken(_WithAccess):
    """`[[console.tokens]]`: a program that uses the API."""

    hash: Annotated[SecretStr, AfterValidator(_token_hash)]


class Oidc(SettingsTable):
    """`[console.oidc]`: sign-in at a provider of OpenID Connect.

    `name_claim` is who somebody is, `role_claim` what `admins`, `operators` and `viewers` are compared with, text or list; `*` is
    anybody whom the provider knows. Whoever is in none has no access.
    `connections` gives the connections that a group sees (`*` for all): with it, whoever is in no such group has no access.
    Its groups are compared with `connections_claim`, which is the `role_claim` where it is left out.
    """

    issuer: BaseUrl
    client_id: Present
    name: Present = "single sign-on"
    scopes: list[str] = Field(default_factory=lambda: ["openid", "profile", "email"])
    name_claim: Present = "email"
    role_claim: Present = "groups"
    admins: list[str] = Field(default_factory=list)
    operators: list[str] = Field(default_factory=list)
    viewers: list[str] = Field(default_factory=list)
    connections: dict[str, list[str]] = Field(default_factory=dict)
    connections_claim: Present | None = None


class Console(SettingsTable):
    """The console as a whole. `data_dir` is where the index lies; by default a folder `console` in the worker's.

    Without `operators_edit_connections` only admins add, change and remove connections, and paste their keys.
    """

    enabled: bool = False
    session_hours: Annotated[float, Field(ge=0.01, le=720, description="a number of hours, up to 720")] = 12.0
    data_dir: Present | None = None
    index: bool = True
    operators_edit_connections: bool = True
    users: list[ConsoleUser] = Field(default_factory=list)
    tokens: list[ConsoleToken] = Field(default_factory=list)
    oidc: Oidc | None = None


class ConsoleSecrets(BaseModel):
    """What the environment has for it. `keys` sign sessions: the first signs, all are believed."""

    model_config = ConfigDict(frozen=True)

    keys: tuple[SecretStr, ...] = ()
    oidc_client_secret: SecretStr | None = None
    tokens: tuple[ConsoleToken, ...] = ()
