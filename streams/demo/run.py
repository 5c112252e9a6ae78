"""Runs the demo from its start to its report."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connectors.sandbox.lofty.people import make_leads
from streams.demo.comparison import Comparison, compare_everything
from streams.demo.dataset import AGENCIES, POISON_PING, morning
from streams.demo.environment import PASSWORD, USER, DemoEnvironment, start_environment
from streams.demo.report import DemoSummary, print_report
from streams.kafka.topic_reader import read_topic
from streams.messages import FENCE_KEY, Parked, Receipt
from streams.messages.topics import PARKED, RECEIPTS, TopicNames

LEADS = 150
"""For each agency."""

QUIET_SECONDS = 1.5
"""How long nothing may move before everything is compared."""

STANDSTILL_SECONDS = 60.0
"""How long nothing may move before what is not right is reported as it is. While requests go on, a busy machine has its time."""

MOST_SECONDS = 900.0
"""The demo ends by itself: what is not right by then is reported, however much moves."""

FAULTS = [
    {"kind": "status", "status": 429, "times": 4, "probability": 0.03},
    {"kind": "status", "status": 500, "times": 8, "probability": 0.03},
    {"kind": "status", "status": 503, "times": 6, "probability": 0.03},
    {"kind": "drop_before_apply", "times": 3, "probability": 0.01},
]


class Interrupted(Exception):
    """A signal ended the demo before it had compared. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.strsignal(number))


class _StopSignal:
    """The first signal that asks to end: it cancels the run, or ends the wait after it. Later signals are ignored."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_kept = False
        self.asked = asyncio.Event()
        self._run = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, self._ask, number)

    def _ask(self, number: int) -> None:
        if self.number is not None:
            return
        self.number = number
        self.asked.set()
        if self._run is not None and not self.is_kept:
            self._run.cancel()


async def run_demo(folder: Path, console: Console, *, keep: bool) -> bool:
    """Run it; True when GHL holds what it should. `keep` leaves everything running until a signal asks to end.

    SIGINT, SIGTERM and SIGHUP end it with all of its processes. Raises `Interrupted` when that was before the comparison.
    """
    stop = _StopSignal()
    try:
        return await _run(folder, console, stop, keep=keep)
    except asyncio.CancelledError:
        if stop.number is None:
            raise
        raise Interrupted(stop.number) from None


async def _run(folder: Path, console: Console, stop: _StopSignal, *, keep: bool) -> bool:
    began = time.monotonic()
    console.print("starting broker, sandboxes, gateway and worker …", style="dim")
    async with start_environment(folder, with_console=keep) as environment:
        timings = await _run_parts(environment, console, began + MOST_SECONDS)
        summary = await _count(environment, timings)
        print_report(console, timings.comparison, summary)
        if keep:
            stop.is_kept = True
            _show(environment, console)
            await stop.asked.wait()
            console.print("ending …", style="dim")
    return timings.comparison.is_right


@dataclass(frozen=True, slots=True)
class _Timings:
    """How long the two parts took, when the second began, and the comparison at the end."""

    first_seconds: float
    second_seconds: float
    second_began_ms: int
    comparison: Comparison


async def _run_parts(environment: DemoEnvironment, console: Console, deadline: float) -> _Timings:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        watching = asyncio.create_task(_watch(environment, progress))
        try:
            first = time.monotonic()
            seeded = await _seed_leads(environment)
            await _wait_until_settled(environment, deadline)
            second, second_began_ms = time.monotonic(), time.time_ns() // 1_000_000
            await environment.post(f"{environment.ghl}/_sandbox/faults", {"faults": FAULTS})
            await _edit(environment, seeded)
            comparison = await _wait_until_settled(environment, deadline)
            end = time.monotonic()
            return _Timings(second - first - QUIET_SECONDS, end - second - QUIET_SECONDS, second_began_ms, comparison)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def _seed_leads(environment: DemoEnvironment) -> list[list[dict[str, Any]]]:
    """The leads come in, with pings, as fast as Lofty reports them."""
    seeded = []
    for number, agency in enumerate(AGENCIES):
        body = {"leads": make_leads(LEADS, seed=number + 1), "tells": True}
        answer = await environment.post(f"{environment.lofty}/_sandbox/seed", body, team=str(agency.team))
        seeded.append(answer["leads"])
    return seeded


async def _edit(environment: DemoEnvironment, seeded: list[list[dict[str, Any]]]) -> None:
    """The agents' morning: bursts of edits, and one poison ping."""
    mornings = [morning(leads, seed=number + 11) for number, leads in enumerate(seeded)]
    for bursts in zip(*mornings, strict=False):
        for agency, burst in zip(AGENCIES, bursts, strict=True):
            await environment.post(f"{environment.lofty}/_sandbox/edits", {"edits": burst}, team=str(agency.team))
        await asyncio.sleep(0.4)
    async with environment.http.post(
        f"{environment.gateway}/lofty/{AGENCIES[0].webhook_secret}", data=POISON_PING
    ) as answer:
        answer.raise_for_status()


