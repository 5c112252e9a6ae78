"""What it costs to have many budgets: the dispatcher alone with up to 3,000 that always have work, and 1,000 connections.

`core`: only the state machine, time as an argument: in each budget, 8 of 12 contacts are in flight, and windows are wide enough.
`full`: the same with windows of 100 requests in ten seconds that are all used up, so that time frees what is next.
`loop`: `DispatchLoop` around it, with work that takes no time, as the event loop has it.
`pipeline`: a gateway and a worker as processes: how long until they are ready, and the worker's processor time for a contact.

    python -m tests.bench.many_budgets core|full|loop BUDGETS
    python -m tests.bench.many_budgets pipeline BOOTSTRAP CONNECTIONS LEADS
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any

from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher, Item, Verdict
from streams.kafka.batching_producer import BatchingProducer
from streams.worker.dispatch.loop import AGAIN, DispatchLoop, DispatchWork, RequestSlot, WorkResult
from tests.bench.town import Plan, processor_seconds, producer_of, run, town
from tests.bench.whole_path import changes_of

ITEMS = 20_000
IN_FLIGHT = 8
LANES = 12
WIDE = BudgetPolicy(1_000_000, 10.0, IN_FLIGHT, is_noted=True, daily_limit=200_000_000)
NARROW = BudgetPolicy(100, 10.0, IN_FLIGHT, is_noted=True, daily_limit=200_000_000)


def core(budgets: int, policy: BudgetPolicy, items: int = ITEMS) -> dict[str, Any]:
    """Milliseconds of processor time an item, from its answer to the start of the next."""
    dispatcher, now, going = Dispatcher(), 0.0, deque[Item]()
    for item in _work(budgets):
        dispatcher.acquire(item.budget, policy)
        dispatcher.offer_item(item, now)

    def turn() -> float | None:
        going.extend(dispatcher.start(now))
        for name in dispatcher.take_short(now, 0):
            dispatcher.granted(name, stands=True)
        return dispatcher.wait_seconds(now)

    def work(number: int) -> None:
        nonlocal now
        for _ in range(number):
            while not going:
                now += turn() or 0.0
            item = going.popleft()
            dispatcher.answered(item, now)
            turn()
            dispatcher.finish(item, Verdict.AGAIN, now)
            turn()

    for _ in range(3):
        turn()
    warm = budgets * (2 * NARROW.limit if policy is NARROW else IN_FLIGHT)
    work(warm)
    began = time.process_time()
    work(items)
    return {"budgets": budgets, "items": items, "ms_per_item": (time.process_time() - began) / items * 1000}


async def loop(budgets: int, items: int = ITEMS) -> dict[str, Any]:
    """The same of the loop that performs: tasks, slots and the event loop's own turns are in it."""
    done, ended, began = 0, asyncio.Event(), 0.0
    warm = budgets * IN_FLIGHT * 2

    async def perform(_item: Item, slot: RequestSlot) -> WorkResult:
        nonlocal done, began
        await asyncio.sleep(0)
        slot.answered()
        await asyncio.sleep(0)
        done += 1
        if done == warm:
            began = time.process_time()
        elif done == warm + items:
            ended.set()
        return AGAIN

    dispatching = DispatchLoop("many", DispatchWork(perform), time.monotonic)
    for item in _work(budgets):
        dispatching.acquire(item.budget, WIDE)
        dispatching.offer_item(item)
    working = asyncio.create_task(dispatching.run())
    await ended.wait()
    found = (time.process_time() - began) / items * 1000
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await dispatching.drain()
    return {"budgets": budgets, "items": items, "ms_per_item": found}


def _work(budgets: int) -> list[Item]:
    lanes = [(f"b{budget}", f"b{budget}:{lane}") for budget in range(budgets) for lane in range(LANES)]
    return [Item(lane, lane, budget, "t") for budget, lane in lanes]


async def pipeline(bootstrap: str, connections: int, leads: int) -> dict[str, Any]:
    """The time from the start of the processes to ready, and from the first topic to settled receipts.

    One lead of each connection goes first: what a location costs once (its custom fields, its users) is no contact's cost.
    """
    each = leads // connections
    async with town(bootstrap, Plan(pairs=connections, leads=(each + 1) * connections)) as on:
        producer = await producer_of(on.settings)
        changes, at_first = changes_of(on), processor_seconds(on)
        firsts, rest = changes[:: each + 1], [one for at, one in enumerate(changes) if at % (each + 1)]
        await BatchingProducer(producer).produce(firsts)
        await on.settled(len(firsts), most=600.0)
        await on.until_still()
        start, before, began = processor_seconds(on) - at_first, processor_seconds(on), time.time()
        await BatchingProducer(producer).produce(rest)
        receipts, last = await on.settled(len(changes), most=600.0)
        await producer.stop()
        contacts = len(receipts) - len(firsts)
        return {
            "connections": connections,
            "gateway_ready_seconds": on.ready_seconds["gateway"],
            "worker_ready_seconds": on.ready_seconds["worker"],
            "directories_loaded_seconds": on.ready_seconds["still"],
            "worker_start_processor_seconds": at_first,
            "first_ms_per_connection": start / connections * 1000,
            "contacts": contacts,
            "syncs_per_second": contacts / (last - began),
            "processor_ms_per_contact": (processor_seconds(on) - before) / contacts * 1000,
        }


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "pipeline":
        run(pipeline(rest[0], int(rest[1]), int(rest[2])))
    elif what == "loop":
        run(loop(int(rest[0])))
    else:
        print(json.dumps(core(int(rest[0]), WIDE if what == "core" else NARROW)))
