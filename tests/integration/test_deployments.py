"""Two deployments on one GHL location notice each other, and the one that goes on forgets the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson

from streams.core.to_ghl.deployment_mark import NAME
from streams.messages.topics import TopicNames
from streams.operations.status.health import problems_of
from streams.operations.status.overview import overview
from streams.settings import parse_settings
from streams.worker.worker import Worker
from tests.integration.command import command
from tests.integration.stage import ENVIRON, LOCATION, PARTITIONS, Stage, stage
from tests.kafka.broker import Broker


def marks(on: Stage) -> list[str]:
    """The names of the marks on the location."""
    return sorted(one["name"] for one in on.ghl.location(LOCATION).custom_values.values())


def others(worker: Worker) -> list[str]:
    """The topic prefixes of the others that a worker reports."""
    found = [one.writing for one in worker.status.status().connections if one.writing is not None]
    return [other.topic_prefix for side in found for other in side.other_deployments]


async def test_two_deployments_notice_each_other_and_one_takes_over(real_kafka: Broker, tmp_path: Path) -> None:
    """A second prefix on one location: each names the other, in what it reports and as a problem; a command forgets it."""
    async with stage(real_kafka, tmp_path, restarts=True) as on:
        await on.worker.__aexit__(None, None, None)
        text = on.config.replace('topic_prefix = "stage-', 'topic_prefix = "second-')
        second = parse_settings(text, ENVIRON, read_file=lambda path: "", source="stage")
        names = TopicNames(second.kafka.topic_prefix)
        config = tmp_path / "second.toml"
        config.write_text(text)
        real_kafka.create_topics(names.specs(), PARTITIONS)
        try:
            async with Worker(on.settings, on.given(marks_locations=True)) as first:
                await on.until(lambda: len(marks(on)) == 1)
                alone = others(first)
            async with Worker(second, on.given(marks_locations=True)) as other:
                await on.until(lambda: others(other) == [on.settings.kafka.topic_prefix])
                status = other.status.status()
                problems = problems_of(overview([status], status.at_ms, partitions=PARTITIONS))
                await on.until(lambda: len(marks(on)) == 2)
                taken = await command("connections take-over", config, "acme", "--json")
                await on.until(lambda: len(marks(on)) == 1 and not others(other))
            async with Worker(on.settings, on.given(marks_locations=True)) as first:
                on.worker = first
                await on.until(lambda: others(first) == [second.kafka.topic_prefix])
        finally:
            real_kafka.delete_topics(names.specs())

    assert alone == []
    said = [one for one in problems if "another deployment writes to its GHL location" in one.says]
    assert [one.mend.endswith("lofty-ghl connections take-over acme") for one in said] == [True], problems
    assert (taken[0], len(orjson.loads(taken[1])["acme"])) == (0, 1), taken
    assert all(one.startswith(f"{NAME} ") and one.endswith(" acme") for one in marks(on)), marks(on)


async def test_without_the_scope_nothing_is_noticed_and_nothing_else_suffers(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """GHL's words are reported, the budget does not pause, and leads are written."""
    async with stage(embedded_kafka, tmp_path, restarts=True) as on:
        await on.worker.__aexit__(None, None, None)
        scopes: tuple[str, ...] = ("contacts.readonly", "contacts.write", "users.readonly")
        scopes = (*scopes, "locations.readonly", "locations/customFields.readonly", "locations/customFields.write")
        whole = on.ghl._by_token["pit-stage"]
        on.ghl._by_token["pit-stage"] = replace(whole, scopes=scopes)
        async with Worker(on.settings, on.given(marks_locations=True)) as worker:
            on.worker = worker
            await on.until(lambda: worker.dispatchers.ghl.deployments.unmarked("acme"))
            on.new_lead()
            await on.until_quiet()
            side = worker.status.status().connections[0].writing
    assert side is not None
    assert "not authorized for this scope" in side.unmarked
    assert len(on.contacts()) == 1
    assert marks(on) == []
