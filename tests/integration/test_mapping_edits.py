"""A mapping is edited while everything runs: every worker takes it over, and nothing is lost or written twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.mapping_versions import store
from streams.mapping_versions.effective import Edits, EffectiveMappings, effective_mappings
from streams.mapping_versions.errors import NoMappings, StaleVersion, WrongMapping
from streams.mapping_versions.store import settings_now
from streams.messages import Snapshot
from streams.messages.mapping_edit import MappingEdit
from streams.messages.partitioning import partition_of
from streams.messages.topics import CONNECTIONS, MAPPINGS, SNAPSHOTS
from streams.operations.mapping_preview.editor import MappingEditor
from streams.settings import Settings
from streams.worker.supervisor import Supervisor
from tests.deadlines import within
from tests.integration.stage import PARTITIONS, Stage, stage
from tests.kafka.broker import Broker

MAPPING = """
[connections.acme.policies]
create_custom_fields = true
[connections.acme.tags]
prefix = ""
"""
UPPER = '[mappings.acme]\n[mappings.acme.fields]\nfirstName = { from = "firstName", transform = ["upper"] }\n'
LOWER = UPPER.replace("upper", "lower")
WRONG = UPPER.replace("upper", "uper")


@asynccontextmanager
async def shift(on: Stage, desk: MappingEditor) -> AsyncIterator[Supervisor]:
    """The stage's worker gives place to one that takes over edited mappings, as `lofty-ghl worker` does."""
    await on.worker.__aexit__(None, None, None)
    stop = asyncio.Event()
    shifts = Supervisor(desk, on.given())
    task = asyncio.create_task(shifts.run(stop))
    await until_version(on, shifts, desk.settings().mapping_version, task)
    try:
        yield shifts
    finally:
        stop.set()
        await asyncio.wait_for(task, within(60))


async def until_version(on: Stage, shifts: Supervisor, version: int, task: asyncio.Task[None] | None = None) -> None:
    """Wait until a worker with this version is ready; it becomes the stage's."""
    async with asyncio.timeout(within(60)):
        while not (shifts.current and shifts.is_ready and shifts.current.mapping_version >= version):
            if task is not None and task.done():
                task.result()
            await asyncio.sleep(0.02)
    on.worker = shifts.current


