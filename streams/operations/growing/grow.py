"""Moves a deployment to more partitions, state by state (`messages/growth.py`). Killed in any, it is run again and goes on.

1. **copying**: the new topics are created; the copy follows the old ones until little is left.
2. **closing**: it waits until no worker is alive and the group has no member, copies the rest, and translates the commits. A worker
   that starts meanwhile ends before it acts: it joins the group first, then reads this state; here it is written first, then
   the members are counted. So one of both sees the other.
3. **switching**: gateways are started with the new topics. Once none of before is alive, what those wrote to the end is copied.
4. **done**: workers start on the new topics.

Nothing is ever written to the old topics but lines of the audit. Until `switching` the move can be abandoned: they go on as they are.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from streams.core.copy_targets import CopyTargets
from streams.kafka.admin import create_topics, delete_topic
from streams.kafka.batching_producer import NotWritten
from streams.kafka.clients import demand_group, reach, until_topics_are_led
from streams.kafka.growth import group_members, read_growth, read_known_growth, with_topics, write_at_work, write_growth
from streams.kafka.rights import READS, READS_AND_WRITES, Right, demand_rights
from streams.kafka.topic_reader import first_and_end_offsets
from streams.mapping_versions.store import settings_now
from streams.messages.growth import ABANDONABLE, AtWork, Growth, GrowthState, grown_prefix
from streams.messages.size_limits import SizeLimits
from streams.messages.topics import TopicNames, differing
from streams.operations.growing.copying import Copying
from streams.operations.growing.plan import ask_disks, no_room
from streams.operations.status.reader import read_overview
from streams.settings import Settings

FRESH_SECONDS = 20 * 3600
"""A copy that rested for longer is made again: what was deleted meanwhile may have left no trace to copy (Kafka keeps it a day)."""
FEW_RECORDS = 2_000
MOST_ROUNDS = 20
"""The copy follows running workers until a round brings fewer records, but no more rounds than that."""
LOOK_SECONDS = 1.0
LIFE_MS = 30_000
"""How often the command says that it is at work."""
PATIENCE_SECONDS = 180.0
"""So long it tries again while Kafka does not answer: a broker with thousands of partitions starts slowly, and workers may be paused."""
RETRY_SECONDS = 3.0
WELL_SECONDS = 60.0
"""A try that lasted longer found Kafka well at first."""


class CannotGrow(RuntimeError):
    """The move cannot begin or go on; the text says why, and what to do."""


class Interrupted(CannotGrow):
    """It waited for longer than it was to: the next run goes on."""


@dataclass(slots=True)
class Growing:
    """`run` carries the move out. `settings` are those of the file, with the old topics or, later, with the new ones.

    `say` takes a line for a person. `wait_seconds` bounds each wait for processes to stop. `before_state` is called with each state
    before it is written (for tests).
    """

    settings: Settings
    to: int
    say: Callable[[str], None] = lambda line: None
    report: Callable[[int, int], None] = lambda done, of: None
    wait_seconds: float = 600.0
    checks_disks: bool = True
    """Whether a move is refused whose copy does not fit on Kafka's disks."""
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    before_state: Callable[[GrowthState], None] = lambda state: None
    holder: str = field(default_factory=lambda: f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex[:6]}")
    took: dict[str, float] = field(default_factory=dict)
    waiting: int = 0
    """Records that the new group has to work off."""
    copied: int = 0
    """Records that this command has written to the copy."""
    _growth: Growth | None = None
    _progress: tuple[int, int] = (0, 0)
    _said_ms: int = 0

    async def run(self) -> Growth:
        """Carry it out, from wherever it is. Raises `CannotGrow`, and aiokafka's errors.

        Where Kafka did not answer in time it goes on as another command would: brokers that have just made hundreds of partitions,
        or have lost a node, need a while.
        """
        failing_since: float | None = None
        while True:
            began = time.monotonic()
            try:
                return await self._go_on()
            except NotWritten:
                raise
            except KafkaError as error:
                if not (error.retriable or isinstance(error, KafkaTimeoutError | KafkaConnectionError)):
                    raise
                now = time.monotonic()
                if failing_since is None or now - began > WELL_SECONDS:
                    failing_since = now
                if now - failing_since > PATIENCE_SECONDS:
                    raise
                self.say(f"Kafka did not answer ({error}), trying again in {RETRY_SECONDS:.0f} s")
            await asyncio.sleep(RETRY_SECONDS)

    async def _go_on(self) -> Growth:
        growth = await self._begun()
        if growth.state == "done":
            return growth
        source, target = await self._sides(growth)
        await self._prepare(growth, target)
        targets = _targets(source, growth)
        async with Copying(source, target, targets, self._demand_ours, self._note_progress) as copying:
            try:
                growth = await self._carry_out(growth, source, copying)
                self.copied += copying.copied
            except NotWritten:
                # What follows the failed record may be there: where the copy goes on cannot be known from it.
                if growth.state in ABANDONABLE:
                    await self._enter(growth.state, is_spoiled=True)
                raise
        return growth

    async def _carry_out(self, growth: Growth, source: Settings, copying: Copying) -> Growth:
        if growth.state == "copying":
            with self._timed("copying"):
                await self._follow(copying)
            await self._demand_same_places(growth)
            growth = await self._enter("closing")
        if growth.state == "closing":
            await self._until(lambda: self._workers(source), "stop all workers now; still there: {}")
            await self._demand_same_places(growth)
            with self._timed("rest"):
                await copying.run()
                self.waiting = await copying.translate_commits()
            growth = await self._enter("switching")
        self.say(
            f"now set kafka.topic_prefix = {growth.to_prefix!r} and kafka.partitions = {growth.to_partitions} everywhere, and restart "
            "the gateways; leave the workers stopped until this command ends"
        )
        await self._until(lambda: self._gateways(source), "waits for gateways of before to end: {}")
        copying.targets = _targets((await self._sides(growth))[0], growth)
        with self._timed("tail"):
            await copying.run()
        return await self._enter("done")

    async def abandon(self) -> Growth:
        """Give the move up: the topics of before are the deployment. Raises `CannotGrow` when it is too late, or there is none."""
        growth = await read_growth(self.settings)
        if growth is None or not growth.is_open:
            raise CannotGrow("no move to more partitions is under way")
        if growth.state not in ABANDONABLE:
            raise CannotGrow(f"it is too late: gateways may have written to the new topics already; {growth.words}")
        self._growth = growth
        return await self._enter("abandoned", takes_over=True)

    # -- states -------------------------------------------------------------------------------------------

    async def _begun(self) -> Growth:
        now_ms, kafka = self.now_ms(), self.settings.kafka
        growth = await read_growth(self.settings)
        if growth is not None and growth.state == "done" and growth.to_partitions == self.to:
            return growth
        if growth is not None and growth.is_open:
            if growth.to_partitions != self.to:
                raise CannotGrow(growth.words)
            is_stale = now_ms - growth.at_ms > FRESH_SECONDS * 1000
            is_moved = growth.placement != (await self._placement(growth))
            if growth.state in ABANDONABLE and (is_stale or is_moved or growth.is_spoiled):
                growth = growth.model_copy(update={"state": "copying", "since_ms": now_ms, "is_spoiled": False})
                await self._clear(growth)
            self.say(f"goes on: {growth.words}")
        else:
            growth = Growth(
                from_prefix=kafka.topic_prefix,
                from_partitions=kafka.partitions,
                to_prefix=grown_prefix(kafka.topic_prefix, self.to),
                to_partitions=self.to,
                state="copying",
                since_ms=now_ms,
                holder=self.holder,
                by=getpass.getuser(),
                began_ms=now_ms,
                at_ms=now_ms,
            )
            await self._require(growth)
            await self._clear(growth)
        placement = await self._placement(growth) if growth.state in ABANDONABLE else growth.placement
        growth = self._growth = growth.model_copy(
            update={"holder": self.holder, "at_ms": now_ms, "placement": placement}
        )
        self.before_state(growth.state)
        await write_growth(self.settings, growth)
        return growth

    async def _require(self, growth: Growth) -> None:
        """Raise what would stop the move later, while workers are stopped."""
        try:
            CopyTargets(growth.from_partitions, growth.to_partitions)
        except ValueError:
            raise CannotGrow(
                f"--to {self.to}: expected a multiple of {growth.from_partitions}, the present number, and more than that"
            ) from None
        names = TopicNames(growth.from_prefix)
        if problem := differing(await reach(self.settings), names.specs(), growth.from_partitions):
            raise CannotGrow(problem)
        await demand_rights(self.settings, names.specs(), READS)
        await group_members(self.settings, names.group)
        await demand_group(self.settings, TopicNames(growth.to_prefix).group)
        if self.checks_disks and (problem := no_room(await ask_disks(self.settings))):
            raise CannotGrow(problem)

    async def _sides(self, growth: Growth) -> tuple[Settings, Settings]:
        """The settings with the old and with the new topics, with all connections that there are now."""
        source = with_topics(self.settings, growth.from_prefix, growth.from_partitions)
        source = await settings_now(source, with_incomplete=True)
        return source, with_topics(source, growth.to_prefix, growth.to_partitions)

    async def _placement(self, growth: Growth) -> str:
        return _targets((await self._sides(growth))[0], growth).fingerprint

    async def _demand_same_places(self, growth: Growth) -> None:
        """Raises `CannotGrow` when a connection came, went or moved while it was copied: its records may be in other places."""
        if growth.placement != await self._placement(growth):
            raise CannotGrow("connections have changed meanwhile: run the same command again, it copies once more")

    async def _prepare(self, growth: Growth, target: Settings) -> None:
        wanted = TopicNames(growth.to_prefix).specs(SizeLimits.of(target.gateway.max_body_bytes).record)
        found = await reach(target)
        if missing := {name: config for name, config in wanted.items() if name not in found}:
            if growth.state not in ABANDONABLE:
                raise CannotGrow(f"topic {next(iter(missing))} is missing: it held what was copied. Restore it")
            await create_topics(target, missing)
            self.say(f"created {len(missing)} topics with the prefix {growth.to_prefix!r}")
        await until_topics_are_led(target, wanted)
        await demand_rights(target, wanted, READS_AND_WRITES)

    async def _clear(self, growth: Growth) -> None:
        """Delete what an abandoned or old copy has left. It is nobody's deployment."""
        target = with_topics(self.settings, growth.to_prefix, growth.to_partitions)
        wanted, found = TopicNames(growth.to_prefix).specs(), await reach(self.settings)
        left = [name for name in wanted if name in found]
        if wrong := [name for name in left if found[name] != growth.to_partitions]:
            raise CannotGrow(
                f"topic {wrong[0]} exists with {found[wrong[0]]} partitions: delete it, then run this again"
            )
        ends = await first_and_end_offsets(target, left)
        full = sorted({partition.topic for partition, (_, end) in ends.items() if end})
        if full:
            await demand_rights(self.settings, full, (Right.DELETE,))
            self.say(f"deletes {len(full)} topics of an earlier copy")
        for name in full:
            await delete_topic(self.settings, name)

    async def _enter(self, state: GrowthState, *, takes_over: bool = False, is_spoiled: bool = False) -> Growth:
        if not takes_over:
            await self._demand_ours()
        self.before_state(state)
        assert self._growth is not None, "the move has begun"
        now_ms = self.now_ms()
        since_ms = self._growth.since_ms if state == self._growth.state else now_ms
        written = {
            "state": state,
            "at_ms": now_ms,
            "since_ms": since_ms,
            "holder": self.holder,
            "is_spoiled": is_spoiled,
        }
        self._growth = self._growth.model_copy(update=written)
        await write_growth(self.settings, self._growth)
        return self._growth

    async def _demand_ours(self) -> None:
        growth = await read_known_growth(self.settings)
        if growth is None or growth.holder != self.holder:
            who = growth.holder if growth is not None else "nobody"
            raise CannotGrow(f"another command has taken the move over ({who}), and this one stops")
        await self._show_life()

    async def _show_life(self) -> None:
        """Now and then: whoever looks at the move sees that somebody is at work."""
        now_ms = self.now_ms()
        if now_ms - self._said_ms < LIFE_MS:
            return
        self._said_ms = now_ms
        copied, of = self._progress
        await write_at_work(self.settings, AtWork(holder=self.holder, at_ms=now_ms, copied=copied, of=of))

    def _note_progress(self, done: int, of: int) -> None:
        self._progress = (done, of)
        self.report(done, of)

    async def _follow(self, copying: Copying) -> None:
        for _ in range(MOST_ROUNDS):
            if await copying.run() < FEW_RECORDS:
                return

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.took[part] = self.took.get(part, 0.0) + time.monotonic() - began

    # -- processes ----------------------------------------------------------------------------------------

    async def _workers(self, source: Settings) -> list[str]:
        alive = [f"worker {one.status.instance}" for one in (await read_overview(source)).alive]
        members = await group_members(source, TopicNames(source.kafka.topic_prefix).group)
        return alive or ([f"{members} members of the group"] if members else [])

    async def _gateways(self, source: Settings) -> list[str]:
        return [f"gateway {one.status.gateway}" for one in (await read_overview(source)).gateways or () if one.is_alive]

    async def _until(self, there: Callable[[], Awaitable[list[str]]], words: str) -> None:
        """Wait until nobody is there. Raises `Interrupted` once it has waited for long enough."""
        said, began = "", time.monotonic()
        while found := await there():
            line = words.format(", ".join(found))
            if line != said:
                self.say(line)
                said = line
            if time.monotonic() - began >= self.wait_seconds:
                raise Interrupted(f"{line}. Nothing is lost: run the same command again")
            await self._show_life()
            await asyncio.sleep(LOOK_SECONDS)


def _targets(source: Settings, growth: Growth) -> CopyTargets:
    return CopyTargets.of(source.connections.values(), growth.from_partitions, growth.to_partitions)
