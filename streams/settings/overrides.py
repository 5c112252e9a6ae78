"""Settings that the environment may override: those that differ between machines that share one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.mapping.errors import shown
from streams.settings.problems import Problem

OVERRIDES: dict[str, tuple[str, str, type]] = {
    "LOFTY_GHL_KAFKA": ("kafka", "bootstrap_servers", str),
    "LOFTY_GHL_TOPIC_PREFIX": ("kafka", "topic_prefix", str),
    "LOFTY_GHL_GATEWAY_HOST": ("gateway", "host", str),
    "LOFTY_GHL_GATEWAY_PORT": ("gateway", "port", int),
    "LOFTY_GHL_STORE": ("worker", "store", str),
    "LOFTY_GHL_DATA_DIR": ("worker", "data_dir", str),
    "LOFTY_GHL_WORKER_PORT": ("worker", "port", int),
}
"""Environment variable → table, key and type."""


def apply_overrides(tables: dict[str, Any], environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """The tables with what the environment overrides. A variable that is set but empty counts as not set."""
    changed = dict(tables)
    for name, (table, key, kind) in OVERRIDES.items():
        text = environ.get(name, "").strip()
        if not text or not isinstance(changed.get(table, {}), dict):
            continue
        if kind is int and not (text.isascii() and text.isdigit()):
            problems.append(Problem(None, name, "a whole number", shown(text)))
            continue
        changed[table] = {**changed.get(table, {}), key: kind(text)}
    return changed


def overridden(environ: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The path of each setting that the environment overrides → its variable."""
    return {(table, key): name for name, (table, key, _) in OVERRIDES.items() if environ.get(name, "").strip()}
