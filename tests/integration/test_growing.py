"""A deployment moves from four partitions to eight, while edits come: killed in each state, and run again."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.cli import gateway as gateway_command
from streams.console.server import ConsoleServer
from streams.core.copy_targets import CopyTargets
from streams.demo.processes import free_port
from streams.gateway.server import GatewayServer
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.growth import NotInForce, demand_in_force, read_growth, with_topics
from streams.kafka.topic_reader import newest_values, read_topic
from streams.messages import ParkedDecision
from streams.messages.audit_entry import Act
from streams.messages.growth import GROWTH_KEY, GROWTH_PARTITION, Growth, GrowthState, grown_prefix, growth_topic
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import AUDIT, CHANGES, LINKS_TABLE, REPLAY_RUNS, REPLAYS, TopicNames
from streams.operations.growing import grow
from streams.operations.growing.copying import Copying
from streams.operations.growing.grow import CannotGrow, Growing
from streams.operations.growing.plan import DiskNeed, ask_disks, plan_growth
from streams.operations.parked.queue import ParkedQueue
from streams.settings import Settings
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, PARTITIONS, Stage, stage
from tests.integration.test_lost_changelogs import refused
from tests.kafka.broker import Broker
from tests.zygote import PIPE, run_module

NEW = 8


class Killed(BaseException):
    """Stands for the end of the process: nothing is tidied up after it."""


@asynccontextmanager
async def growing_stage(broker: Broker, tmp_path: Path, **more: Any) -> AsyncIterator[Stage]:
    """A stage whose gateways share a port. The embedded broker makes no topics when asked, so they are there.

    The copy runs in this process, too, and may hold up the worker's heartbeats on a busy machine.
    """
    async with stage(broker, tmp_path, port=free_port(), restarts=True, session=10.0, **more) as on:
        new = new_settings(on)
        names = TopicNames(new.kafka.topic_prefix)
        if not broker.is_real:
            broker.create_topics(names.specs(), NEW)
            broker.create_topic(growth_topic(on.settings.kafka.topic_prefix), 1)
        try:
            yield on
        finally:
            broker.delete_topics([*names.specs(), growth_topic(on.settings.kafka.topic_prefix)])


def new_settings(on: Stage) -> Settings:
    """The settings with which the deployment goes on."""
    return with_topics(on.settings, grown_prefix(on.settings.kafka.topic_prefix, NEW), NEW)


def of(on: Stage, **more: Any) -> Growing:
    """The move of this stage."""
    return Growing(on.settings, NEW, **{"wait_seconds": within(60), **more})


async def take_over(on: Stage, settings: Settings) -> None:
    """The gateway of before ends, one with the new topics takes its port."""
    await on.gateway.__aexit__(None, None, None)
    gateway = GatewayServer(settings, console=ConsoleServer)
    on.gateway = await gateway.__aenter__()


async def links_of(settings: Settings) -> set[str]:
    """The keys in the table of links."""
    rows = await newest_values(settings, TopicNames(settings.kafka.topic_prefix).changelog(LINKS_TABLE))
    return {key.decode() for key in rows}


async def _are_open(queue: ParkedQueue, number: int) -> bool:
    return len(await queue.open()) == number


def add_leads(on: Stage, number: int) -> list[str]:
    """Leads with a note each."""
    leads = [on.new_lead(tags=["Buyer"]) for _ in range(number)]
    for lead in leads:
        on.edit("create", "note", leadId=lead, fields={"content": "Once."})
    return leads


def assert_nothing_lost_or_double(on: Stage, leads: list[str]) -> None:
    """Each lead has one contact, and that one note."""
    assert sorted(on.contacts()) == sorted(leads)
    assert len(on.ghl.location("loc-acme").contacts) == len(leads)
    assert Counter(len(one["notes"]) for one in on.contacts().values()) == {1: len(leads)}


async def test_everything_goes_on_with_more_partitions(broker: Broker, tmp_path: Path) -> None:
    """Edits before, during and after: nothing is lost or double, and what was settled is not sent again."""
    async with growing_stage(broker, tmp_path) as on:
        leads = add_leads(on, 12)
        await on.until_quiet()
        for garbage in (b"decided", b"open"):
            await on.produce(CHANGES, b"acme:1", garbage)
        queue = ParkedQueue(on.settings)
        await on.until(lambda: _are_open(queue, 2))
        decided = [one for one in await queue.open() if one.parked.original_bytes() == b"decided"]
        await queue.decide(
            [(one, ()) for one in decided], ParkedDecision(record="", decision="discarded", at_ms=1, by="t")
        )
        before, new = await links_of(on.settings), new_settings(on)
        plan = await plan_growth(on.settings, NEW)
        await on.worker.__aexit__(None, None, None)
        leads += add_leads(on, 4)  # these wait
        on.edit("update", "lead", id=leads[0], fields={"firstName": "Waiting"})
        said: list[str] = []
        moving = asyncio.create_task(of(on, say=said.append).run())
        await on.until(lambda: any("restart the gateways" in line for line in said))
        await take_over(on, new)
        growth = await moving
        written = len(on.requests("ghl", "POST", "PUT"))
        async with Worker(new, on.given()) as second:
            on.worker, on.settings, on.names = second, new, TopicNames(new.kafka.topic_prefix)
            await on.until(lambda: second.is_ready)
            on.edit("update", "lead", id=leads[1], fields={"firstName": "After"})
            await on.until(lambda: len(on.contacts()) == 16)
            await on.until_quiet()
            after = await links_of(new)
            parked = [one.parked.original_bytes() for one in await ParkedQueue(new).open()]

        assert (plan.from_partitions, plan.to_partitions, plan.to_prefix) == (PARTITIONS, NEW, new.kafka.topic_prefix)
        assert plan.records > plan.rows > len(before)
        assert len(plan.workers) == len(plan.gateways) == 1
        assert 0 < plan.pause_seconds < 60
        assert parked == [b"open"]
        assert growth.state == "done"
        assert before < after
        assert_nothing_lost_or_double(on, leads)
        assert on.contacts()[leads[0]]["firstName"] == "Waiting"
        assert on.contacts()[leads[1]]["firstName"] == "After"
        # Four creates with tags and a note each, and two updates: what was settled is not sent again.
        assert len(on.requests("ghl", "POST", "PUT")) - written <= 4 * 4 + 4


def killed_at(state: GrowthState) -> Callable[[GrowthState], None]:
    """Ends the command right before it writes this state."""

    def end(next_state: GrowthState) -> None:
        if next_state == state:
            raise Killed(state)

    return end


def killed_after(writes: int) -> Callable[[int, int], None]:
    """Ends the command after so many writes of the copy."""
    left = [writes]

    def end(_done: int, _of: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed("while it copies")

    return end


async def test_killed_in_each_state_it_goes_on(
    real_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six kills, and edits between all of them: each lead and note is there once, and its newest state counts."""
    monkeypatch.setattr("streams.operations.growing.copying.MOST_RECORDS", 7)
    async with growing_stage(real_kafka, tmp_path, store="rocksdb") as on:
        leads, new = add_leads(on, 6), new_settings(on)
        await on.until_quiet()

        async def kill(**how: Any) -> None:
            with pytest.raises(Killed):
                await of(on, **how).run()
            killed.append(how)
            leads.extend(add_leads(on, 2))
            on.edit("update", "lead", id=leads[0], fields={"firstName": f"Edit {len(killed)}"})

        killed: list[Any] = []
        await kill(before_state=killed_at("copying"))
        await kill(report=killed_after(3))
        await kill(before_state=killed_at("closing"))
        await on.until(lambda: len(on.contacts()) == 12)
        await on.worker.__aexit__(None, None, None)
        await kill(report=killed_after(4))
        await kill(before_state=killed_at("switching"))
        said: list[str] = []
        moving = asyncio.create_task(of(on, say=said.append, before_state=killed_at("done")).run())
        await on.until(lambda: any("restart the gateways" in line for line in said))
        leads.extend(add_leads(on, 2))
        await take_over(on, new)
        with pytest.raises(Killed):
            await moving
        with pytest.raises(NotInForce):
            await demand_in_force(new, "worker")
        growth = await of(on).run()
        async with Worker(new, on.given()) as second:
            on.worker, on.settings, on.names = second, new, TopicNames(new.kafka.topic_prefix)
            await on.until(lambda: second.is_ready)
            await on.until(lambda: len(on.contacts()) == len(leads))
            await on.until_quiet()

        assert (growth.state, len(killed)) == ("done", 5)
        assert_nothing_lost_or_double(on, leads)
        assert on.contacts()[leads[0]]["firstName"] == "Edit 5"
        for process in ("worker", "gateway", "command"):
            with pytest.raises(NotInForce, match=NEW_PREFIX):
                await demand_in_force(with_topics(new, growth.from_prefix, PARTITIONS), process)


