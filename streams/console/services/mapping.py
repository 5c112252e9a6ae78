"""Mappings: their texts, the problems of a text, its preview on leads, saving, and going back to an older version."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from aiokafka.errors import KafkaError

from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import check_visible, current_scope, is_visible, no_such_connection, visible
from streams.console.background import BackgroundTask
from streams.console.errors import Conflict, Fault, NotFound, Unavailable, WrongInput
from streams.console.services.kafka_errors import on_kafka
from streams.console.services.visible import extended_by, visible_mappings
from streams.mapping_versions.errors import (
    EvaluatorBusy,
    NoMappings,
    NoSuchMapping,
    StaleVersion,
    TooCostly,
    WrongMapping,
)
from streams.mapping_versions.listing import MappingState
from streams.mapping_versions.problems import TextProblem
from streams.operations.history.index.reader import IndexReader
from streams.operations.mapping_preview.editor import MappingEditor
from streams.operations.mapping_preview.lead_samples import newest_leads, read_leads
from streams.operations.mapping_preview.preview import Preview
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

RETRY_SECONDS = 3.0
MOST_LEADS = 10
WITHIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Previews:
    """Some leads, mapped with a text. `trouble` says why no worker could read GHL's values; `unknown` are leads that were never read."""

    previews: tuple[Preview, ...]
    trouble: tuple[str, ...]
    unknown: tuple[str, ...]


class StaleMapping(Conflict):
    """Somebody saved meanwhile: `found` is the newest version, by `by` at `at_ms`."""

    def __init__(self, error: StaleVersion) -> None:
        self.expected, self.found, self.by, self.at_ms = error.expected, error.found, error.by, error.at_ms
        super().__init__(str(error))


