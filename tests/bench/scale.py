"""What grows with the number of connections: one deployment with so many, looked at from all sides, each figure by itself.

Gateway and worker start (ready), `status` and `doctor` as commands (wall and lines), scrapes of both, resident memory, the console's
first pages, and the time from an edit to GHL's answer at light load, spread over all connections.

    python -m tests.bench.scale BOOTSTRAP CONNECTIONS [SECONDS] [all|needing_attention]
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from itertools import count
from statistics import median
from typing import Any

from streams.demo.percentiles import percentile
from streams.kafka.batching_producer import BatchingProducer
from tests.bench.connections import ENVIRON, Ledger, console_config
from tests.bench.console_pages import signed_in
from tests.bench.observing import scrapes
from tests.bench.offered import FrontDoor
from tests.bench.processes import resident_mb
from tests.bench.town import Plan, Town, processor_seconds, producer_of, run, town
from tests.bench.whole_path import changes_of

LEADS_EACH = 2
PER_SECOND = 8.0
"""Edits in all connections together: light load."""
PAGES = ("/", "/connections", "/contacts", "/parked", "/doctor")
LOADS = 5
COMMANDS = 3


async def scale(bootstrap: str, connections: int, seconds: float, metrics: str = "all") -> dict[str, Any]:
    """Start, fill, and look. `metrics` is `worker.connection_metrics`: the table of workers is the last before what is appended."""
    more = f'connection_metrics = "{metrics}"\n{console_config()}'
    plan = Plan(pairs=connections, leads=LEADS_EACH * connections, more=more, environ=ENVIRON)
    async with town(bootstrap, plan) as on:
        found: dict[str, Any] = {
            "connections": connections,
            "connection_metrics": metrics,
            "gateway_ready_seconds": on.ready_seconds["gateway"],
            "worker_ready_seconds": on.ready_seconds["worker"],
            "directories_loaded_seconds": on.ready_seconds["still"],
        }
        producer = await producer_of(on.settings)
        await BatchingProducer(producer).produce(changes_of(on))
        await producer.stop()
        await on.settled(len(on.leads), most=300.0)
        await on.until_still()
        for process, url in (("worker", on.worker), ("gateway", on.gateway)):
            found |= {f"scrape_{process}_{key}": value for key, value in (await scrapes(on, url, "text/plain")).items()}
        found |= await _idle(on)
        for command in ("status", "doctor"):
            found |= {f"{command}_{key}": value for key, value in (await _command(on, command)).items()}
        found |= await _pages(on)
        found |= await _light_load(on, seconds)
        found |= {f"{name}_mb": resident_mb(on.children[name].pid) for name in ("worker", "gateway")}
        return {**found, "load": os.getloadavg()[0]}


async def _idle(on: Town, seconds: float = 20.0) -> dict[str, float]:
    """What the processes use of a core while nothing happens, in per cent."""
    before = {name: processor_seconds(on, name) for name in ("worker", "gateway")}
    await asyncio.sleep(seconds)
    return {f"idle_{name}_percent": 100 * (processor_seconds(on, name) - at) / seconds for name, at in before.items()}


async def _command(on: Town, command: str) -> dict[str, Any]:
    """The median wall of a command, its lines, its exit code, and how many of its lines are about a look that was not had."""
    took, out, code = [], b"", 0
    for _ in range(COMMANDS if command == "status" else 1):
        began = time.perf_counter()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", command, "--config", str(on.config)),
            env={**os.environ, **on.environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await child.communicate()
        took.append(time.perf_counter() - began)
        code = child.returncode or 0
    lines = out.decode(errors="replace").splitlines()
    not_had = sum(line.startswith("not looked at") for line in lines)
    return {"seconds": median(took), "lines": len(lines), "exit_code": code, "not_looked_at": not_had}


async def _pages(on: Town) -> dict[str, float]:
    """The slowest of some loads of each page at the server; the first of each is left out."""
    found = {}
    async with signed_in(on) as http:
        for page in PAGES:
            took = []
            for _ in range(LOADS + 1):
                began = time.perf_counter()
                async with http.get(f"{on.gateway}/console{page}") as answer:
                    answer.raise_for_status()
                    size = len(await answer.read())
                took.append(1000 * (time.perf_counter() - began))
            found |= {f"page_{page}_ms": max(took[1:]), f"page_{page}_kilobytes": size / 1000}
    return found


async def _light_load(on: Town, seconds: float) -> dict[str, float]:
    """From each edit to the moment at which GHL applied it, by the edit's own text, in milliseconds."""
    made: dict[str, float] = {}
    turns = [on.leads[at] for turn in range(LEADS_EACH) for at in range(turn, len(on.leads), LEADS_EACH)]
    ledger, before, began = Ledger(on, on.ghl), processor_seconds(on), time.time()
    async for _ in ledger.answered():
        pass
    async with FrontDoor(on) as door:
        for number in count():
            due = began + number / PER_SECOND
            if due > began + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.time()))
            connection, lead = turns[number % len(turns)]
            edit = {"edit": "update", "kind": "lead", "id": lead, "fields": {"lastName": f"Edit{number}"}}
            made[f"Edit{number}"] = time.time()
            team = on.plan.team(int(connection.removeprefix("pair")))
            await on.post(f"{on.lofty}/_sandbox/edits", {"edits": [edit]}, team=team)
            door.announce(connection, lead)
            await door.flush()
    await on.until_still(2.0)
    applied = {row["body"].get("lastName"): row["applied_at"] async for row in ledger.answered() if _is_applied(row)}
    waits = [1000 * (applied[text] - at) for text, at in made.items() if text in applied]
    cuts = {f"edit_p{percent}_ms": percentile(waits, percent) for percent in (50, 99)}
    busy = 100 * (processor_seconds(on) - before) / seconds
    return {"edits": len(made), "edits_missing": len(made) - len(waits), **cuts, "worker_busy_percent": busy}


def _is_applied(row: Mapping[str, Any]) -> bool:
    return bool(row["applied"]) and isinstance(row["body"], dict)


if __name__ == "__main__":
    where, size, *more = sys.argv[1:]
    run(scale(where, int(size), float(more[0]) if more else 30.0, *more[1:2]))