NEW_PREFIX = rf"grown-{NEW}\."


async def test_abandoned_the_old_goes_on(real_kafka: Broker, tmp_path: Path) -> None:
    """Workers of before go on as if nothing had been, and a later move begins with a new copy."""
    async with growing_stage(real_kafka, tmp_path) as on:
        leads, new = add_leads(on, 4), new_settings(on)
        await on.until_quiet()
        with pytest.raises(CannotGrow, match="stop all workers now"):
            await of(on, wait_seconds=0).run()
        with pytest.raises(NotInForce):
            await demand_in_force(on.settings, "worker")
        await on.worker.__aexit__(None, None, None)
        why = await refused(on, on.settings)
        growth = await of(on).abandon()
        with pytest.raises(NotInForce):
            await demand_in_force(new, "worker")
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            leads += add_leads(on, 2)
            await on.until(lambda: len(on.contacts()) == 6)
            await on.until_quiet()
        said: list[str] = []
        again = asyncio.create_task(of(on, say=said.append).run())
        await on.until(lambda: any("restart the gateways" in line for line in said))
        with pytest.raises(CannotGrow, match="too late"):
            await of(on).abandon()
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
        found = await read_growth(on.settings)

        assert "no worker may run now" in why
        assert growth.state == "abandoned"
        assert any("deletes" in line for line in said)
        assert found is not None
        assert found.state == "switching"
        assert_nothing_lost_or_double(on, leads)


