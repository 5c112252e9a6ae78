"""Replay and redrive are exact: commands and workers die by SIGKILL at any moment, others go on, and nothing is skipped or doubled.

Everything is a process of its own here, on a real Kafka. What happened is judged by the ledgers of the sandboxes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.bench.town import Plan, Town, town
from tests.deadlines import within
from tests.kafka.broker import Broker
from tests.zygote import DEVNULL, PIPE, Process, run_module

LEADS = 40
NAME = "pair0"
MAPPING = '\n[mappings.ours]\nextends = "default"\n[mappings.ours.fields]\n"city" = { from = "stage" }\n'
PLAN = Plan(pairs=1, leads=LEADS, session_timeout_seconds=6.0)


async def begun(on: Town, *arguments: str) -> Process:
    """A command under way."""
    words = (*arguments, "--config", str(on.config))
    return await run_module("streams.cli", *words, stdout=DEVNULL, stderr=PIPE, env={**os.environ, **on.environ})


async def finished(on: Town, *arguments: str) -> None:
    """A command that must come to its end."""
    child = await begun(on, *arguments)
    _, complaint = await child.communicate()
    assert child.returncode == 0, complaint.decode()


async def killed(on: Town, seconds: float, *arguments: str) -> bool:
    """A command that is killed after so long; whether it was still at work."""
    child = await begun(on, *arguments)
    try:
        await asyncio.wait_for(child.communicate(), seconds)
    except TimeoutError:
        child.kill()
        await child.wait()
        return True
    return False


async def writes(on: Town, after: int, *operations: str) -> list[dict[str, Any]]:
    """What GHL was asked to write since then, and did."""
    rows = await on.ledger(on.ghl, after)
    return [one for one in rows if one["operation"] in operations and one["applied"]]


async def seq(on: Town) -> int:
    """Where GHL's ledger stands."""
    return max((int(one["seq"]) for one in await on.ledger(on.ghl)), default=0)


async def contacts(on: Town) -> list[dict[str, Any]]:
    """What GHL holds."""
    found: list[dict[str, Any]] = (await on.get(f"{on.ghl}/_sandbox/contacts", location="loc0"))["contacts"]
    return found


async def until(claim: Any, seconds: float = 60.0) -> None:
    """Wait until an awaited claim holds."""
    deadline = time.monotonic() + within(seconds)
    while not await claim():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.1)


async def has_all(on: Town) -> bool:
    """Whether every lead is in GHL."""
    return len(await contacts(on)) >= LEADS


async def new_mapping(on: Town) -> None:
    """The workers get another mapping, by an orderly restart."""
    text = on.config.read_text()
    on.config.write_text(text.replace('region = "US"', 'region = "US"\nmapping = "ours"') + MAPPING)
    on.children["worker"].stop()
    on.children["worker"] = on.start_worker("worker-with-mapping")
    await on.children["worker"].until_ready(on.http, f"{on.worker}/readyz")
    await on.until_still()


@pytest.mark.parametrize("kills_workers", [False, True], ids=["commands", "commands and workers"])
async def test_a_replay_that_is_killed_again_and_again_skips_nothing_and_writes_nothing_twice(
    real_kafka: Broker, kills_workers: bool
) -> None:
    """After a change of the mapping every contact is written once, whatever died meanwhile.

    An update that a dying worker had sent is sent again, for its answer is lost; it is the same update. Nothing is created.
    """
    random = Random(7)
    async with town(real_kafka.bootstrap, PLAN) as on:
        await finished(on, "backfill", NAME)
        await until(lambda: has_all(on))
        await on.until_still()
        await new_mapping(on)
        before, kills = await seq(on), 0
        replay = ("replay", "lofty.snapshots", "--yes", "--rate", "8")
        for number in range(4):
            kills += await killed(on, 1.0 + random.random() * 1.5, *replay)
            if kills_workers and number in (1, 2):
                on.children["worker"].kill()
                on.children["worker"] = on.start_worker(f"worker-{number}")
        await on.children["worker"].until_ready(on.http, f"{on.worker}/readyz")
        await finished(on, *replay)
        await on.until_still()

        updates = Counter(one["path"] for one in await writes(on, before, "update-contact"))
        created = await writes(on, before, "create-contact")
        assert kills >= 3
        assert created == []
        assert len(updates) == LEADS
        assert sum(updates.values()) - LEADS <= (2 * PLAN.in_flight_per_location if kills_workers else 0)
        await finished(on, "verify")


async def test_a_redrive_that_is_killed_again_and_again_creates_every_contact_once(real_kafka: Broker) -> None:
    """Forty refused contacts; commands of two operators and a worker die while they are tried again."""
    random = Random(11)
    async with town(real_kafka.bootstrap, PLAN) as on:
        fault = {"kind": "status", "operation": "create-contact", "status": 422, "times": LEADS}
        await on.post(f"{on.ghl}/_sandbox/faults", {"faults": [fault]})
        await finished(on, "backfill", NAME)
        await until(lambda: _refused(on))
        await on.until_still()
        before = await seq(on)
        redrive = ("replay", "parked", "--reason", "refused", "--yes", "--rate", "10")
        for number in range(3):
            seconds = 2.0 + random.random() * 2
            await asyncio.gather(killed(on, seconds, *redrive), killed(on, seconds + 0.3, "parked", "retry", "--yes"))
            if number == 1:
                on.children["worker"].kill()
                on.children["worker"] = on.start_worker("worker-after-kill")
        await on.children["worker"].until_ready(on.http, f"{on.worker}/readyz")
        await finished(on, *redrive)
        await until(lambda: has_all(on))
        await on.until_still()

        made = [one for one in await writes(on, before, "create-contact") if one["created"]]
        assert len(await contacts(on)) == len(made) == LEADS
        await finished(on, "verify")


async def _refused(on: Town) -> bool:
    rows = await on.ledger(on.ghl)
    return sum(one["status"] == 422 for one in rows) >= LEADS
