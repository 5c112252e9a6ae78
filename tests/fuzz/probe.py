"""The neighbour of all that is attacked, as a process of its own: `python -m tests.fuzz.probe GATEWAY WORKER IDLE SECRET TEAM LEADS OUT`.

Five times a second it delivers a good webhook to its own connection, and asks the gateway and the worker for their health.
A second probe asks a process that does nothing else (`python -m tests.fuzz.probe --idle PORT`): when that is late, too, it was
the machine, and not the attack.
Each line of OUT is `[what, began, seconds, status]`; status 0 for no answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

EVERY_SECONDS = 0.2
LONGEST_SECONDS = 20.0


async def ask(http: aiohttp.ClientSession, out: Any, what: str, method: str, url: str, body: bytes | None) -> None:
    """One request, noted with what it took."""
    began, at = time.time(), time.monotonic()
    try:
        async with http.request(method, url, data=body) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        status = 0
    out.write(json.dumps([what, began, round(time.monotonic() - at, 4), status]) + "\n")
    out.flush()


async def probe(gateway: str, worker: str, idle: str, secret: str, team: str, leads: list[str], path: Path) -> None:
    """Ask until it is ended."""
    timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
    number = 0
    with path.open("w") as out:
        async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as tasks:
            while True:
                number += 1
                ping = {"leadId": int(leads[number % len(leads)]), "updateTime": time.time_ns() // 1_000_000}
                body = json.dumps({"teamId": int(team), "listId": 2, "updatedLead": [ping]}).encode()
                tasks.create_task(ask(http, out, "webhook", "POST", f"{gateway}/lofty/{secret}", body))
                tasks.create_task(ask(http, out, "gateway", "GET", f"{gateway}/healthz", None))
                tasks.create_task(ask(http, out, "worker", "GET", f"{worker}/healthz", None))
                tasks.create_task(ask(http, out, "idle", "GET", idle, None))
                began = time.monotonic()
                await asyncio.sleep(EVERY_SECONDS)
                late = time.monotonic() - began - EVERY_SECONDS
                if late > 0.2:
                    out.write(json.dumps(["itself", time.time() - late, round(late, 4), 200]) + "\n")


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
        *words, leads_, path_ = sys.argv[1:]
        gateway_, worker_, idle_, secret_, team_ = words
        asyncio.run(probe(gateway_, worker_, idle_, secret_, team_, leads_.split(","), Path(path_)))