async def grow_until(config: Path, word: str) -> None:
    """Run the command until it says this, then kill it."""
    arguments = ("partitions", "grow", "--to", str(NEW), "--config", str(config))
    started = await run_module("streams.cli", *arguments, stdout=PIPE, stderr=PIPE, env={**os.environ, **ENVIRON})
    assert started.stderr is not None
    said = []
    async with asyncio.timeout(within(60)):
        while line := (await started.stderr.readline()).decode():
            said.append(line)
            if word in line:
                break
    started.kill()
    await started.wait()
    assert word in "".join(said)


async def test_the_command_is_killed_and_run_again(real_kafka: Broker, tmp_path: Path) -> None:
    """With SIGKILL, each time that it says something. Meanwhile everything that is asked says what is under way."""
    async with growing_stage(real_kafka, tmp_path) as on:
        config, leads, new = config_of(on, tmp_path), add_leads(on, 4), new_settings(on)
        await on.until_quiet()
        planned, wrong = [await command("partitions plan", config, "--to", to) for to in (str(NEW), "6")]
        await grow_until(config, "created")
        await grow_until(config, "stop all workers")
        code, status, _ = await command("status", config)
        worker = await command("worker", config)
        await on.worker.__aexit__(None, None, None)
        leads += add_leads(on, 2)
        await grow_until(config, "restart the gateways")
        shown = await command("partitions show", config)
        on.edit("update", "lead", id=leads[0], fields={"firstName": "Tail"})
        moving = asyncio.create_task(command("partitions grow", config, "--to", str(NEW), "--json"))
        await asyncio.sleep(0)
        await take_over(on, new)
        done = await moving
        again = await command("partitions grow", config, "--to", str(NEW))
        late = await command("status", config)
        acts = [
            Act.from_bytes(one.value) for one in await read_topic(new, TopicNames(new.kafka.topic_prefix).of(AUDIT))
        ]
        async with Worker(new, on.given()) as second:
            on.worker, on.settings, on.names = second, new, TopicNames(new.kafka.topic_prefix)
            await on.until(lambda: second.is_ready)
            await on.until(lambda: len(on.contacts()) == 6)
            await on.until_quiet()

        assert (planned[0], "then the workers pause for about" in planned[1]) == (0, True)
        assert (wrong[0], "expected a multiple of 4" in wrong[2]) == (2, True)
        assert code in (0, 1)
        assert "waits until all workers are stopped" in status
        assert worker[0] == 2
        assert "no worker may run now" in worker[2]
        assert (shown[0], "waits until all gateways run" in shown[1]) == (1, True)
        assert (done[0], orjson.loads(done[1])["state"]) == (0, "done"), done
        assert again[0] == 0
        assert (late[0], "grown-8." in late[2]) == (2, True)
        assert [act.outcome for act in acts if act.action == "deployment grow"].count("done") == 2
        assert_nothing_lost_or_double(on, leads)
        assert on.contacts()[leads[0]]["firstName"] == "Tail"


