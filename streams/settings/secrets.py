"""Credentials: from the environment or from files named there, never from the configuration file.

A connection's variables are `LOFTY_GHL_<NAME>_LOFTY_API_KEY`, `…_GHL_TOKEN` and `…_WEBHOOK_SECRET`, and while that one is being
changed `…_WEBHOOK_SECRET_BEFORE`;
`<NAME>` is the connection's name in upper case with underscores.
Each may end in `_FILE` instead, and then names a file that holds the credential.
`LOFTY_GHL_SECRETS_DIR` names a folder of such files, each called like its variable: what Compose and Kubernetes mount.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from connectors.auth.keyring import KeyRing
from connectors.errors import BrokenKeys
from streams.settings.model import KafkaSecrets, Secrets
from streams.settings.oauth import OAuthSecrets
from streams.settings.problems import Problem

PREFIX = "LOFTY_GHL_"
KAFKA_PASSWORD = PREFIX + "KAFKA_PASSWORD"
KAFKA_KEY_PASSWORD = PREFIX + "KAFKA_KEY_PASSWORD"
KAFKA_CLIENT_SECRET = PREFIX + "KAFKA_CLIENT_SECRET"
GHL_CLIENT_SECRET = PREFIX + "OAUTH_GHL_CLIENT_SECRET"
LOFTY_CLIENT_SECRET = PREFIX + "OAUTH_LOFTY_CLIENT_SECRET"
TOKEN_KEYS = PREFIX + "TOKEN_KEYS"
CONSOLE_KEY = PREFIX + "CONSOLE_KEY"
CONSOLE_OIDC_SECRET = PREFIX + "CONSOLE_OIDC_CLIENT_SECRET"
CONSOLE_TOKENS = PREFIX + "CONSOLE_TOKENS"
SECRETS_DIR = PREFIX + "SECRETS_DIR"
KAFKA_SECRETS = {"password": KAFKA_PASSWORD, "key_password": KAFKA_KEY_PASSWORD, "client_secret": KAFKA_CLIENT_SECRET}
"""Each of Kafka's secrets, and its variable."""
SUFFIXES: dict[str, str] = {
    "lofty_api_key": "LOFTY_API_KEY",
    "ghl_token": "GHL_TOKEN",
    "webhook_secret": "WEBHOOK_SECRET",
    "webhook_secret_before": "WEBHOOK_SECRET_BEFORE",
}
"""Each secret of a connection, and how its variable ends."""

ReadFile = Callable[[str], str]

_SECRET_KEY = re.compile(
    r"(?:^|_)(?:api_?key|token|secret|password|passwd|passphrase|private_?key|credentials?|bearer|pit)(?:$|_)"
)
_SECRET_VALUE = re.compile(r"pit-[0-9a-f-]{8,}|eyJ[\w-]{8,}\.[\w-]+\.|sk-[\w-]{16,}", re.IGNORECASE)


def variable(connection: str, secret: str) -> str:
    """The environment variable of a connection's secret (a key of `SUFFIXES`)."""
    return f"{PREFIX}{connection.upper().replace('-', '_')}_{SUFFIXES[secret]}"


