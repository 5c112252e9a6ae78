"""A deployment has as many partitions as its topics, whatever the default of a newer release is."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from streams.kafka.partition_count import with_found_partitions
from streams.messages.topics import CHANGES, TopicNames
from streams.settings import Settings, parse_settings
from streams.settings.wanted_topics import wanted_topics
from tests.integration.command import command
from tests.integration.outage_stage import outage_stage
from tests.kafka.broker import Broker

MOST_PARTITIONS = 150
"""Of a new deployment, all topics together: small clusters have room for a few hundred."""


def settings_of(bootstrap: str, prefix: str, more: str = "") -> tuple[str, Settings]:
    """A configuration that says no number of partitions, unless `more` does."""
    text = f'[kafka]\nbootstrap_servers = "{bootstrap}"\ntopic_prefix = "{prefix}"\n{more}'
    return text, parse_settings(text, {}, read_file=lambda path: "", source="partitions")


async def test_a_new_deployment_has_few_partitions(embedded_kafka: Broker) -> None:
    """No more than 150 in all, changelogs included."""
    _, settings = settings_of(embedded_kafka.bootstrap, f"{uuid.uuid4().hex[:6]}.")
    assert await with_found_partitions(settings) == settings
    assert sum(topic.partitions for topic in wanted_topics(settings)) <= MOST_PARTITIONS


async def test_topics_that_are_there_say_the_number_unless_the_configuration_does(
    broker: Broker, tmp_path: Path
) -> None:
    """Also where one of them was lost."""
    prefix = f"{uuid.uuid4().hex[:6]}."
    names = {name: config for name, config in TopicNames(prefix).specs().items() if not name.endswith(CHANGES)}
    broker.create_topics(names, 3)
    _, silent = settings_of(broker.bootstrap, prefix)
    _, given = settings_of(broker.bootstrap, prefix, "partitions = 4\n")
    assert (await with_found_partitions(silent)).kafka.partitions == 3
    assert (await with_found_partitions(given)).kafka.partitions == 4
    broker.delete_topics(names)


@pytest.mark.parametrize("says_it", [True, False])
async def test_a_deployment_of_before_goes_on_with_its_twelve_partitions(
    real_kafka: Broker, tmp_path: Path, says_it: bool
) -> None:
    """Gateway, worker and commands use all twelve, whether the configuration names the number or not."""
    async with outage_stage(real_kafka.bootstrap, tmp_path, partitions=12, says_partitions=says_it) as on:
        leads = {on.new_lead(place) for place in range(4)}
        await on.until_there(leads, 90)
        code, shown, _ = await command("status", on.worker.config, "--json", environ=on.worker.environ)
        assert (code in (0, 1), json.loads(shown)["partitions"]) == (True, 12)
        code, shown, complaint = await command("topics check", on.worker.config, environ=on.worker.environ)
        assert (code, shown) == (0, f"all {len(wanted_topics(on.settings))} topics are right\n"), complaint
        assert on.twice() == []
