"""The desk at which mappings are edited: it follows the topic `mappings`, looks at texts, and saves edits.

One for each process that needs to know; reading is from memory. Every gateway and worker has its own, and all agree,
because the order of one partition decides which edits count (`ledger`).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode.utils.logging import get_logger

from streams.appender import Appender, Record
from streams.kafka import Consumer, client_options, new_producer, start_consumer, start_producer, stop_consumer
from streams.mapping.compile import DEFAULT
from streams.mappings.errors import NoMappings, NoSuchMapping, StaleVersion, WrongMapping
from streams.mappings.evaluator import Evaluator
from streams.mappings.force import InForce, in_force
from streams.mappings.ledger import Ledger
from streams.mappings.look import Looked, sample
from streams.mappings.preview import Preview
from streams.mappings.problems import TextProblem, in_text
from streams.mappings.state import MappingState, state_of
from streams.mappings.trial import Job, Seen
from streams.placement import partition_of
from streams.settings import Settings, SettingsError
from streams.settings.overlay import Overlay
from streams.topics import MAPPINGS, TopicNames
from streams.words import NotAWord
from streams.words.mapping_edit import MappingEdit

log = get_logger("lofty_ghl.mappings")

SAVE_SECONDS = 15.0
"""How long a save waits until its own edit comes back on the topic."""
AGAIN_SECONDS = 1.0
LEADS_TRIED, MOST_TRIED = 50, 3
"""On so many leads of so many connections a mapping is tried before it is saved."""


class MappingDesk:
    """`async with MappingDesk(settings) as desk`: entered when every edit until now is known.

    Raises `NoMappings` when the topic is missing, and aiokafka's errors when Kafka cannot be reached.
    """

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._file = settings
        self._now_ms = now_ms
        self._topic = TopicNames(settings.kafka.topic_prefix).of(MAPPINGS)
        self._place = TopicPartition(self._topic, partition_of(MAPPINGS, settings.kafka.partitions))
        self._ledger = Ledger()
        self._in_force = InForce(settings, 0)
        self._news = asyncio.Condition()
        self._read_to = 0
        self._known, self._known_to = 0, 0
        self._task: asyncio.Task[None] | None = None
        self._evaluator = Evaluator()

    async def __aenter__(self) -> Self:
        self._consumer = Consumer(
            **client_options(self._file), auto_offset_reset="earliest", fetch_max_wait_ms=100, enable_auto_commit=False
        )
        try:
            await start_consumer(self._consumer)
            if self._topic not in await self._consumer.topics():
                raise NoMappings(self._topic)
            end = (await self._consumer.end_offsets([self._place]))[self._place]
            self._consumer.assign([self._place])
            while await self._consumer.position(self._place) < end:
                await self._take()
        except BaseException:
            await stop_consumer(self._consumer)
            raise
        await self._judge()
        self._task = asyncio.create_task(self._follow(), name="mappings")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._evaluator.aclose()
        await stop_consumer(self._consumer)

    # -- reading ------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The newest version, whether it compiles here or not; `settings` are at least of it."""
        return self._known

    def settings(self) -> Settings:
        """The settings in force: those of the file, with the newest version of the mappings that compiles."""
        return self._in_force.settings

    def state(self) -> MappingState:
        """All mappings as the editor shows them."""
        return state_of(self._file, self._ledger, self._in_force)

    async def changed(self, after: int) -> int:
        """Wait until the newest version is another than `after`; returns it."""
        async with self._news:
            await self._news.wait_for(lambda: self.version != after)
            return self.version

    # -- looking at a text --------------------------------------------------------------------------------

    def validate(self, name: str, text: str | None) -> tuple[TextProblem, ...]:
        """Everything that keeps a text from being saved as the mapping `name`; nothing when it may be."""
        try:
            self.candidate(name, text)
        except WrongMapping as error:
            return error.problems
        return ()

    def candidate(self, name: str, text: str | None, used_by: Iterable[str] = ()) -> Settings:
        """The settings as they would be with this text, and with these connections using it.

        Raises `WrongMapping`, and `NoSuchMapping` for the built-in one.
        """
        _refuse_default(name)
        edit = self._edit("text", name=name, text=text)
        overlay = self._after(edit)
        uses = {**overlay.uses, **dict.fromkeys(used_by, name)}
        return self._compiled(replace(overlay, uses=uses), edit)

    # -- looking at a text in a process of its own ----------------------------------------------------------

    async def problems(self, name: str, text: str) -> tuple[TextProblem, ...]:
        """As `validate`, but nothing of the text is looked at in this process. Raises `TooCostly` and `EvaluatorBusy`, too."""
        return (await self._evaluator.ask(self._job("compile", name, text))).problems

    async def previews(self, name: str, text: str, used_by: Iterable[str], looked: Looked) -> tuple[Preview, ...]:
        """What a text would make of leads, were it used by these connections; nothing of it is looked at in this process.

        Raises `WrongMapping`, `TooCostly`, `NoSuchMapping` and `EvaluatorBusy`.
        """
        known = [one for one in looked.leads if one in looked.snapshots]
        leads = [
            Seen(snapshot=looked.snapshots[one], link=looked.links.get(one), found=_copy(looked.found.get(one)))
            for one in known
        ]
        job = self._job("preview", name, text, used_by, leads=tuple(leads), directories=looked.directories)
        found = await self._evaluator.ask(job)
        if found.problems:
            raise WrongMapping(found.problems)
        return found.previews

    def _job(self, do: Any, name: str, text: str, used_by: Iterable[str] = (), **facts: Any) -> Job:
        _refuse_default(name)
        overlay = self._after(self._edit("text", name=name, text=text))
        uses = {**overlay.uses, **dict.fromkeys(used_by, name)}
        return Job(do=do, config=self._config, texts=dict(overlay.texts), uses=uses, name=name, text=text, **facts)

    @property
    def _config(self) -> str:
        return self._file.origin.text if self._file.origin is not None else ""

    # -- saving -------------------------------------------------------------------------------------------

    async def save(self, name: str, text: str | None, *, expected_version: int, by: str) -> MappingState:
        """Make a text the mapping `name`; None takes what was edited away, so that the file's stands again.

        Raises `WrongMapping`, and `StaleVersion` when somebody saved after `expected_version`.
        """
        _refuse_default(name)
        return await self._save(self._edit("text", expected_version, by, name=name, text=text))

    async def use(self, connection: str, name: str | None, *, expected_version: int, by: str) -> MappingState:
        """Give a connection another mapping; None gives it the one that the file says."""
        if connection not in self._file.connections:
            known = ", ".join(sorted(self._file.connections))
            raise NoSuchMapping(f"no connection {connection!r}; there are {known}")
        return await self._save(self._edit("use", expected_version, by, name=connection, text=name))

    async def revert(self, to_version: int, *, expected_version: int, by: str) -> MappingState:
        """Make all mappings as they were at a version; 0 is the file alone."""
        if not 0 <= to_version <= self.version:
            raise NoSuchMapping(f"no version {to_version}; there are 0 (the file) to {self.version}")
        return await self._save(self._edit("revert", expected_version, by, to_version=to_version))

    def _edit(self, kind: Any, based_on: int | None = None, by: str = "", **facts: Any) -> MappingEdit:
        made_on = self._ledger.newest.version if based_on is None else based_on
        return MappingEdit(id=uuid.uuid4().hex, based_on=made_on, kind=kind, at_ms=self._now_ms(), by=by[:200], **facts)

    def _tried(self, edit: MappingEdit) -> Settings:
        """The settings that an edit would lead to."""
        return self._compiled(self._after(edit), edit)

    def _compiled(self, overlay: Overlay, edit: MappingEdit) -> Settings:
        try:
            return self._file.with_mappings(overlay)
        except SettingsError as error:
            raise WrongMapping(in_text(error.problems, edit.name, edit.text or "")) from None

    def _after(self, edit: MappingEdit) -> Overlay:
        overlay = self._ledger.after(edit)
        if overlay is None:
            raise self._stale(edit)
        return overlay

    def _stale(self, edit: MappingEdit) -> StaleVersion:
        last = self._ledger.versions[-1].edit if self._ledger.versions else None
        by, at_ms = (last.by, last.at_ms) if last is not None else ("", 0)
        return StaleVersion(edit.based_on, self.version, by, at_ms)

    async def _try(self, edit: MappingEdit) -> None:
        """Raises `WrongMapping` or `TooCostly` for what does not compile, or does not map real leads within its limits."""
        overlay = self._after(edit)
        facts: dict[str, Any] = {"config": self._config, "texts": dict(overlay.texts), "uses": dict(overlay.uses)}
        job = Job(do="compile", name=edit.name, text=edit.text or "", **facts)
        if found := (await self._evaluator.ask(job)).problems:
            raise WrongMapping(found)
        # It compiles within the limits, so it may here; in a thread, as the loop takes webhooks.
        tried, now = await asyncio.to_thread(self._tried, edit), self.settings().connections
        changed = [n for n, one in tried.connections.items() if one.mapping_fingerprint != now[n].mapping_fingerprint]
        leads = [
            Seen(snapshot=one) for name in changed[:MOST_TRIED] for one in await sample(self._file, name, LEADS_TRIED)
        ]
        if leads and (
            found := (await self._evaluator.ask(job.model_copy(update={"do": "try", "leads": tuple(leads)}))).problems
        ):
            raise WrongMapping(found)

    async def _save(self, edit: MappingEdit) -> MappingState:
        await self._try(edit)
        producer = new_producer(self._file)
        await start_producer(producer)
        try:
            record = Record(self._topic, self._place.partition, edit.id.encode(), edit.to_bytes())
            [offset] = await Appender(producer).append([record])
        finally:
            await producer.stop()
        async with asyncio.timeout(SAVE_SECONDS), self._news:
            await self._news.wait_for(lambda: self._known_to > offset)
        if self._ledger.number_of(edit.id) is None:
            raise self._stale(edit)
        return self.state()

    # -- following ----------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                before = self._read_to
                await self._take()
                if self._read_to != before:
                    await self._judge()
                    async with self._news:
                        self._news.notify_all()
            except KafkaError as error:
                log.warning("the topic of mappings cannot be read now (%r)", error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _take(self) -> None:
        for messages in (await self._consumer.getmany(timeout_ms=200)).values():
            for message in messages:
                try:
                    edit = MappingEdit.from_bytes(message.value)
                except NotAWord as error:
                    log.error("an edit of the mappings at offset %d cannot be read: %s", message.offset, error)
                else:
                    self._ledger.add(edit)
                self._read_to = message.offset + 1

    async def _judge(self) -> None:
        # In a thread: compiling takes some tenths of a second, and the gateway's loop takes webhooks. A version counts as
        # known only afterwards: who waits for a newer one would find the settings of the one before, and wait on.
        version, read_to = self._ledger.newest.version, self._read_to
        before, self._in_force = self._in_force, await asyncio.to_thread(in_force, self._file, self._ledger)
        self._known, self._known_to = version, read_to
        trouble = self._in_force.settings.mapping_trouble
        if trouble and trouble != before.settings.mapping_trouble:
            log.error("%s", trouble)


def _copy(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if found is None else dict(found)


def _refuse_default(name: str) -> None:
    if name == DEFAULT:
        raise NoSuchMapping(
            'the mapping "default" is built in: save one of another name that extends it, and let the connection use that'
        )
