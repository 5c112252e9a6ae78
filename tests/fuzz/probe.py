"""The neighbour of all that is attacked, as a process of its own: `python -m tests.fuzz.probe ORDER`, JSON of `Order`.

Five times a second it delivers a good webhook to its own connection, and asks the gateway and the worker for their health.
It also asks a process that does nothing else (`python -m tests.fuzz.probe --idle PORT`): when that is late, too, the machine
paused. And it notes how long whoever was asked could run and was not let (`/proc/PID/schedstat`): on a machine that others use,
too, that is not the attack's doing.
Each line of its file is `[what, began, seconds, status, waited]`; status 0 for no answer. `kafka` says, each second, how long
the thread of Kafka's that waited longest for a processor did.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

EVERY_SECONDS = 0.2
LONGEST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to ask, with the process ids of those whose waiting is noted."""

    gateway: str
    worker: str
    idle: str
    secret: str
    team: int
    leads: list[int]
    gateway_pid: int
    worker_pid: int
    kafka_pid: int
    out: str


def waited_seconds(pid: int, thread: int = 0) -> float:
    """How long a thread (the first of its process by default) has waited for a processor since it began."""
    try:
        return int(Path(f"/proc/{pid}/task/{thread or pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def waited_by_thread(pid: int) -> dict[int, float]:
    """The same for each thread of a process."""
    threads = [int(one.name) for one in Path(f"/proc/{pid}/task").glob("*")]
    return {one: waited_seconds(pid, one) for one in threads}


class Probe:
    """Asks until it is ended."""

    def __init__(self, order: Order, out: Any) -> None:
        self._order, self._out = order, out
        self._own = os.getpid()

    async def run(self) -> None:
        """Ask."""
        order, number = self._order, 0
        timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_kafka())
            while True:
                number += 1
                ping = {"leadId": order.leads[number % len(order.leads)], "updateTime": time.time_ns() // 1_000_000}
                body = json.dumps({"teamId": order.team, "listId": 2, "updatedLead": [ping]}).encode()
                url = f"{order.gateway}/lofty/{order.secret}"
                tasks.create_task(self._ask(http, "webhook", "POST", url, order.gateway_pid, body))
                tasks.create_task(self._ask(http, "gateway", "GET", f"{order.gateway}/healthz", order.gateway_pid))
                tasks.create_task(self._ask(http, "worker", "GET", f"{order.worker}/healthz", order.worker_pid))
                tasks.create_task(self._ask(http, "idle", "GET", order.idle, 0))
                await asyncio.sleep(EVERY_SECONDS)

    async def _ask(
        self, http: aiohttp.ClientSession, what: str, method: str, url: str, pid: int, body: bytes | None = None
    ) -> None:
        began, at, waited = time.time(), time.monotonic(), self._waited(pid)
        try:
            async with http.request(method, url, data=body) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        self._note(what, began, time.monotonic() - at, status, self._waited(pid) - waited)

    async def _watch_kafka(self) -> None:
        before: dict[int, float] = {}
        while True:
            now = waited_by_thread(self._order.kafka_pid)
            most = max((waited - before.get(one, waited) for one, waited in now.items()), default=0.0)
            before = now
            self._note("kafka", time.time() - 1, 1.0, 200, most)
            await asyncio.sleep(1)

    def _waited(self, pid: int) -> float:
        return waited_seconds(self._own) + (waited_seconds(pid) if pid else 0.0)

    def _note(self, what: str, began: float, took: float, status: int, waited: float) -> None:
        self._out.write(json.dumps([what, began, round(took, 4), status, round(waited, 4)]) + "\n")
        self._out.flush()


async def idle(port: int) -> None:
    """A server that only answers."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="idle")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "--idle":
        asyncio.run(idle(int(sys.argv[2])))
    else:
        given = Order(**json.loads(sys.argv[1]))
        with Path(given.out).open("w") as file:
            asyncio.run(Probe(given, file).run())
