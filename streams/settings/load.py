"""The thin shell around `parse_settings`: it reads the file and the files that the environment names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from streams.settings.model import CONNECTION_SECRETS
from streams.settings.notifications import missing_notification_secrets
from streams.settings.parse import parse_settings
from streams.settings.problems import Problem, SettingsError
from streams.settings.required_secrets import SecretsOwner, missing_secrets
from streams.settings.secrets import SECRETS_DIR, name_secret_files
from streams.settings.settings import Settings


def load_settings(path: str | Path, environ: Mapping[str, str], *, required: Collection[str] = ()) -> Settings:
    """Read the configuration at `path`. Raises `SettingsError` with every problem at once.

    `required` are credentials that must be set (`streams/settings/required_secrets.py`).
    """
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
    try:
        environ = _with_secret_files(environ)
    except OSError as error:
        # The secrets of a folder that cannot be read are not missing; those of a folder that does not exist are. The file may
        # have problems of its own.
        hint = "its files have the variables' names, such as LOFTY_GHL_ACME_GHL_TOKEN"
        expected = f"a readable folder at {environ[SECRETS_DIR].strip()}"
        folder = Problem(None, SECRETS_DIR, expected, error.strerror or type(error).__name__, hint)
        try:
            wanted = required if isinstance(error, FileNotFoundError) else ()
            parse_settings(text, environ, read_file=_read, source=str(file), required=wanted)
        except SettingsError as others:
            raise SettingsError(str(file), [folder, *others.problems]) from None
        raise SettingsError("environment", [folder]) from None
    return parse_settings(text, environ, read_file=_read, source=str(file), required=required)


def _with_secret_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with a `*_FILE` for each file of the folder of secrets, where one is named. Raises `OSError`."""
    folder = environ.get(SECRETS_DIR, "").strip()
    if not folder:
        return environ
    return name_secret_files(folder, [one.name for one in Path(folder).iterdir()], environ)


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def require_secrets(settings: Settings, *names: str) -> None:
    """Demand these secrets (`lofty_api_key`, `ghl_token`, `webhook_secret`; all by default) of every connection.

    `console_key` requires what the console needs, where it is enabled.
    Raises `SettingsError` that names each variable that is missing. `load_settings` reports them with all other problems.
    """
    owners = {
        name: SecretsOwner(one.secrets, [secret for secret in CONNECTION_SECRETS if one.is_by_oauth(secret)])
        for name, one in settings.connections.items()
    }
    console = settings.console_secrets if settings.console.enabled else None
    lacking = missing_notification_secrets(settings.notifications, settings.notification_secrets)
    asked = names or CONNECTION_SECRETS
    problems = list(missing_secrets(asked, owners, settings.oauth_secrets, console, lacking))
    if problems:
        raise SettingsError("environment", problems)


def example_text() -> str:
    """The commented sample of a complete configuration."""
    return (Path(__file__).parent / "example.toml").read_text(encoding="utf-8")


def rehearsal_text(ghl_key: str) -> str:
    """A configuration for both sandboxes at their usual ports; `ghl_key` is the public key that GHL's signs with, in PEM."""
    text = (Path(__file__).parent / "rehearsal.toml").read_text(encoding="utf-8")
    return text.replace("{ghl_key}", ghl_key.strip() + "\n")
