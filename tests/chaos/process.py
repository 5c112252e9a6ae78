"""A worker of the chaos suite: the real one, which can be told to kill itself at an exact await point.

    python -m tests.chaos.process --config FILE --instance w7 [--kill STAGE:NUMBER] [--after DELIVERIES]

`STAGE` is `write`, `read` (one item of a dispatcher) or an agent's name (one batch).
The first `--after` pieces of work pass; from then on SIGKILL falls at the `NUMBER`-th suspension of a piece of work: an
even number at the suspension itself (what was asked for is on its way), an odd one at the resumption (it has come back).
So counting up from 1 visits every await point from both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from streams.agents.batches import Process
from streams.app import Collaborators, Worker
from streams.core.dispatcher import Item
from streams.dispatch.loop import Finish, Slot
from streams.settings import load_settings

SEARCH_LAG_MS = 900
"""The sandbox's search lags 600 ms."""

T = TypeVar("T")


def die() -> None:
    """As the kernel would: no cleaning up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Trap:
    """Counts pieces of work of one stage, and their suspensions."""

    def __init__(self, number: int, after: int) -> None:
        self._number = number
        self._after = after
        self._seen = 0

    def watch(self, work: Awaitable[T]) -> Awaitable[T]:
        """Let a piece of work run, and kill the process when it comes to the point."""
        self._seen += 1
        return work if self._seen <= self._after else _Watched(work, self._number)


class _Watched(Awaitable[T]):
    def __init__(self, work: Awaitable[T], number: int) -> None:
        self._work = work
        self._number = number

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._work.__await__()
        count = 0
        error: BaseException | None = None
        while True:
            try:
                waits_for = inner.send(None) if error is None else inner.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # whatever the work returns
            count += 1
            if self._number == 2 * count:
                die()
            error = None
            try:
                yield waits_for
            except BaseException as thrown:
                error = thrown
            if self._number == 2 * count - 1:
                die()


class TrappedWorker(Worker):
    """The worker, with a trap in one of its stages."""

    traps: ClassVar[dict[str, Trap]] = {}

    def _watched(self, stage: str, work: Awaitable[T]) -> Awaitable[T]:
        trap = self.traps.get(stage)
        return trap.watch(work) if trap else work

    async def _write(self, item: Item, slot: Slot) -> Finish:
        return await self._watched("write", super()._write(item, slot))

    async def _read(self, item: Item, slot: Slot) -> Finish:
        return await self._watched("read", super()._read(item, slot))

    def _agent(self, name: str, topic: str, process: Process) -> None:
        async def watched(messages: list[Any]) -> None:
            spans: dict[int, list[int]] = {}
            for one in messages:
                spans.setdefault(one.partition, []).append(one.offset)
            logging.getLogger("chaos").info(
                "%s gen %s %s", name, messages[0].generation_id, {p: (o[0], o[-1], len(o)) for p, o in spans.items()}
            )
            await self._watched(name, process(messages))

        super()._agent(name, topic, watched)


async def run(config: Path, instance: str, stop_signal: Callable[[asyncio.Event], None]) -> None:
    """Work until SIGTERM."""
    settings = load_settings(config, os.environ)
    given = Collaborators(instance=instance, search_lag_ms=SEARCH_LAG_MS, visibility_ms=2_000)
    stop = asyncio.Event()
    stop_signal(stop)
    async with TrappedWorker(settings, given) as worker:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell, worker)
        ended = [asyncio.create_task(stop.wait()), asyncio.create_task(worker.wait())]
        done, pending = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()


def tell(worker: Worker) -> None:
    """Log everything that waits, for whoever looks into a violation."""
    log = logging.getLogger("chaos")
    for view in worker.budgets():
        log.info("budget %s", view)
    for partition in worker.ownership.assigned:
        for table in (worker.state.fetches, worker.state.outbox):
            for key, row in table.items(partition):
                log.info("%s %s %s", table.changelog, key, row.model_dump(exclude={"snapshot", "before"}))


def _on_sigterm(stop: asyncio.Event) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--kill", default="")
    parser.add_argument("--after", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)-7s %(name)s  %(message)s")
    for chatty in ("aiokafka", "faust", "mode"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for noisy in ("streams.faust_app", "streams.tables"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if given.kill:
        stage, _, number = given.kill.partition(":")
        TrappedWorker.traps = {stage: Trap(int(number), given.after)}
    asyncio.run(run(given.config, given.instance, _on_sigterm))


if __name__ == "__main__":
    main()
