"""Settings: one TOML file, with credentials from the environment.

A wrong file is refused with all its problems at once.
"""

from streams.settings.load import example_text, load_settings, rehearsal_text, require_secrets
from streams.settings.model import (
    Connection,
    GatewaySettings,
    Ghl,
    Kafka,
    Lofty,
    Policies,
    Secrets,
    SweepSettings,
    WorkerSettings,
)
from streams.settings.overrides import OVERRIDES
from streams.settings.parse import parse_settings
from streams.settings.problems import Problem, SettingsError
from streams.settings.secrets import variable
from streams.settings.settings import Settings

__all__ = [
    "OVERRIDES",
    "Connection",
    "GatewaySettings",
    "Ghl",
    "Kafka",
    "Lofty",
    "Policies",
    "Problem",
    "Secrets",
    "Settings",
    "SettingsError",
    "SweepSettings",
    "WorkerSettings",
    "example_text",
    "load_settings",
    "parse_settings",
    "rehearsal_text",
    "require_secrets",
    "variable",
]