class Mappings(BackgroundTask):
    """The editor follows its topic, so each gateway knows what was saved at another."""

    def __init__(
        self, settings: Settings, reader: IndexReader | None, audit: AuditWriter, now_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._audit = audit
        self._now_ms = now_ms
        self._open: MappingEditor | None = None
        self._problem = "the gateway has just started"
        self._has_read = asyncio.Event()

    def settings(self) -> Settings:
        """The settings with the mappings and connections in force; those of the file until the editor has read its topics."""
        return self._open.settings() if self._open is not None else self._settings

    @property
    def connection_names(self) -> tuple[str, ...]:
        """The connections in force that whoever asks may see, sorted."""
        return visible(sorted(self.settings().connections), str)

    async def state(self) -> MappingState:
        """All mappings, who uses them, and their history."""
        return visible_mappings((await self.editor()).state(), current_scope())

    async def check_visible_mapping(self, name: str | None, text: str | None = None) -> None:
        """Raises `NotFound` for a mapping that is only of connections that whoever asks does not see, or a text that extends one."""
        if not current_scope().is_limited:
            return
        known = {one.name for one in (await self.state()).mappings}
        hidden = {one.name for one in (await self.editor()).state().mappings} - known
        parent = extended_by(name or "", text or "")
        if name in hidden or (parent and parent not in known):
            wanted = name if name in hidden else parent
            raise NotFound(f"There is no mapping {str(wanted)[:60]!r}.")

    async def validate(self, name: str, text: str) -> tuple[TextProblem, ...]:
        """Everything that keeps a text from being saved."""
        await self.check_visible_mapping(name, text)
        with _refusals():
            return await (await self.editor()).problems(name, text)

    @property
    def reader(self) -> IndexReader | None:
        """The index, where there is one."""
        return self._reader

    async def preview(self, name: str, text: str, connection: str, leads: Sequence[str] = ()) -> Previews:
        """What a text would make of some leads of a connection; of the newest where none are named."""
        editor = await self.editor()
        if connection not in editor.settings().connections or not is_visible(connection):
            raise no_such_connection(connection)
        await self.check_visible_mapping(name, text)
        if len(leads) > MOST_LEADS:
            raise WrongInput(f"At most {MOST_LEADS} leads at a time.")
        with _refusals():  # before anything is read for it
            if problems := await editor.problems(name, text):
                raise WrongMapping(problems)
        chosen = list(dict.fromkeys(leads))
        if not chosen:
            newest = await on_kafka(lambda: newest_leads(editor.settings(), connection, 3, self._reader))
            chosen = [one.lead for one in newest]
        samples = await on_kafka(
            lambda: read_leads(
                editor.settings(),
                [(connection, lead) for lead in chosen],
                within_seconds=WITHIN_SECONDS,
                reader=self._reader,
            )
        )
        unknown = tuple(lead for lead in chosen if (connection, lead) not in samples.snapshots)
        with _refusals():
            previews = await editor.previews(name, text, (connection,), samples)
        return Previews(previews, tuple(sorted(samples.trouble.values())), unknown)

    async def candidate(self, name: str, text: str, used_by: Sequence[str]) -> Settings:
        """The settings as they would be with a text, if these connections used it. The text must have no problems: see `validate`."""
        editor = await self.editor()
        with _refusals():
            # It compiled within the limits before; in a thread, because the loop takes webhooks.
            return await asyncio.to_thread(editor.candidate, name, text, used_by)

    async def save(self, by: Actor, name: str, text: str | None, expected_version: int) -> MappingState:
        """Save a text as the mapping; None removes what was edited. Raises `StaleMapping`."""
        editor, about = await self.editor(), {"mapping": name}
        return await self._edit(by, "mapping save", about, expected_version, partial(editor.save, name, text))

    async def use(self, by: Actor, connection: str, name: str | None, expected_version: int) -> MappingState:
        """Give a connection another mapping; None: the one of the file."""
        check_visible(connection)
        await self.check_visible_mapping(name)
        editor, about = await self.editor(), {"connection": connection, "mapping": name or ""}
        return await self._edit(by, "mapping use", about, expected_version, partial(editor.use, connection, name))

    async def revert(self, by: Actor, to_version: int, expected_version: int) -> MappingState:
        """All mappings as at a version; 0 is the file."""
        editor, about = await self.editor(), {"to_version": str(to_version)}
        return await self._edit(by, "mapping revert", about, expected_version, partial(editor.revert, to_version))

    async def _edit(
        self,
        by: Actor,
        action: Action,
        about: dict[str, str],
        expected_version: int,
        change: Callable[..., Awaitable[MappingState]],
    ) -> MappingState:
        about["expected_version"] = str(expected_version)
        async with self._audit.acting(by, action, about) as result:
            with _refusals():
                state = await on_kafka(lambda: change(expected_version=expected_version, by=by.name))
            result.detail = f"version {state.version}"
        return visible_mappings(state, current_scope())

    async def editor(self) -> MappingEditor:
        """The store of all edits. Raises `Unavailable` while it cannot be read."""
        if self._open is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_read.wait(), RETRY_SECONDS)
        if self._open is None:
            raise Unavailable(f"The mappings cannot be read now: {self._problem}.")
        return self._open

    def _search_all(self, settings: Settings) -> None:
        """The index looks for a lead under each connection."""
        if self._reader is not None:
            self._reader.connections = tuple(sorted(settings.connections))

    async def _run(self) -> None:
        while True:
            try:
                async with MappingEditor(self._settings, now_ms=self._now_ms, before_use=self._search_all) as editor:
                    self._open = editor
                    self._has_read.set()
                    await asyncio.Event().wait()  # until cancelled: the editor survives outages by itself
            except (KafkaError, NoMappings) as error:
                self._problem = str(error) or type(error).__name__
                log.warning("cannot read the mappings, trying again: %s", self._problem)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                self._open = None


@contextmanager
def _refusals() -> Iterator[None]:
    """The editor's errors as the console's."""
    try:
        yield
    except StaleVersion as error:
        raise StaleMapping(error) from error
    except EvaluatorBusy as error:
        raise Unavailable(f"{error}.") from error
    except TooCostly as error:
        raise WrongInput("The mapping asks for too much.", [Fault(f"mappings.{error.name}", str(error))]) from error
    except WrongMapping as error:
        raise WrongInput("The mapping is not right.", [fault_of(one) for one in error.problems]) from error
    except NoSuchMapping as error:
        raise NotFound(f"{error}.") from error


def fault_of(one: TextProblem) -> Fault:
    """A problem of a text as a fault."""
    return Fault(one.where, one.expected, one.got, one.hint, one.line)