async def test_a_plan_says_what_the_copy_takes_of_kafkas_disks_and_refuses_what_does_not_fit(
    real_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker of today says it. A move that is begun all the same is refused before anything is made."""

    async def full(_: Settings) -> tuple[DiskNeed, ...]:
        return (DiskNeed(1, 10**9, 10**9),)

    async with growing_stage(real_kafka, tmp_path) as on:
        on.new_lead()
        await on.until_quiet()
        [disk] = await ask_disks(on.settings)
        code, said, _ = await command("partitions plan", config_of(on, tmp_path), "--to", str(NEW))
        monkeypatch.setattr(grow, "ask_disks", full)
        with pytest.raises(CannotGrow, match="make room there first"):
            await of(on).run()
        begun = await read_growth(on.settings)
        with pytest.raises(CannotGrow, match="stop all workers now"):
            await of(on, wait_seconds=0, checks_disks=False).run()

    assert disk.usable_bytes > 10**6
    assert 1_000 < disk.needed_bytes < 10**8
    assert (code, "on the disks of each broker; free: " in said) == (0, True)
    assert begun is None


async def test_a_broker_that_does_not_say_how_much_room_it_has_stops_nothing(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """The plan says that it is unknown."""
    async with growing_stage(embedded_kafka, tmp_path) as on:
        found = await ask_disks(on.settings)
        code, said, _ = await command("partitions plan", config_of(on, tmp_path), "--to", str(NEW))

    assert found == ()
    assert (code, "the room on Kafka's disks is unknown" in said) == (0, True)


async def test_a_state_that_cannot_be_read_starts_nothing_and_stops_no_gateway(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's garbage, or a newer release's: the command says which topic, and what to do."""
    said: list[str] = []
    monkeypatch.setattr(gateway_command, "MOVED_SECONDS", 0.01)
    monkeypatch.setattr(gateway_command, "say", said.append)
    async with growing_stage(embedded_kafka, tmp_path) as on:
        topic = growth_topic(on.settings.kafka.topic_prefix)
        async with open_batching_producer(on.settings) as producer:
            await producer.produce([Record(topic, GROWTH_PARTITION, GROWTH_KEY, b"\xff")])

        exit_code, _, error = await command("status", config_of(on, tmp_path))
        stop = asyncio.Event()
        watching = asyncio.create_task(gateway_command._stop_when_moved(on.settings, stop))
        await on.until(lambda: len(said) > 1)

        assert exit_code == 2
        assert f"topic {topic}" in error
        assert "use the release that wrote it" in error
        assert "goes on" in said[0]
        assert not stop.is_set()
        watching.cancel()


async def test_how_far_a_replay_is_is_never_copied_without_what_it_sent(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay goes on while the last records are copied, and Kafka says the ends of partitions one after another."""
    async with growing_stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until_quiet()
        new, lead = new_settings(on), b"acme:contact:7"
        ghl = ghl_budget(on.settings.connections["acme"].ghl_budget)
        growth = Growth(
            from_prefix=on.settings.kafka.topic_prefix,
            from_partitions=PARTITIONS,
            to_prefix=new.kafka.topic_prefix,
            to_partitions=NEW,
            state="copying",
            holder="me",
            began_ms=1,
            at_ms=1,
        )
        targets = CopyTargets.of(on.settings.connections.values(), growth.from_partitions, NEW)
        asked = AIOKafkaConsumer.end_offsets
        replays, runs = on.names.of(REPLAYS), on.names.of(REPLAY_RUNS)
        sent: list[int] = []

        async def one_after_another(consumer: Any, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
            first = [one for one in partitions if one.topic != runs]
            ends: dict[TopicPartition, int] = await asked(consumer, first) if first else {}
            if not sent and any(one.topic == replays for one in first):
                sent.append(1)
                async with open_batching_producer(on.settings) as producer:
                    await producer.produce([Record(replays, partition_of(ghl, PARTITIONS), lead, b"{}")])
                    await producer.produce([Record(runs, partition_of("a run", PARTITIONS), b"a run", b"{}")])
            rest = [one for one in partitions if one.topic == runs]
            return ends | (await asked(consumer, rest) if rest else {})

        async def ours() -> None:
            """Nobody takes the move over."""

        monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", one_after_another)
        async with Copying(on.settings, new, targets, ours) as copying:
            found = []
            for _ in range(2):
                await copying.run()
                copies = [
                    await read_topic(new, TopicNames(new.kafka.topic_prefix).of(one)) for one in (REPLAY_RUNS, REPLAYS)
                ]
                found.append([len(one) for one in copies])

        assert sent
        assert all(progress <= records for progress, records in found), found
        assert found[-1] == [1, 1]
