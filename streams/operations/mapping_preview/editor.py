"""Edits mappings: checks a text, tries it on real leads, and saves it as a new version on the topic `mappings`.

A typed text is first evaluated in a separate process (`evaluator`), because the gateway's event loop also takes webhooks.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from streams.kafka.batching_producer import Record
from streams.mapping.compile import DEFAULT
from streams.mapping_versions.errors import NoSuchMapping, StaleVersion, WrongMapping
from streams.mapping_versions.listing import MappingState
from streams.mapping_versions.problems import TextProblem, in_text
from streams.mapping_versions.store import MappingVersions
from streams.messages.mapping_edit import MappingEdit
from streams.operations.mapping_preview.evaluator import Evaluator
from streams.operations.mapping_preview.lead_samples import LeadSamples, latest_leads
from streams.operations.mapping_preview.preview import Preview
from streams.operations.mapping_preview.trial import TrialJob, TrialLead
from streams.settings import Settings, SettingsError
from streams.settings.overlay import Overlay

LEADS_TRIED, MOST_TRIED = 50, 3
"""Before a mapping is saved, it is tried on at most so many leads, of at most so many connections."""


class MappingEditor(MappingVersions):
    """`async with MappingEditor(settings) as editor`: reads the versions of the mappings, tries edits and saves them.

    Raises `NoMappings` when the topic is missing, and aiokafka's errors when Kafka cannot be reached.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        before_use: Callable[[Settings], None] = lambda _: None,
    ) -> None:
        super().__init__(settings, now_ms=now_ms, before_use=before_use)
        self._evaluator = Evaluator()

    async def __aexit__(self, *_: object) -> None:
        await self._evaluator.aclose()
        await super().__aexit__()

    # -- checking a text ----------------------------------------------------------------------------------

    def validate(self, name: str, text: str | None) -> tuple[TextProblem, ...]:
        """The problems for which the text cannot be saved as the mapping `name`; empty when it can be."""
        try:
            self.candidate(name, text)
        except WrongMapping as error:
            return error.problems
        return ()

    def candidate(self, name: str, text: str | None, used_by: Iterable[str] = ()) -> Settings:
        """The settings as they would be with this text, if these connections used it.

        Raises `WrongMapping`, and `NoSuchMapping` for the built-in mapping.
        """
        _refuse_default(name)
        edit = self._edit("text", name=name, text=text)
        overlay = self._after(edit)
        uses = {**overlay.uses, **dict.fromkeys(used_by, name)}
        return self._compiled(replace(overlay, uses=uses), edit)

    # -- checking a text in a separate process --------------------------------------------------------------

    async def problems(self, name: str, text: str) -> tuple[TextProblem, ...]:
        """As `validate`, but in the separate process. Raises `TooCostly` and `EvaluatorBusy`, too."""
        return (await self._evaluator.ask(self._job("compile", name, text))).problems

    async def previews(self, name: str, text: str, used_by: Iterable[str], looked: LeadSamples) -> tuple[Preview, ...]:
        """Preview leads as if these connections used this text. The text is evaluated in the separate process only.

        Raises `WrongMapping`, `TooCostly`, `NoSuchMapping` and `EvaluatorBusy`.
        """
        known = [one for one in looked.leads if one in looked.snapshots]
        leads = [
            TrialLead(snapshot=looked.snapshots[one], link=looked.links.get(one), found=_copy(looked.found.get(one)))
            for one in known
        ]
        job = self._job("preview", name, text, used_by, leads=tuple(leads), directories=looked.directories)
        found = await self._evaluator.ask(job)
        if found.problems:
            raise WrongMapping(found.problems)
        return found.previews

    def _job(self, do: Any, name: str, text: str, used_by: Iterable[str] = (), **facts: Any) -> TrialJob:
        _refuse_default(name)
        overlay = self._after(self._edit("text", name=name, text=text))
        uses = {**overlay.uses, **dict.fromkeys(used_by, name)}
        edits: dict[str, Any] = {"texts": dict(overlay.texts), "uses": uses, "connections": overlay.connections}
        return TrialJob(do=do, config=self._config, name=name, text=text, **edits, **facts)

    @property
    def _config(self) -> str:
        return self.file.origin.text if self.file.origin is not None else ""

    # -- saving -------------------------------------------------------------------------------------------

    async def save(self, name: str, text: str | None, *, expected_version: int, by: str) -> MappingState:
        """Save a text as the mapping `name`. None removes the edited text, so that the file's text is used again.

        Raises `WrongMapping`, and `StaleVersion` when somebody saved after `expected_version`.
        """
        _refuse_default(name)
        return await self._save(self._edit("text", expected_version, by, name=name, text=text))

    async def use(self, connection: str, name: str | None, *, expected_version: int, by: str) -> MappingState:
        """Let a connection use another mapping; None: the one that the file names."""
        connections = {**self.settings().connections, **self.in_force.incomplete}
        if connection not in connections:
            known = ", ".join(sorted(connections))
            raise NoSuchMapping(f"no connection {connection!r}; there are {known}")
        return await self._save(self._edit("use", expected_version, by, name=connection, text=name))

    async def revert(self, to_version: int, *, expected_version: int, by: str) -> MappingState:
        """Restore all mappings as they were at a version; 0 is the file alone."""
        newest = self._version_log.newest.version
        if not 0 <= to_version <= newest:
            raise NoSuchMapping(f"no version {to_version}; there are 0 (the file) to {newest}")
        return await self._save(self._edit("revert", expected_version, by, to_version=to_version))

    def _edit(self, kind: Any, based_on: int | None = None, by: str = "", **facts: Any) -> MappingEdit:
        made_on = self._version_log.newest.version if based_on is None else based_on
        return MappingEdit(id=uuid.uuid4().hex, based_on=made_on, kind=kind, at_ms=self._now_ms(), by=by[:200], **facts)

    def _tried(self, edit: MappingEdit) -> Settings:
        """The settings as they would be after an edit."""
        return self._compiled(self._after(edit), edit)

    def _compiled(self, overlay: Overlay, edit: MappingEdit) -> Settings:
        try:
            return self.file.with_overlay(overlay)
        except SettingsError as error:
            raise WrongMapping(in_text(error.problems, edit.name, edit.text or "")) from None

    def _after(self, edit: MappingEdit) -> Overlay:
        overlay = self._version_log.after(edit)
        if overlay is None:
            raise self._stale(edit)
        return replace(overlay, connections=self.in_force.overlay.connections)

    def _stale(self, edit: MappingEdit) -> StaleVersion:
        # Number and author are both those of the newest edit, even if an older one is in use here.
        last = self._version_log.versions[-1].edit if self._version_log.versions else None
        by, at_ms = (last.by, last.at_ms) if last is not None else ("", 0)
        return StaleVersion(edit.based_on, self._version_log.newest.version, by, at_ms)

    async def _try(self, edit: MappingEdit) -> None:
        """Raises `WrongMapping` when an edit does not compile, `TooCostly` when it does not map real leads within the limits."""
        overlay = self._after(edit)
        edits: dict[str, Any] = {
            "texts": dict(overlay.texts),
            "uses": dict(overlay.uses),
            "connections": overlay.connections,
        }
        job = TrialJob(do="compile", config=self._config, name=edit.name, text=edit.text or "", **edits)
        if found := (await self._evaluator.ask(job)).problems:
            raise WrongMapping(found)
        # It compiled within the limits, so this process may compile it too: in a thread, because the loop takes webhooks.
        tried, now = await asyncio.to_thread(self._tried, edit), self.settings().connections
        changed = [
            name
            for name, one in tried.connections.items()
            if name in now and one.mapping_fingerprint != now[name].mapping_fingerprint
        ]
        leads = [
            TrialLead(snapshot=one)
            for name in changed[:MOST_TRIED]
            for one in await latest_leads(self.settings(), name, LEADS_TRIED)
        ]
        if leads and (
            found := (await self._evaluator.ask(job.model_copy(update={"do": "try", "leads": tuple(leads)}))).problems
        ):
            raise WrongMapping(found)

    async def _save(self, edit: MappingEdit) -> MappingState:
        await self._try(edit)
        topic = self.mappings_topic
        await self.write(topic, [Record(topic.name, topic.partition, edit.id.encode(), edit.to_bytes())])
        if self._version_log.number_of(edit.id) is None:
            raise self._stale(edit)
        return self.state()


def _copy(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if found is None else dict(found)


def _refuse_default(name: str) -> None:
    if name == DEFAULT:
        raise NoSuchMapping(
            'the mapping "default" is built in: save a mapping with another name that extends it, and let the connection use that one'
        )
