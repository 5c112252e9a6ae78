"""A worker of the chaos suite: the real one, which can be ordered to kill itself at an exact await point.

It takes edited mappings over as `lofty-ghl worker` does. The second worker of process `w7` calls itself `w7-2`.

    python -m tests.chaos.worker --config FILE --instance w7 [--kill STAGE:POINT] [--after PIECES] [--process 0/2 --socket PATH]

`STAGE` is `write` or `read` (one item of a dispatcher: at most one request), or an agent's name (one batch).
On SIGUSR1 it logs everything that waits, and where; on SIGUSR2 every thread's stack, also when the event loop is stuck.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import io
import logging
import os
import signal
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from aiohttp import web

from streams.core.scheduling.dispatcher import Item
from streams.kafka.tables.opening import guarded
from streams.mapping_versions.store import MappingVersions
from streams.settings import Settings, load_settings
from streams.telemetry.endpoints import add_health_and_metrics
from streams.worker.agents.batches import Process
from streams.worker.consuming import Consuming
from streams.worker.dependencies import Dependencies
from streams.worker.dispatch.loop import DispatchLoop, RequestSlot, WorkResult
from streams.worker.partitions.watchdog import watch_interpreter
from streams.worker.processes.membership import Membership, membership_of
from streams.worker.supervisor import Supervisor
from streams.worker.worker import Worker
from tests.chaos.trap import Trap

SEARCH_LAG_MS = 900
"""The sandbox's search lags 600 ms."""

log = logging.getLogger("chaos")

T = TypeVar("T")


class TrappedWorker(Worker):
    """The worker, with a trap in one of its stages. Its log has every batch: skipped records are seen there."""

    traps: ClassVar[dict[str, Trap]] = {}

    def _watched(self, stage: str, work: Awaitable[T]) -> Awaitable[T]:
        trap = self.traps.get(stage)
        return trap.watch(work) if trap else work

    def _new_parts(self) -> None:
        super()._new_parts()
        self._trap_items("read", self.reading)
        self._trap_items("write", self.writing)

    def _trap_items(self, stage: str, loop: DispatchLoop) -> None:
        perform = loop._perform

        async def watched(item: Item, slot: RequestSlot) -> WorkResult:
            return await self._watched(stage, perform(item, slot))

        loop._perform = watched

    def _new_consuming(self) -> Consuming:
        def wrap(name: str, process: Process) -> Process:
            async def watched(messages: list[Any]) -> None:
                log.info("%s generation %s: %s", name, messages[0].generation_id, _spans(messages))
                await self._watched(name, process(messages))

            return watched

        return Consuming(self._parts, self.app, wrap)


def _spans(messages: list[Any]) -> str:
    offsets: dict[int, list[int]] = defaultdict(list)
    for one in messages:
        offsets[one.partition].append(one.offset)
    return ", ".join(f"{partition}@{those[0]}-{those[-1]}" for partition, those in offsets.items())


async def run(config: Path, instance: str, member: Membership) -> None:
    """Work until SIGTERM, or until the supervisor asks to stop."""
    settings = load_settings(config, os.environ)
    given = Dependencies(instance=instance, search_lag_ms=SEARCH_LAG_MS, visibility_ms=2_000, opening=guarded)
    given = replace(given, process=member.number, processes=member.count)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    member.stops(stop)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    made: list[Worker] = []

    def new_worker(settings: Settings, given: Dependencies) -> Worker:
        name = f"{instance}-{len(made) + 1}" if made else instance
        made.append(TrappedWorker(settings, replace(given, instance=name)))
        return made[-1]

    loop.add_signal_handler(signal.SIGUSR1, lambda: tell(made[-1]) if made else None)
    async with MappingVersions(settings) as desk:
        watching = asyncio.create_task(watch_interpreter(), name="watch the interpreter")
        supervisor, app = Supervisor(desk, given, new_worker=new_worker), web.Application()
        add_health_and_metrics(app, given.metrics.registry, is_ready=lambda: supervisor.is_ready, labels=member.labels)
        runner = await member.listen(app, 0)
        try:
            await supervisor.run(stop)
        finally:
            watching.cancel()
            await runner.cleanup()


def tell(worker: Worker) -> None:
    """Log everything that waits, for whoever looks into a violation."""
    for task in asyncio.all_tasks():
        stack = io.StringIO()
        task.print_stack(file=stack)
        log.info("task %s\n%s", task.get_name(), stack.getvalue())
    for view in worker.budgets():
        log.info("budget %s", view)
    for partition in worker.ownership.assigned:
        for table in (worker.tables.fetches, worker.tables.outbox):
            for key, row in table.items(partition):
                log.info("%s %s %s", table.changelog, key, row.model_dump(exclude={"snapshot", "before"}))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--kill", default="")
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--process", default="")
    parser.add_argument("--socket", default="")
    given = parser.parse_args()
    faulthandler.register(signal.SIGUSR2)
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)-7s %(name)s  %(message)s")
    for chatty in ("aiokafka", "faust", "mode", "streams.worker.faust_app", "streams.kafka.tables"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if given.kill:
        stage, _, point = given.kill.partition(":")
        TrappedWorker.traps = {stage: Trap(int(point), given.after)}
    asyncio.run(run(given.config, given.instance, membership_of(given.process, given.socket)))


if __name__ == "__main__":
    main()
