"""Compiles an edited mapping, shows what it does, and tries it on leads, before it is saved. Pure.

`trial_process` runs this in a process with limits, and `evaluator` starts that process. They exchange `TrialJob` and `TrialResult`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.mapping import map_contact
from streams.mapping.cost import ExpressionTooCostly
from streams.mapping_versions.problems import TextProblem, in_text
from streams.messages import Snapshot
from streams.operations.mapping_preview.preview import Preview, preview, shortened
from streams.settings.overlay import EditedConnection, Overlay
from streams.settings.parse import parse_settings
from streams.settings.problems import SettingsError
from streams.settings.settings import Settings

SECTIONS = ("oauth", "connections", "mappings")
"""The sections of the configuration that decide how leads are mapped. The process gets only these, so it gets no credential."""

TOO_COSTLY = f"fails: {ExpressionTooCostly.__name__}"


class TrialLead(BaseModel):
    """One lead: its newest snapshot, our last write, and what GHL holds."""

    model_config = ConfigDict(frozen=True)

    snapshot: Snapshot
    link: LinkRow | None = None
    found: dict[str, Any] | None = None


class TrialJob(BaseModel):
    """A job for the process. `config` is the configuration's text; `name` and `text` are the edited mapping.

    - `compile`: do the mappings compile, with these `texts`, `uses` and `connections` over the file's?
    - `preview`: what would they make of `leads`?
    - `try`: do they map `leads` within their limits?
    """

    model_config = ConfigDict(frozen=True)

    do: Literal["compile", "preview", "try"]
    config: str
    texts: dict[str, str]
    uses: dict[str, str]
    connections: tuple[EditedConnection, ...] = ()
    name: str = ""
    text: str = ""
    leads: tuple[TrialLead, ...] = ()
    directories: dict[str, Directory] = {}


class TrialResult(BaseModel):
    """The result of a job; `problems` say why the mapping is refused."""

    model_config = ConfigDict(frozen=True)

    problems: tuple[TextProblem, ...] = ()
    previews: tuple[Preview, ...] = ()


def do(job: TrialJob) -> TrialResult:
    """Do a job."""
    try:
        settings = _file(job.config).with_overlay(Overlay(1, job.texts, job.uses, job.connections))
    except SettingsError as error:
        return TrialResult(problems=in_text(error.problems, job.name, job.text))
    if job.do == "preview":
        return TrialResult(previews=tuple(_previews(job, settings)))
    if job.do == "try":
        return TrialResult(problems=tuple(_too_costly(job, settings).values()))
    return TrialResult()


@lru_cache(maxsize=1)
def _file(config: str) -> Settings:
    return parse_settings(config, sections=SECTIONS)


def _previews(job: TrialJob, settings: Settings) -> list[Preview]:
    return [
        shortened(preview(connection, one.snapshot, job.directories.get(connection.name), one.link, one.found))
        for one in job.leads
        if (connection := settings.connections.get(one.snapshot.connection)) is not None
    ]


def _too_costly(job: TrialJob, settings: Settings) -> Mapping[str, TextProblem]:
    found: dict[str, TextProblem] = {}
    for one in job.leads:
        connection = settings.connections.get(one.snapshot.connection)
        if connection is None or one.snapshot.state is None:
            continue
        for flag in map_contact(connection.mapping, one.snapshot.state, region=connection.region).flags:
            if flag.endswith(TOO_COSTLY):
                where = f"mappings.{connection.mapping.name}.fields.{flag.partition(':')[0]}"
                got = f"one that asks for too much of lead {one.snapshot.lead}"
                found.setdefault(where, TextProblem(None, None, where, "an expression within its limits", got))
    return found
