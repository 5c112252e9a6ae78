"""The credentials that a command requires and the environment lacks: all of them, each with its variable. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from streams.settings.console import ConsoleSecrets
from streams.settings.model import CONNECTION_SECRETS, Secrets
from streams.settings.oauth import OAuthSecrets
from streams.settings.problems import Problem
from streams.settings.secrets import (
    CONSOLE_KEY,
    GHL_CLIENT_SECRET,
    LOFTY_CLIENT_SECRET,
    SECRETS_DIR,
    TOKEN_KEYS,
    variable,
)

ALL_SECRETS = (*CONNECTION_SECRETS, "console_key")
"""What all processes of a deployment need together. `console_key` is required where the console is enabled."""


@dataclass(frozen=True, slots=True)
class SecretsOwner:
    """A connection's credentials: those that it has, and those that OAuth replaces."""

    secrets: Secrets
    by_oauth: Collection[str]


def missing_secrets(
    asked: Collection[str],
    connections: Mapping[str, SecretsOwner],
    oauth: OAuthSecrets,
    console: ConsoleSecrets | None,
    notifications: Iterable[tuple[str, str]] = (),
) -> Iterator[Problem]:
    """Each credential of `asked` (names of `ALL_SECRETS`) that is missing. `console` is None where it is disabled.

    `notifications` are missing variables of recipients, each with a hint: who needs the console's key sends notifications.
    """
    for name, owner in connections.items():
        for secret in asked:
            if secret != "console_key" and getattr(owner.secrets, secret) is None and secret not in owner.by_oauth:
                yield _problem(variable(name, secret))
    by_oauth = {secret for owner in connections.values() for secret in owner.by_oauth if secret in asked}
    if by_oauth and oauth.token_keys is None:
        yield _problem(TOKEN_KEYS, 'make a key with: echo "$(date +%Y%m):$(openssl rand -base64 32)"')
    if "ghl_token" in by_oauth and oauth.ghl_client_secret is None:
        yield _problem(GHL_CLIENT_SECRET, "it is in GHL's marketplace portal")
    if "lofty_api_key" in by_oauth and oauth.lofty_client_secret is None:
        yield _problem(LOFTY_CLIENT_SECRET, "it is in Lofty's developer portal")
    if "console_key" in asked:
        for name, hint in notifications:
            yield _problem(name, hint)
    if "console_key" in asked and console is not None and not console.keys:
        yield _problem(CONSOLE_KEY, "make one with: openssl rand -base64 32")


def _problem(name: str, hint: str = "") -> Problem:
    where = f"set it, or {name}_FILE to a file that holds it, or put a file with this name into {SECRETS_DIR}"
    return Problem(None, name, "a credential", "nothing", f"{where}; {hint}" if hint else where)