async def _wait_until_settled(environment: DemoEnvironment, deadline: float) -> Comparison:
    """Wait until GHL holds what it should and nothing moves, or until it stands still or the time is up."""
    quiet_since, asked = time.monotonic(), -1
    while True:
        await asyncio.sleep(0.5)
        ghl = await environment.get(f"{environment.ghl}/_sandbox/stats")
        lofty = await environment.get(f"{environment.lofty}/_sandbox/stats")
        now = time.monotonic()
        moved = ghl["requests"] + lofty["requests"]
        if moved != asked or lofty["pending"]:
            quiet_since, asked = now, moved
        quiet = now - quiet_since
        if now > deadline or quiet > QUIET_SECONDS:
            comparison = await compare_everything(environment)
            if comparison.is_right or now > deadline or quiet > STANDSTILL_SECONDS:
                return comparison


async def _watch(environment: DemoEnvironment, progress: Progress) -> None:
    """Live progress, from the sandboxes' counts."""
    reported = progress.add_task("changes reported by Lofty", total=None)
    contacts = progress.add_task("contacts in GHL", total=LEADS * len(AGENCIES))
    requests = progress.add_task("requests to GHL", total=None)
    throttled = progress.add_task("429s from GHL", total=None)
    while True:
        lofty = await environment.get(f"{environment.lofty}/_sandbox/stats")
        ghl = await environment.get(f"{environment.ghl}/_sandbox/stats")
        progress.update(reported, completed=lofty["pings"]["told"])
        operations = ghl["operations"]
        made = operations.get("create-contact", {}).get("201", 0)
        progress.update(contacts, completed=min(made, LEADS * len(AGENCIES)))
        progress.update(requests, completed=ghl["requests"])
        progress.update(throttled, completed=ghl["throttled"])
        await asyncio.sleep(0.3)


async def _count(environment: DemoEnvironment, timings: _Timings) -> DemoSummary:
    names = TopicNames(environment.settings.kafka.topic_prefix)
    records = await read_topic(environment.settings, names.of(RECEIPTS))
    receipts = [Receipt.from_bytes(one.value) for one in records if one.key != FENCE_KEY]
    parked = [Parked.from_bytes(one.value) for one in await read_topic(environment.settings, names.of(PARKED))]
    lofty = await environment.get(f"{environment.lofty}/_sandbox/stats")
    ghl = await environment.get(f"{environment.ghl}/_sandbox/stats")
    metrics = await _metrics(environment)
    return DemoSummary(
        first_seconds=timings.first_seconds,
        second_seconds=timings.second_seconds,
        second_began_ms=timings.second_began_ms,
        pings_told=lofty["pings"]["told"],
        deliveries=lofty["pings"].get("delivered", 0),
        lofty=lofty,
        ghl=ghl,
        receipts=receipts,
        parked=Counter(one.reason for one in parked),
        duplicates_dropped=metrics['decision="duplicate"'] + metrics['decision="late"'],
    )


async def _metrics(environment: DemoEnvironment) -> Counter[str]:
    """The worker's count of changes, by decision."""
    counts: Counter[str] = Counter()
    async with environment.http.get(f"{environment.worker}/metrics") as answer:
        for line in (await answer.text()).splitlines():
            name, _, value = line.rpartition(" ")
            if name.startswith("lofty_ghl_changes_total{"):
                counts[name.removeprefix("lofty_ghl_changes_total{").rstrip("}")] += int(float(value))
    return counts


def _show(environment: DemoEnvironment, console: Console) -> None:
    console.print(
        f"\nstill running, until Ctrl-C:\n"
        f"  console        {environment.gateway}/console    user {USER}, password {PASSWORD}\n"
        f"  gateway        {environment.gateway}/metrics\n"
        f"  worker         {environment.worker}/metrics\n"
        f"  Lofty sandbox  {environment.lofty}/_sandbox/leads?team={AGENCIES[0].team}\n"
        f"  GHL sandbox    {environment.ghl}/_sandbox/contacts?location={AGENCIES[0].location}\n"
        f"  configuration  {environment.config}\n"
        f"  logs           {environment.folder}/*.log\n"
        f"edit a lead:  curl -X PATCH '{environment.lofty}/_sandbox/leads/LEAD_ID?team={AGENCIES[0].team}' "
        f'-d \'{{"city": "Marfa"}}\'',
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
