"""`lofty-ghl replay` as a person runs it: said before it is done, written where it differs, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.sandbox.shared.faults import parse_fault
from streams.messages import Entity, Selection
from streams.messages.topics import CHANGES
from streams.operations.replay.errors import EditedMeanwhile
from streams.operations.replay.runner import ReplayProgress, run_replay, under_mappings
from streams.operations.replay.runs import Runs
from streams.settings import parse_settings
from streams.worker.worker import Worker
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, SECRET, Stage, stage
from tests.kafka.broker import Broker

TITLED = '[mappings.ours.fields]\n"city" = { from = "stage" }\n'
SAME = '[mappings.ours.fields]\n"city" = { from = "no.such", unchecked = true }\n'


@asynccontextmanager
async def with_mapping(on: Stage, tmp_path: Path, more: str) -> AsyncIterator[Path]:
    """Another configuration, and a worker that has it in force."""
    text = (
        on.config.replace('region = "US"', 'region = "US"\nmapping = "ours"')
        + f'[mappings.ours]\nextends = "default"\n{more}'
    )
    settings = parse_settings(text, ENVIRON, read_file=lambda path: "", source="stage")
    path = tmp_path / "changed.toml"
    path.write_text(text)
    await on.worker.__aexit__(None, None, None)
    async with Worker(settings, on.given()) as second:
        on.worker = second
        await on.until(lambda: second.is_ready and second.writing.core.is_idle and second.reading.core.is_idle)
        yield path


def asked(on: Stage, after: dict[str, int] | None = None) -> dict[str, list[str]]:
    """What both vendors were asked, behind so many requests of each."""
    return {
        vendor: [one.operation for one in on.requests(vendor)[(after or {}).get(vendor, 0) :]]
        for vendor in ("ghl", "lofty")
    }


def count(on: Stage) -> dict[str, int]:
    """How many requests each vendor had until now."""
    return {vendor: len(operations) for vendor, operations in asked(on).items()}


async def test_after_a_change_of_the_mapping_exactly_what_differs_is_written(broker: Broker, tmp_path: Path) -> None:
    """The dry run says which fields of which contacts; the replay writes these, and asks Lofty nothing."""
    async with stage(broker, tmp_path, restarts=True) as on:
        leads = [on.new_lead(stage="Showing" if number % 2 else "") for number in range(6)]
        on.edit("create", "note", leadId=leads[0], fields={"content": "Call after six."})
        await on.until_quiet()
        async with with_mapping(on, tmp_path, TITLED) as changed:
            before = count(on)
            said = await command("replay", changed, "lofty.snapshots", "--dry-run", "--json")
            document: dict[str, Any] = orjson.loads(said[1])
            assert count(on) == before, "a dry run asks no vendor"

            done = await command("replay", changed, "lofty.snapshots", "--yes", "--json")
            await on.until_quiet()
            asked_for, then = asked(on, before), count(on)
            again = await command("replay", changed, "lofty.snapshots", "--yes", "--json", "--anew")
            await on.until_quiet()

            tally = document["connections"]["acme"]
            assert (said[0], document["chosen"], document["other_mapping_in_force"]) == (0, 7, []), said
            assert tally["fields"] == {"city": tally["verdicts"]["update"]}
            assert tally["verdicts"]["update"] + tally["verdicts"]["unchanged"] == 7
            assert tally["examples"][0]["steps"][0]["step"] == "update contact"
            assert (done[0], orjson.loads(done[1])["handed"]) == (0, 7), done
            assert asked_for == {"ghl": ["update-contact"] * tally["verdicts"]["update"], "lofty": []}
            names = [one.get("city") for one in on.contacts().values()]
            assert names.count("Showing") == 3
            assert count(on) == then, "what is as it should be causes no call"
            assert (orjson.loads(again[1])["passed"], orjson.loads(again[1])["handed"]) == (7, 0)


async def test_a_replay_that_was_cut_off_under_another_mapping_begins_again(broker: Broker, tmp_path: Path) -> None:
    """What it had brought to GHL was the old mapping's: carried on from there, it would never be written."""
    async with stage(broker, tmp_path, restarts=True) as on:
        leads = [on.new_lead(stage="Showing") for _ in range(4)]
        await on.until_quiet()
        async with Runs(on.settings) as runs:
            begun = under_mappings(on.settings, runs.new(Selection(topic="lofty.snapshots"), 1))
            last = Entity.contact("acme", max(leads)).key
            left = await runs.put(begun.model_copy(update={"state": "stopped", "position": last, "passed": 4}))
        async with with_mapping(on, tmp_path, TITLED) as changed:
            code, said, complaint = await command("replay", changed, "lofty.snapshots", "--yes", "--json")
            await on.until_quiet()
            found = orjson.loads(said)
            assert (code, found["run"], found["handed"], found["passed"]) == (0, left.run, 4, 0), complaint
            assert "interrupted under another mapping" in complaint
            assert [one.get("city") for one in on.contacts().values()] == ["Showing"] * 4