def name_secret_files(folder: str, names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with `NAME_FILE` for each file `NAME` of a folder of secrets. What is set already stays."""
    return {f"{name}_FILE": f"{folder}/{name}" for name in names if name.startswith(PREFIX)} | dict(environ)


def connection_secrets(
    connection: str, environ: Mapping[str, str], read_file: ReadFile, problems: list[Problem]
) -> Secrets:
    """The secrets of one connection that the environment has. What is wrong with them is appended to `problems`."""
    found = {name: read_secret(variable(connection, name), environ, read_file, problems) for name in SUFFIXES}
    for name in ("webhook_secret", "webhook_secret_before"):
        webhook = found[name]
        if webhook is not None and not re.fullmatch(r"[A-Za-z0-9_-]{16,}", webhook.get_secret_value()):
            expected = "at least 16 letters, digits, dashes and underscores: it is part of an address"
            hint = "make one with: openssl rand -hex 24"
            problems.append(Problem(None, variable(connection, name), expected, "another text (not shown)", hint))
    return Secrets(**found)


def kafka_secrets(environ: Mapping[str, str], read_file: ReadFile, problems: list[Problem]) -> KafkaSecrets:
    """What Kafka is reached with. What is wrong with it is appended to `problems`."""
    found = {key: read_secret(name, environ, read_file, problems) for key, name in KAFKA_SECRETS.items()}
    return KafkaSecrets(**found)


def kafka_environ(secrets: KafkaSecrets) -> dict[str, str]:
    """The environment that `kafka_secrets` reads them from: how another process of ours is given them."""
    found = {name: getattr(secrets, key) for key, name in KAFKA_SECRETS.items()}
    return {name: one.get_secret_value() for name, one in found.items() if one is not None}


def oauth_secrets(environ: Mapping[str, str], read_file: ReadFile, problems: list[Problem]) -> OAuthSecrets:
    """The secrets of our apps, and the keys that seal tokens. What is wrong with them is appended to `problems`."""
    keys = read_secret(TOKEN_KEYS, environ, read_file, problems, is_list=True)
    if keys is not None:
        try:
            KeyRing.of(keys.get_secret_value())
        except BrokenKeys as error:
            problems.append(Problem(None, TOKEN_KEYS, "keys as ID:BASE64", "another text (not shown)", str(error)))
            keys = None
    return OAuthSecrets(
        ghl_client_secret=read_secret(GHL_CLIENT_SECRET, environ, read_file, problems),
        lofty_client_secret=read_secret(LOFTY_CLIENT_SECRET, environ, read_file, problems),
        token_keys=keys,
    )


def read_secret(
    name: str,
    environ: Mapping[str, str],
    read_file: ReadFile,
    problems: list[Problem],
    *,
    is_list: bool = False,
) -> SecretStr | None:
    """A secret from `name` or from the file that `name_FILE` names; None when neither is set.

    `is_list` takes several, one a line or between blanks, and puts commas between them.
    """
    file_name = f"{name}_FILE"
    path = environ.get(file_name)
    if path is not None and name in environ:
        problems.append(Problem(None, name, f"either {name} or {file_name}", "both"))
        return None
    if path is None:
        text, where = environ.get(name), name
    else:
        where = file_name
        try:
            text = read_file(path)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            problems.append(Problem(None, file_name, f"a readable file at {path}", str(why)))
            return None
    if text is None:
        return None
    text = ",".join(text.split()) if is_list else text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        got = "an empty text" if not text else "blanks, line ends or other signs inside it"
        problems.append(Problem(None, where, "one credential", got))
        return None
    return SecretStr(text)


def secret_values(value: object) -> Iterator[str]:
    """Every secret in settings, in plain text: what must not appear in a log."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from secret_values(getattr(value, name))
        case Mapping():
            for inner in value.values():
                yield from secret_values(inner)
        case list() | tuple():
            for inner in value:
                yield from secret_values(inner)


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something in a configuration file that looks like a credential: by its key, otherwise by its value."""

    path: tuple[str, ...]
    is_key: bool
    hint: str


def secrets_in_file(tables: Mapping[str, Any]) -> Iterator[Suspect]:
    """Everything in a configuration that looks like a credential, each with a hint where it belongs.

    The tables of mappings are left out: there, keys are names of fields.
    """
    for key, value in tables.items():
        if key != "mappings":
            yield from _search((key,), value)


def _search(path: tuple[str, ...], value: Any) -> Iterator[Suspect]:
    is_name = len(path) == 2 and path[0] == "connections"
    is_hash = path[0] == "console" and path[-1] == "password_hash"  # a hash is allowed there; its form is checked
    if path[0] == "notifications" and path[-1] == "webhook" and isinstance(value, str):
        yield Suspect(path, False, _hint(path))
    elif not (is_name or is_hash) and not path[-1].isdigit() and _SECRET_KEY.search(_snake(path[-1])):
        yield Suspect(path, True, _hint(path))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _search((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _search((*path, str(index)), inner)
    elif isinstance(value, str) and _SECRET_VALUE.search(value):
        yield Suspect(path, False, _hint(path))


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[- .]", "_", key).lower()


def _kafka_hint(key: str) -> str:
    if "token" in key or key.startswith("oauth_extensions"):
        return "put the token into a file, and name it in kafka.oauth_file"
    if "client" in key or "secret" in key:
        name = KAFKA_CLIENT_SECRET
    else:
        name = KAFKA_KEY_PASSWORD if "key" in key or "ssl" in key else KAFKA_PASSWORD
    return f"set {name} or {name}_FILE"


def _hint(path: Sequence[str]) -> str:
    if path[0] == "kafka":
        return _kafka_hint(_snake(path[-1]))
    if path[0] == "console":
        if "oidc" in path:
            return f"set {CONSOLE_OIDC_SECRET} or {CONSOLE_OIDC_SECRET}_FILE"
        return "only hashes belong here: make one with lofty-ghl console hash-password or lofty-ghl console new-token"
    if path[0] == "notifications":
        if "smtp" in path:
            return f"set {PREFIX}SMTP_PASSWORD or {PREFIX}SMTP_PASSWORD_FILE"
        return f"write webhook = true, and set {PREFIX}NOTIFICATIONS_NAME_WEBHOOK_URL, with the recipient's name in capitals"
    if path[0] != "connections" or len(path) < 3:
        return "credentials come from the environment"
    key = _snake(path[-1])
    if "webhook" in key:
        secret = "webhook_secret"
    elif path[2] != "lofty" and (path[2] == "ghl" or key in {"token", "pit", "ghl_token"}):
        secret = "ghl_token"
    else:
        secret = "lofty_api_key"
    name = variable(path[1], secret)
    return f"set the environment variable {name} or {name}_FILE"
