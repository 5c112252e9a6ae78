"""Kafka away, under load: killed, or frozen so that connections stay open and nothing answers. Of three brokers one goes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from aiokafka.errors import KafkaError

from streams.kafka.clients import reach
from tests.chaos.desk import Desk
from tests.chaos.history import MOST_SECONDS, Deed, History, unwritten
from tests.chaos.history.case import Case
from tests.chaos.record import held_now
from tests.chaos.stage import Stage
from tests.deadlines import within
from tests.kafka.node import KafkaNode

LOOK_SECONDS = 1.0
STOP_SECONDS = 10.0

How = Literal["killed", "frozen"]


@dataclass(slots=True)
class Outages:
    """`load` are the agents, who go on meanwhile."""

    stage: Stage
    load: Desk
    random: Random

    async def take_away(self, how: How, seconds: float) -> Deed:
        """Kafka is away for so long. Then nothing else is done until all that was edited meanwhile is written, or is late."""
        node, is_alone = self.random.choice(self.stage.nodes), len(self.stage.nodes) == 1
        who = "kafka" if is_alone else "one of three brokers"
        happened = self.stage.note(f"{who} {how}", detail=f"{seconds:.0f} s")
        if how == "frozen":
            pid = node.pid
            os.kill(pid, signal.SIGSTOP)
            await _until_stopped(pid)
        else:
            await asyncio.to_thread(node.kill)
        began, edits, last = time.time(), len(self.load.journal), self.stage.ghl.ledger.after()[-1:]
        try:
            await asyncio.sleep(seconds / 2)
            is_away = not await self._answers(node)
            await asyncio.sleep(max(0.0, began + seconds - time.time()))
        finally:
            if how == "frozen":
                os.kill(pid, signal.SIGCONT)
            else:
                await asyncio.to_thread(node.start)
        happened.until = time.time()
        written = sum(one.applied for one in self.stage.ghl.ledger.after(last[0].seq if last else 0))
        seen = {"Kafka did not answer": int(is_away), "agents went on": len(self.load.journal) - edits}
        if not is_alone:
            seen["GHL was written meanwhile"] = written
        deed = Deed(f"{who} {how} for {seconds:.0f} s", began, happened.until, seen, is_outage=True)
        waiting = await self._until_written(deed)
        told = f"{waiting} of {seen['agents went on']} edits not written" if waiting else "all is written"
        print(f"{deed.act}: {told} {time.time() - deed.until:.1f} s after its return", flush=True)
        return deed

    async def _until_written(self, outage: Deed) -> int:
        """Wait; returns how much is still not written when its time is over."""
        while True:
            waiting = len(await asyncio.to_thread(self._unwritten, self._look(), outage))
            if not waiting or time.time() > outage.until + MOST_SECONDS:
                return waiting
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> History:
        """What is known without reading a topic."""
        leads, contacts = held_now(self.stage)
        return History((self.stage.in_force(),), self.stage.ghl.ledger.after(), (), {}, leads, contacts, ())

    def _unwritten(self, history: History, outage: Deed) -> list[object]:
        return list(unwritten(list(self.load.journal), outage, Case.of(history)))

    async def _answers(self, node: KafkaNode) -> bool:
        kafka = self.stage.settings.kafka.model_copy(update={"bootstrap_servers": node.bootstrap})
        try:
            await reach(self.stage.settings.model_copy(update={"kafka": kafka}))
        except (KafkaError, OSError, TimeoutError):
            return False
        return True


async def _until_stopped(pid: int) -> None:
    """Until all of its threads have ended."""
    async with asyncio.timeout(within(STOP_SECONDS)):
        while not _is_stopped(pid):
            await asyncio.sleep(0.01)


def _is_stopped(pid: int) -> bool:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] != "T":
                return False
        except FileNotFoundError:
            continue
    return True