async def test_an_edit_is_known_everywhere_and_a_stale_one_is_refused(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Two editors agree on which of two edits counts."""
    async with (
        stage(embedded_kafka, tmp_path) as on,
        MappingEditor(on.settings) as one,
        MappingEditor(on.settings) as two,
    ):
        await one.save("acme", UPPER, expected_version=0, by="ann")
        await asyncio.wait_for(two.changed_since(0), within(60))
        used = await two.use("acme", "acme", expected_version=1, by="bob")
        with pytest.raises(StaleVersion) as stale:
            await one.save("acme", LOWER, expected_version=1, by="ann")
        with pytest.raises(WrongMapping) as wrong:
            await one.save("acme", WRONG, expected_version=2, by="ann")
        async with MappingEditor(on.settings) as late:
            states = [one.state(), two.state(), late.state()]
        reverted = await two.revert(0, expected_version=2, by="bob")

    assert (stale.value.found, stale.value.by) == (2, "bob")
    assert [(problem.line, problem.hint) for problem in wrong.value.problems] == [(3, "did you mean 'upper'?")]
    assert states[0] == states[1] == states[2] == used
    assert [(edit.version, edit.by, edit.kind) for edit in used.history] == [(2, "bob", "use"), (1, "ann", "text")]
    assert (reverted.version, reverted.uses, len(reverted.mappings)) == (3, {"acme": "default"}, 1)


async def test_an_edit_is_in_force_for_whoever_hears_of_it(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling takes its time, in a thread. Until it is done there is no newer version, else a worker would pass it over."""
    compiles = threading.Event()

    def in_force_at_last(file: Settings, edits: Edits) -> EffectiveMappings:
        compiles.wait(within(60))
        return effective_mappings(file, edits)

    async with (
        stage(embedded_kafka, tmp_path) as on,
        MappingEditor(on.settings) as one,
        MappingEditor(on.settings) as two,
    ):
        monkeypatch.setattr(store, "effective_mappings", in_force_at_last)
        saving = asyncio.create_task(one.save("acme", UPPER, expected_version=0, by="ann"))
        async with asyncio.timeout(within(60)):
            while not all(any(each._read_to.values()) for each in (one, two)):
                await asyncio.sleep(0.01)
        hearing = asyncio.create_task(two.changed_since(0))
        await asyncio.sleep(0)
        early = [one.version, two.version, hearing.done()]
        with pytest.raises(StaleVersion) as stale:
            await two.save("acme", LOWER, expected_version=0, by="bob")
        compiles.set()
        async with asyncio.timeout(within(60)):
            heard, saved = await hearing, await saving
        late = [each.settings().mapping_version for each in (one, two)]

    assert early == [0, 0, False]
    assert (stale.value.found, stale.value.by) == (1, "ann")  # number and author of the same edit
    assert (heard, saved.version, late) == (1, 1, [1, 1])


async def test_of_two_saves_at_once_one_counts(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The other hears who was before it."""
    async with (
        stage(embedded_kafka, tmp_path) as on,
        MappingEditor(on.settings) as one,
        MappingEditor(on.settings) as two,
    ):
        results = await asyncio.gather(
            one.save("acme", UPPER, expected_version=0, by="ann"),
            two.save("acme", LOWER, expected_version=0, by="bob"),
            return_exceptions=True,
        )
        records = await on.records(MAPPINGS)

    assert sorted(type(result).__name__ for result in results) in (
        ["MappingState", "StaleVersion"],  # the loser saw the winner before or after its own append
    )
    assert len(records) in (1, 2)


async def test_without_the_topic_the_words_say_what_makes_it(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A deployment that was set up by an older release."""
    async with stage(embedded_kafka, tmp_path) as on:
        kafka = on.settings.kafka.model_copy(update={"topic_prefix": "nobody."})
        with pytest.raises(NoMappings, match=r"topic nobody.mappings is missing: `lofty-ghl topics create` makes it"):
            async with MappingEditor(on.settings.model_copy(update={"kafka": kafka})):
                pass


async def test_a_command_knows_edited_mappings_before_the_topic_of_connections_is_made(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """A release that had no such topic saved them: whoever compares by the file's mapping would find everything wrong."""
    async with stage(embedded_kafka, tmp_path) as on:
        async with MappingEditor(on.settings) as editor:
            await editor.save("acme", UPPER, expected_version=0, by="ann")
        embedded_kafka.delete_topics([on.names.of(CONNECTIONS)])
        assert (await settings_now(on.settings)).mapping_version == 1


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_a_worker_takes_an_edited_mapping_over_while_changes_flow(
    real_kafka: Broker, tmp_path: Path, store: str
) -> None:
    """Leads arrive all the while: each is in GHL once, and what is written after the switch follows the new mapping.

    A replay of all snapshots then rewrites exactly the contacts that differ.
    """
    async with (
        stage(real_kafka, tmp_path, restarts=True, store=store, more=MAPPING, ghl={"latency_seconds": 0.02}) as on,
        MappingEditor(on.settings) as desk,
        shift(on, desk) as shifts,
    ):
        leads: list[str] = []
        is_over = asyncio.Event()

        async def keep_coming() -> None:
            while not is_over.is_set():
                leads.append(on.new_lead(tags=["Buyer"]))
                on.edit("create", "note", leadId=leads[-1], fields={"content": "Once."})
                await asyncio.sleep(0.05 if len(leads) < 60 else 0.5)  # a save takes seconds on a busy machine

        coming = asyncio.create_task(keep_coming())
        await on.until(lambda: len(on.contacts()) >= 10)
        await desk.save("acme", UPPER, expected_version=0, by="ann")
        await desk.use("acme", "acme", expected_version=1, by="ann")
        await until_version(on, shifts, 2)
        after = on.new_lead()
        await on.until(lambda: after in on.contacts())
        is_over.set()
        await coming
        await on.until_quiet()
        first = {lead: one["firstName"] for lead, one in on.contacts().items()}

        written = len(on.requests("ghl", "PUT", "POST"))
        snapshots = await on.records(SNAPSHOTS)
        for raw in snapshots:
            await replay(on, raw)
        await on.until(lambda: {one["firstName"] for one in on.contacts().values()} == {"ADA"})
        await on.until_quiet()
        rewritten = on.requests("ghl", "PUT", "POST")[written:]

        assert sorted(on.contacts()) == sorted([*leads, after])
        assert len(on.ghl.location("loc-acme").contacts) == len(leads) + 1
        assert {len(one["notes"]) for lead, one in on.contacts().items() if lead != after} == {1}
        assert first[after] == "ADA"
        assert set(first.values()) == {"Ada", "ADA"}
        assert len(rewritten) == sum(name == "Ada" for name in first.values())
        assert shifts.count == 1  # the worker goes on: nothing restarted


async def replay(on: Stage, raw: bytes) -> None:
    """Put a snapshot on its topic once more."""
    await on.produce(SNAPSHOTS, Snapshot.from_bytes(raw).entity.key.encode(), raw, by="ghl")


async def test_an_edit_that_does_not_compile_here_stops_nobody(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The worker goes on with the last good mapping and says what is wrong; an edit that fixes it is taken over."""
    async with (
        stage(embedded_kafka, tmp_path, restarts=True, more=MAPPING) as on,
        MappingEditor(on.settings) as desk,
        shift(on, desk) as shifts,
    ):
        await desk.save("acme", UPPER, expected_version=0, by="ann")
        await desk.use("acme", "acme", expected_version=1, by="ann")
        await until_version(on, shifts, 2)
        # Another release saved what this one does not know.
        edit = MappingEdit(id="x", based_on=2, kind="text", name="acme", text=WRONG, at_ms=0, by="newer")
        await on.produce(MAPPINGS, b"x", edit.to_bytes(), at=partition_of(MAPPINGS, PARTITIONS))
        await asyncio.wait_for(desk.changed_since(2), within(60))
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        trouble, count = on.worker.mapping_trouble, shifts.count
        broken = desk.state()
        await desk.save("acme", LOWER, expected_version=3, by="ann")
        await until_version(on, shifts, 4)
        other = on.new_lead()
        await on.until(lambda: other in on.contacts())

        assert on.contacts()[lead]["firstName"] == "ADA"
        assert on.contacts()[other]["firstName"] == "ada"
        assert "version 3 of the mappings does not compile here, so version 2 is used" in trouble
        assert (broken.version, broken.in_force_version, [one.line for one in broken.broken]) == (3, 2, [3])
        assert (count, on.worker.mapping_trouble) == (1, "")


async def test_a_mapping_that_nobody_uses_gives_the_worker_nothing_to_do(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """It goes on, with the worker that was there."""
    async with (
        stage(embedded_kafka, tmp_path, restarts=True, more=MAPPING) as on,
        MappingEditor(on.settings) as desk,
        shift(on, desk) as shifts,
    ):
        await desk.save("other", UPPER.replace("acme", "other"), expected_version=0, by="ann")
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        assert (shifts.count, desk.version, on.worker.mapping_version) == (1, 1, 1)
