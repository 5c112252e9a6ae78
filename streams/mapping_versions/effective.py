"""Decides which versions of the mappings and of each connection are in force: the newest that compile here. Pure.

A version that compiled where it was saved may fail elsewhere, under another release or another configuration file.
No process stops for that: it uses the newest version that compiles, and reports what is wrong with the newer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from streams.mapping_versions.connection_log import ConnectionVersion
from streams.mapping_versions.credentials import OpenedCredentials, open_credentials
from streams.mapping_versions.version_log import VersionLog
from streams.messages.connection_edit import SealedCredential
from streams.settings.model import Connection
from streams.settings.overlay import NO_OVERLAY, Overlay
from streams.settings.problem_text import dotted
from streams.settings.problems import Problem, SettingsError
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Edits:
    """All edits, as they were read: the mappings' versions, and the usable versions and credentials of connections."""

    mappings: VersionLog = field(default_factory=VersionLog)
    connections: Mapping[str, Sequence[ConnectionVersion]] = field(default_factory=dict)
    credentials: Mapping[str, Mapping[str, SealedCredential]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectiveMappings:
    """Settings, and the version of the mappings in them. `problems` are those of the newest version, if that one does not compile.

    `overlay` gave these settings. `incomplete` are connections that are not in them, because they lack a credential.
    """

    settings: Settings
    newest: int
    problems: tuple[Problem, ...] = ()
    overlay: Overlay = NO_OVERLAY
    incomplete: Mapping[str, Connection] = field(default_factory=dict)


def effective_mappings(file: Settings, edits: Edits) -> EffectiveMappings:
    """The settings to work with. `file` are the settings of the configuration file alone."""
    overlays: Sequence[Overlay] = [one.overlay for one in reversed(edits.mappings.versions)] + [NO_OVERLAY]
    problems: tuple[Problem, ...] = ()
    newest = overlays[0].version
    for overlay in overlays:
        try:
            found = _with_connections(file, overlay, edits)
        except SettingsError as error:
            problems = problems or error.problems
            continue
        if problems:
            words = (
                f"version {newest} of the mappings does not compile here, so version {overlay.version} is used: {problems[0]}"
                + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
            )
            found = replace(found, settings=found.settings.model_copy(update={"mapping_trouble": words}))
        return replace(found, newest=newest, problems=problems)
    return EffectiveMappings(file, newest, problems)


def _with_connections(file: Settings, overlay: Overlay, edits: Edits) -> EffectiveMappings:
    """The settings with these mappings, and with the newest version of each connection that compiles with them.

    Raises `SettingsError` for problems that are in no edited connection.
    """
    chosen = {connection: list(versions) for connection, versions in edits.connections.items()}
    trouble: dict[str, str] = {}
    while True:
        now = sorted((versions[0] for versions in chosen.values() if versions), key=lambda one: one.position)
        tried = replace(overlay, connections=tuple(one.edited for one in now))
        try:
            settings = file.with_overlay(tried)
        except SettingsError as error:
            for one, found in _blamed(file, overlay, now, error):
                connection, more = one.edit.connection, f" (and {len(found) - 1} more)" if len(found) > 1 else ""
                trouble.setdefault(connection, f"version {one.number} cannot be used here: {found[0]}{more}")
                chosen[connection].pop(0)
            continue
        return _complete(settings, tried, trouble, open_credentials(file, edits.credentials))


def _blamed(
    file: Settings, overlay: Overlay, tried: Sequence[ConnectionVersion], error: SettingsError
) -> list[tuple[ConnectionVersion, list[Problem]]]:
    """The connections that an error is about, with their problems. Raises the error where it is about none of them."""
    wrong = [(one, found) for one in tried if (found := problems_of(error.problems, one.edited.label))]
    if wrong:
        return wrong
    file.with_overlay(replace(overlay, connections=()))  # the mappings alone: raises what is wrong with them
    for one in tried:
        try:
            file.with_overlay(replace(overlay, connections=(one.edited,)))
        except SettingsError as alone:
            wrong.append((one, list(alone.problems)))
    return wrong or [(one, list(error.problems)) for one in tried[-1:]]


def problems_of(problems: Sequence[Problem], label: str) -> list[Problem]:
    """The problems in the table of one connection."""
    key = dotted(("connections", label))
    return [one for one in problems if one.where == key or one.where.startswith(f"{key}.")]


def _complete(
    settings: Settings, overlay: Overlay, trouble: dict[str, str], opened: OpenedCredentials
) -> EffectiveMappings:
    """The settings with the credentials of edited connections, without those that lack one."""
    connections: dict[str, Connection] = {}
    incomplete: dict[str, Connection] = {}
    for name, one in settings.connections.items():
        if one.managed == "console":
            one = one.model_copy(update={"secrets": one.secrets.model_copy(update=dict(opened.secrets.get(name, {})))})
            if one.missing_secrets:
                incomplete[name] = one
                continue
        connections[name] = one
    more = {name: words for name, words in opened.trouble.items() if name in incomplete}
    settings = settings.model_copy(update={"connections": connections, "connection_trouble": {**trouble, **more}})
    return EffectiveMappings(settings, overlay.version, overlay=overlay, incomplete=incomplete)
