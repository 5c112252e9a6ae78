"""Which connections of newer settings are replaced, when they are in force, and what needs another worker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.core.renamed import ConnectionRenamed
from streams.settings import Connection, Settings, parse_settings
from streams.settings.overlay import Overlay
from streams.worker.connections import LiveConnections, is_same
from streams.worker.take_over import AT_ONCE, PACE_SECONDS, TakeOver, needs_restart
from tests.deadlines import within

FILE = """
[connections.acme]
lofty = { team_id = "1" }
ghl = { location_id = "loc1" }
[connections.acme.back]
notes = true
[[connections.acme.back.rules]]
on = "tag added"
name = "hot"
note = "{{ tag }} was added"
[connections.best]
lofty = { team_id = "2" }
ghl = { location_id = "loc2" }
"""
UPPER = '[mappings.upper]\n[mappings.upper.fields]\nfirstName = { from = "firstName", transform = ["upper"] }\n'


def settings(text: str = FILE) -> Settings:
    """As a process reads them."""
    return parse_settings(text)


def changed(now: Settings, connection: str, **facts: Any) -> Settings:
    """These settings with another connection of this id."""
    other = now.connections[connection].model_copy(update=facts)
    return now.model_copy(
        update={"connections": {**now.connections, connection: other}, "mapping_version": now.mapping_version + 1}
    )


class Worker:
    """Replaces connections when it is asked to."""

    def __init__(self, now: Settings) -> None:
        self.connections = LiveConnections(now)
        self.replaced: list[str] = []
        self.blocks: dict[str, asyncio.Event] = {}
        self.error: Exception | None = None
        self.reports: list[int] = []
        self.trouble: dict[str, str] = {}
        self.take_over = TakeOver(now, self.connections, self.replace, self.report)

    async def replace(self, name: str, now: Connection | None) -> None:
        """What the dispatchers do."""
        self.replaced.append(name)
        if block := self.blocks.get(name):
            await block.wait()
        if self.error is not None:
            raise self.error
        self.connections.put(name, now)

    def report(self, in_force: Settings, wanted: Settings) -> None:
        """What the worker's status says."""
        self.reports.append(in_force.mapping_version)
        self.trouble = wanted.connection_trouble

    async def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(10):
            await asyncio.sleep(0)


def test_a_connection_that_was_parsed_again_is_the_same() -> None:
    """Also its compiled mapping and rules; an edited mapping, a rate or a pause is another."""
    one, other = settings().connections["acme"], settings().connections["acme"]
    edited = settings().with_overlay(Overlay(1, {"upper": UPPER}, {"acme": "upper"})).connections["acme"]
    commented = (
        settings().with_overlay(Overlay(2, {"upper": f"# said\n{UPPER}"}, {"acme": "upper"})).connections["acme"]
    )

    assert one is not other
    assert is_same(one, other)
    assert is_same(edited, commented)
    assert not is_same(one, edited)
    assert not is_same(one, one.model_copy(update={"paused": ("to_ghl",)}))
    assert not is_same(one, None)
    assert is_same(None, None)


@pytest.mark.parametrize(
    ("written", "paused"),
    [("true", ("to_ghl", "to_lofty")), ("false", ()), ('["to_lofty"]', ("to_lofty",)), ("[]", ())],
)
def test_a_pause_is_written_as_a_word_or_by_direction(written: str, paused: tuple[str, ...]) -> None:
    """`true` is both directions."""
    text = FILE.replace("[connections.acme]\n", f"[connections.acme]\npaused = {written}\n")
    assert settings(text).connections["acme"].paused == paused


def test_only_connections_are_taken_over_by_a_running_worker() -> None:
    """Anything else needs another one."""
    now = settings()
    kafka = now.model_copy(update={"kafka": now.kafka.model_copy(update={"session_timeout_seconds": 20.0})})
    assert not needs_restart(now, settings())
    assert not needs_restart(now, changed(now, "acme", paused=("to_ghl",)))
    assert needs_restart(now, kafka)


async def test_what_differs_is_replaced_and_nothing_else() -> None:
    """New, changed and removed ones; the version is in force once all of them are."""
    now = settings()
    worker = Worker(now)
    wanted = changed(now, "acme", paused=("to_ghl",))
    del wanted.connections["best"]
    worker.take_over.begin(wanted)
    assert worker.take_over.in_force is now
    await worker.settle()

    assert sorted(worker.replaced) == ["acme", "best"]
    assert dict(worker.connections) == wanted.connections
    assert worker.take_over.in_force is wanted
    worker.take_over.begin(wanted)
    await worker.settle()
    assert len(worker.replaced) == 2


