"""The thin shell around `parse_settings`: it reads the file and the files that the environment names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from streams.settings.parse import parse_settings
from streams.settings.problems import Problem, SettingsError
from streams.settings.secrets import (
    CONSOLE_KEY,
    GHL_CLIENT_SECRET,
    LOFTY_CLIENT_SECRET,
    SECRETS_DIR,
    TOKEN_KEYS,
    name_secret_files,
    variable,
)
from streams.settings.whole import Settings


def load_settings(path: str | Path, environ: Mapping[str, str]) -> Settings:
    """Read the configuration at `path`. Raises `SettingsError` with every problem at once."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        hint = "lofty-ghl init writes one"
        problem = Problem(
            None, str(file), "a readable configuration file", error.strerror or type(error).__name__, hint
        )
        raise SettingsError(str(file), [problem]) from None
    except UnicodeDecodeError as error:
        problem = Problem(None, str(file), "a text in UTF-8", f"byte {error.start} that is none")
        raise SettingsError(str(file), [problem]) from None
    return parse_settings(text, _with_secret_files(environ), read_file=_read, source=str(file))


def _with_secret_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with a `*_FILE` for each file of the folder of secrets, where one is named."""
    folder = environ.get(SECRETS_DIR, "").strip()
    if not folder:
        return environ
    try:
        names = [one.name for one in Path(folder).iterdir()]
    except OSError as error:
        got = error.strerror or type(error).__name__
        hint = "its files bear the variables' names, such as LOFTY_GHL_ACME_GHL_TOKEN"
        raise SettingsError(
            "environment", [Problem(None, SECRETS_DIR, f"a readable folder at {folder}", got, hint)]
        ) from None
    return name_secret_files(folder, names, environ)


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


DEMANDED = ("lofty_api_key", "ghl_token", "webhook_secret")
"""What a connection cannot do without."""


def require_secrets(settings: Settings, *names: str) -> None:
    """Demand these secrets (`lofty_api_key`, `ghl_token`, `webhook_secret`; all by default) of every connection.

    `console_key` demands what the console needs, where it is switched on.
    Raises `SettingsError` that names each variable that is missing.
    """
    problems = [
        Problem(
            None,
            variable(connection.name, name),
            "a credential",
            "nothing",
            f"or set {variable(connection.name, name)}_FILE",
        )
        for connection in settings.connections.values()
        for name in names or DEMANDED
        if name != "console_key"
        if getattr(connection.secrets, name) is None and not connection.is_by_oauth(name)
    ]
    asked = names or DEMANDED
    problems += [
        Problem(None, name, "a credential", "nothing", f"or set {name}_FILE; {hint}")
        for name, hint in _missing_for_oauth(settings, asked)
    ]
    if "console_key" in asked:
        problems += _missing_for_console(settings)
    if problems:
        raise SettingsError("environment", problems)


def _missing_for_console(settings: Settings) -> Iterator[Problem]:
    if settings.console.enabled and not settings.console_secrets.keys:
        hint = f"or set {CONSOLE_KEY}_FILE; make one with: openssl rand -base64 32"
        yield Problem(None, CONSOLE_KEY, "a key that signs sessions", "nothing", hint)


def _missing_for_oauth(settings: Settings, asked: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The variables that OAuth needs and the environment lacks, each with a hint."""
    by_oauth = {n for n in ("ghl_token", "lofty_api_key") if n in asked and settings.uses_oauth(n)}
    secrets = settings.oauth_secrets
    if by_oauth and secrets.token_keys is None:
        yield TOKEN_KEYS, 'make a key with: echo "$(date +%Y%m):$(openssl rand -base64 32)"'
    if "ghl_token" in by_oauth and secrets.ghl_client_secret is None:
        yield GHL_CLIENT_SECRET, "it stands in GHL's marketplace portal"
    if "lofty_api_key" in by_oauth and secrets.lofty_client_secret is None:
        yield LOFTY_CLIENT_SECRET, "it stands in Lofty's developer portal"


def example_text() -> str:
    """The commented sample of a complete configuration."""
    return (Path(__file__).parent / "example.toml").read_text(encoding="utf-8")


def rehearsal_text(ghl_key: str) -> str:
    """A configuration for both sandboxes at their usual ports; `ghl_key` is the public key that GHL's signs with, in PEM."""
    text = (Path(__file__).parent / "rehearsal.toml").read_text(encoding="utf-8")
    return text.replace("{ghl_key}", ghl_key.strip() + "\n")
