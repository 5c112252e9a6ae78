"""Decides which version of the mappings is in force: the newest one that compiles here. Pure.

A version that compiled where it was saved may fail elsewhere, under another release or another configuration file.
No process stops for that: it uses the newest version that compiles, and reports what is wrong with the newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.mapping_versions.version_log import VersionLog
from streams.settings.overlay import NO_OVERLAY, Overlay
from streams.settings.problems import Problem, SettingsError
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class EffectiveMappings:
    """Settings, and the version of the mappings in them. `problems` are those of the newest version, if that one does not compile."""

    settings: Settings
    newest: int
    problems: tuple[Problem, ...] = ()


def effective_mappings(file: Settings, ledger: VersionLog) -> EffectiveMappings:
    """The settings to work with. `file` are the settings of the configuration file alone."""
    overlays: Sequence[Overlay] = [one.overlay for one in reversed(ledger.versions)] + [NO_OVERLAY]
    problems: tuple[Problem, ...] = ()
    for overlay in overlays:
        try:
            settings = file.with_mappings(overlay)
        except SettingsError as error:
            problems = problems or error.problems
            continue
        newest = ledger.newest.version
        if problems:
            words = (
                f"version {newest} of the mappings does not compile here, so version {overlay.version} is used: {problems[0]}"
                + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
            )
            settings = settings.model_copy(update={"mapping_trouble": words})
        return EffectiveMappings(settings, newest, problems)
    return EffectiveMappings(file, ledger.newest.version, problems)
