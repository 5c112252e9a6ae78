"""What the environment has for the console: keys that sign sessions, the secret of its OIDC client, tokens of programs."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr, ValidationError

from streams.settings.console import ConsoleSecrets, ConsoleToken
from streams.settings.problems import Problem
from streams.settings.secrets import CONSOLE_KEY, CONSOLE_OIDC_SECRET, CONSOLE_TOKENS, ReadFile, read_secret

SHORTEST_KEY = 32


def console_secrets(environ: Mapping[str, str], read_file: ReadFile, problems: list[Problem]) -> ConsoleSecrets:
    """The secrets of the console. What is wrong with them is appended to `problems`.

    `LOFTY_GHL_CONSOLE_KEY` may hold several keys: the first signs, all are believed, so that one can be changed.
    `LOFTY_GHL_CONSOLE_TOKENS` holds `NAME:ROLE:sha256:HEX`, any number.
    """
    keys = _several(read_secret(CONSOLE_KEY, environ, read_file, problems, is_list=True))
    if any(len(key) < SHORTEST_KEY for key in keys):
        hint = "make one with: openssl rand -base64 32"
        expected = f"keys of at least {SHORTEST_KEY} characters"
        problems.append(Problem(None, CONSOLE_KEY, expected, "another text (not shown)", hint))
    tokens: list[ConsoleToken] = []
    for text in _several(read_secret(CONSOLE_TOKENS, environ, read_file, problems, is_list=True)):
        name, _, rest = text.partition(":")
        role, _, hashed = rest.partition(":")
        try:
            tokens.append(ConsoleToken.model_validate({"name": name, "role": role, "hash": hashed}))
        except ValidationError:
            hint = "lofty-ghl console new-token prints it"
            problems.append(Problem(None, CONSOLE_TOKENS, "NAME:ROLE:sha256:HEX", "another text (not shown)", hint))
    return ConsoleSecrets(
        keys=tuple(SecretStr(key) for key in keys),
        oidc_client_secret=read_secret(CONSOLE_OIDC_SECRET, environ, read_file, problems),
        tokens=tuple(tokens),
    )


def _several(secret: SecretStr | None) -> list[str]:
    return [] if secret is None else [part for part in secret.get_secret_value().split(",") if part]
