"""A changelog that somebody deletes: the worker refuses, and says what to do; an operator does that."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from confluent_kafka.admin import AdminClient

from streams.messages.topics import LINKS_TABLE, SEEN_TABLE
from tests.chaos.commands import run_command
from tests.chaos.stage import Stage
from tests.chaos.supervisor import LOOK_SECONDS, Supervisor
from tests.deadlines import within

SLOTS = range(3)
KEPT = (0, 1)
"""Whose workers keep copies; the third is there for moments."""
REFUSED = 2
END_SECONDS = 60.0
ACCEPT_SECONDS = 120.0
"""Workers count as alive for 20 s after their last word."""
AGAIN_SECONDS = 2.0


@dataclass(slots=True)
class Lost:
    """The worker that refuses is the real command."""

    stage: Stage
    supervisor: Supervisor
    random: Random

    async def delete_a_changelog(
        self, table: str | None = None, meanwhile: Callable[[], None] = lambda: None
    ) -> dict[str, int]:
        """All workers are down. Returns what was seen. `meanwhile` is done while the changelog is away."""
        table = table or self.random.choice((LINKS_TABLE, SEEN_TABLE))
        topic = self.stage.names.changelog(table)
        self.supervisor.held |= set(SLOTS)
        try:
            self.supervisor.kill(*self.stage.alive())
            await self._until(lambda: not self.stage.alive())
            await asyncio.to_thread(self._delete, topic)
            meanwhile()
            code, words = await self._run("worker", KEPT[0], END_SECONDS)
            command = re.search(r"lofty-ghl (topics create(?: --accept-lost \w+)+)", words)
            done = 0
            for slot in KEPT if command else ():
                done += await self._accept(command[1].split(), slot)  # type: ignore[index]  # no slot without it
        finally:
            self.supervisor.held -= set(SLOTS)
        before = len(self.stage.workers)
        await self._until(lambda: self._ready_since(before) > 0)
        return {
            f"a worker refused to start without {table}, and named the topic": int(code == REFUSED and topic in words),
            "it said what to do": int(command is not None),
            "that was done, on each machine": int(done == len(KEPT)),
            "a worker went on": self._ready_since(before),
        }

    async def _accept(self, words: list[str], slot: int) -> int:
        deadline = time.monotonic() + within(ACCEPT_SECONDS)
        while (found := await self._run(words[0], slot, END_SECONDS, *words[1:]))[0] != 0:
            if time.monotonic() > deadline:
                print(f"{' '.join(words)}: {found[1][-500:]}", flush=True)
                return 0
            await asyncio.sleep(AGAIN_SECONDS)
        return 1

    async def _run(self, command: str, slot: int, seconds: float, *words: str) -> tuple[int, str]:
        """A command with a slot's configuration: its exit code, and all that it said."""
        config = self.stage.folder / f"slot{slot}.toml"
        return await run_command((command, *words, "--config", str(config)), self.stage.environ, seconds)

    def _delete(self, topic: str) -> None:
        admin = AdminClient({"bootstrap.servers": self.stage.settings.kafka.bootstrap_servers})
        admin.delete_topics([topic])[topic].result(within(30))
        deadline = time.monotonic() + within(30)
        while topic in admin.list_topics(timeout=within(30)).topics:
            assert time.monotonic() < deadline, f"Kafka does not delete {topic}"
            time.sleep(LOOK_SECONDS)

    def _ready_since(self, before: int) -> int:
        return sum(one.is_ready for one in self.stage.workers[before:])

    async def _until(self, claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + within(END_SECONDS)
        while not claim() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