async def test_a_connection_that_takes_long_delays_no_other_and_goes_on_to_the_newest() -> None:
    """Settings that come meanwhile are not lost."""
    now = settings()
    worker = Worker(now)
    block = worker.blocks["acme"] = asyncio.Event()
    one = changed(now, "acme", paused=("to_ghl",))
    two = changed(changed(one, "acme", paused=("to_lofty",)), "best", paused=("to_ghl",))
    worker.take_over.begin(one)
    await worker.settle()
    worker.take_over.begin(two)
    await worker.settle()
    early = (worker.connections["best"].paused, worker.connections["acme"].paused, worker.take_over.in_force is now)
    block.set()
    await worker.settle()

    assert early == (("to_ghl",), (), True)
    assert worker.connections["acme"].paused == ("to_lofty",)
    assert worker.take_over.in_force is two
    assert worker.reports[-1] == two.mapping_version


async def test_a_take_over_that_fails_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Then another worker must do it."""
    now = settings()
    worker = Worker(now)
    worker.error = OSError("disk")
    failed = asyncio.create_task(worker.take_over.failed())
    await worker.settle()
    assert not failed.done()
    worker.take_over.begin(changed(now, "acme", paused=("to_ghl",)))
    await asyncio.wait_for(failed, within(5))
    assert "connection acme cannot be taken over while the worker runs" in caplog.text
    assert worker.take_over.in_force is now


async def test_a_renamed_connection_is_left_out_and_ends_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It would begin without what is known under its old name. It is tried again when it is another."""
    now = settings()
    worker = Worker(now)
    worker.error = ConnectionRenamed("old", "acme")
    wanted = changed(now, "acme", paused=("to_ghl",))
    worker.take_over.begin(wanted)
    await worker.settle()
    worker.take_over.begin(wanted)
    await worker.settle()
    tries, trouble = len(worker.replaced), worker.trouble
    worker.error = None
    worker.take_over.begin(changed(wanted, "acme", paused=("to_lofty",)))
    await worker.settle()

    assert tries == 1
    assert "has the Lofty team and GHL location of 'old'" in trouble["acme"]
    assert worker.trouble == {}
    assert "has the Lofty team and GHL location of 'old'" in caplog.text
    assert worker.connections["acme"].paused == ("to_lofty",)


def with_many(now: Settings, count: int) -> Settings:
    """These settings with so many connections more."""
    like = now.connections["best"]
    more = {f"agency-{n:03d}": like.model_copy(update={"name": f"agency-{n:03d}"}) for n in range(count)}
    return now.model_copy(update={"connections": {**now.connections, **more}, "mapping_version": 1})


@pytest.mark.usefixtures("virtual_time")
async def test_two_hundred_that_begin_take_turns_and_a_change_that_is_there_does_not_wait() -> None:
    """At once they would take the process's whole time, and the leads of all others would wait."""
    now = settings()
    worker = Worker(now)
    wanted = with_many(now, 200)
    began = asyncio.get_running_loop().time()
    worker.take_over.begin(wanted)
    await worker.settle()
    at_once = list(worker.replaced)
    await worker.take_over.bring(wanted, ["agency-199"])
    hurried, meanwhile = worker.replaced[-1], asyncio.get_running_loop().time() - began
    await asyncio.sleep(10)
    after_ten = len(worker.replaced)
    while worker.take_over.in_force is now:
        await asyncio.sleep(0.1)
    took = asyncio.get_running_loop().time() - began

    assert at_once == [f"agency-{n:03d}" for n in range(AT_ONCE)]
    assert (hurried, meanwhile) == ("agency-199", 0.0)
    assert after_ten == pytest.approx(AT_ONCE + 1 + 10 / PACE_SECONDS, abs=2)
    assert sorted(worker.replaced) == [f"agency-{n:03d}" for n in range(200)]
    assert took < 45


@pytest.mark.usefixtures("virtual_time")
async def test_a_pause_and_a_removal_of_many_wait_for_no_turn() -> None:
    """Also of those that still waited to begin."""
    now = with_many(settings(), 100)
    worker = Worker(settings())
    worker.take_over.begin(now)
    await worker.settle()
    begun = len(worker.replaced)
    paused = {
        name: one.model_copy(update={"paused": ("to_ghl", "to_lofty")})
        for name, one in now.connections.items()
        if name != "agency-099"
    }
    wanted = now.model_copy(update={"connections": paused})
    worker.take_over.begin(wanted)
    await worker.settle()

    assert begun == AT_ONCE
    assert worker.take_over.in_force is wanted
    assert dict(worker.connections) == paused