async def test_a_replay_during_which_a_mapping_was_edited_says_so_and_begins_again(
    broker: Broker, tmp_path: Path
) -> None:
    """Its first records were compared under the old mapping: it must not call itself done."""
    async with stage(broker, tmp_path, restarts=True) as on:
        for _ in range(4):
            on.new_lead(stage="Showing")
        await on.until_quiet()
        heard: list[ReplayProgress] = []
        async with Runs(on.settings) as runs:
            begun = runs.new(Selection(topic="lofty.snapshots"), 1)
            # Slow, so that it is still under way when the worker with the other mapping has started, on a busy machine too.
            going = asyncio.create_task(run_replay(on.settings, runs, begun, rate=0.2, report=heard.append))
            await on.until(lambda: any(one.replay.passed + one.replay.handed for one in heard))
            async with with_mapping(on, tmp_path, TITLED) as changed:
                with pytest.raises(EditedMeanwhile, match=f"repeat it with `lofty-ghl replay --resume {begun.run}`"):
                    await going
                code, said, complaint = await command("replay", changed, "--resume", begun.run, "--yes", "--json")
                await on.until_quiet()
                assert (code, orjson.loads(said)["handed"]) == (0, 4), complaint
                assert [one.get("city") for one in on.contacts().values()] == ["Showing"] * 4


async def test_what_a_changed_mapping_leaves_as_it_is_causes_no_vendor_call(broker: Broker, tmp_path: Path) -> None:
    """Every snapshot is looked at, for the mapping is another one, and every contact is as it says already."""
    async with stage(broker, tmp_path, restarts=True) as on:
        for _ in range(5):
            on.new_lead()
        await on.until_quiet()
        async with with_mapping(on, tmp_path, SAME) as changed:
            before = count(on)
            done = await command("replay", changed, "lofty.snapshots", "--yes", "--json")
            await on.until_quiet()
            assert (done[0], orjson.loads(done[1])["handed"]) == (0, 5), done
            assert asked(on, before) == {"ghl": [], "lofty": []}
            assert all(not row for row in [list(on.worker.tables.outbox.items(partition)) for partition in range(4)])


async def test_a_replay_under_a_mapping_that_is_not_in_force_is_refused(broker: Broker, tmp_path: Path) -> None:
    """A worker would say that nothing differs; the dry run shows what would, all the same."""
    async with stage(broker, tmp_path) as on:
        on.new_lead(stage="Showing")
        await on.until_quiet()
        text = on.config.replace('region = "US"', 'region = "US"\nmapping = "ours"')
        candidate = tmp_path / "candidate.toml"
        candidate.write_text(f'{text}[mappings.ours]\nextends = "default"\n{TITLED}')
        said = await command("replay", candidate, "lofty.snapshots", "--dry-run", "--json")
        refused = await command("replay", candidate, "lofty.snapshots", "--yes")
        document = orjson.loads(said[1])
        assert (said[0], document["other_mapping_in_force"]) == (0, ["acme"]), said
        assert document["connections"]["acme"]["fields"] == {"city": 1}
        assert (refused[0], "uses another mapping" in refused[2]) == (2, True)


async def test_changes_are_read_again_and_written_where_lofty_has_moved_on(broker: Broker, tmp_path: Path) -> None:
    """An edit without a webhook arrives with the replay of an earlier change; one contact is chosen by its lead."""
    async with stage(broker, tmp_path) as on:
        lead, other = on.new_lead(), on.new_lead()
        await on.until_quiet()
        config = config_of(on, tmp_path)
        on.edit_silently("update", "lead", id=int(lead), fields={"firstName": "Grace"})
        on.edit_silently("update", "lead", id=int(other), fields={"firstName": "Grace"})
        said = await command("replay", config, CHANGES, "--contact", lead, "--dry-run", "--json")
        done = await command("replay", config, CHANGES, "--contact", lead, "--yes", "--json")
        await on.until(lambda: on.contacts()[lead]["firstName"] == "Grace")
        await on.until_quiet()
        assert orjson.loads(said[1])["counts"] == {"acme: contacts to be read from Lofty": 1}
        assert (done[0], orjson.loads(done[1])["state"]) == (0, "done"), done
        assert on.contacts()[other]["firstName"] == "Ada"


async def test_parked_records_are_replayed_by_their_reason(broker: Broker, tmp_path: Path) -> None:
    """Records that cannot be replayed are reported with the reason, and the exit code says so."""
    async with stage(broker, tmp_path) as on:
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        lead = on.new_lead()
        await on.until_quiet()
        async with on.http.post(f"{on.gateway.url}/lofty/{SECRET}", data=b'{"listId": 99, "teamId": 123456}') as answer:
            assert answer.status == 200
        config = config_of(on, tmp_path)
        said = await command("replay", config, "parked", "--dry-run", "--json")
        done = await command("replay", config, "parked", "--reason", "refused", "--yes")
        await on.until(lambda: lead in on.contacts())
        left = await command("replay", config, "parked", "--yes", "--json")
        document = orjson.loads(said[1])
        assert document["counts"] == {"acme deliver: refused retried": 1}
        assert len(document["left"]) == 1
        assert (done[0], left[0]) == (0, 1), (done, left)
        assert "shape is still unknown" in next(iter(orjson.loads(left[1])["cannot"].values()))
        assert len(on.ghl.location("loc-acme").contacts) == 1


async def test_without_a_worker_a_dry_run_says_so(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Only a worker knows what the location calls its fields."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until_quiet()
        config = config_of(on, tmp_path)
        await on.worker.__aexit__(None, None, None)
        said = await command("replay", config, "lofty.snapshots", "--dry-run", hurries=True)
        listed = await command("replay", config, "--list")
        assert (said[0], "Is `lofty-ghl worker` running" in said[2]) == (3, True), said
        assert (listed[0], listed[1]) == (0, "no replay is known\n")
