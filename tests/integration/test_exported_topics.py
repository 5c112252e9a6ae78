"""Topics and rights that are made from the export, and from nothing else, are enough: a lead goes from Lofty to GHL on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from typer.testing import CliRunner

from streams.cli.root import app
from streams.messages.topics import CHANGES, LINKS_TABLE
from tests.deadlines import within
from tests.integration.command import command
from tests.integration.stage import ENVIRON, PARTITIONS, Stage, stage
from tests.kafka.acl_page import OPERATIONS
from tests.kafka.broker import real_broker
from tests.kafka.exported import FORMATS, read_export
from tests.kafka.guarded import ADMIN_PASSWORD, PASSWORD, Guarded, guarded_kafka
from tests.kafka.jars import why_unavailable

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(900),
    pytest.mark.skipif(why_unavailable() is not None, reason=f"no real Kafka: {why_unavailable()}"),
]

SIGN_IN = 'security_protocol = "SASL_PLAINTEXT"\nsasl_mechanism = "PLAIN"\nsasl_username = "app"\n'


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    with guarded_kafka() as running:
        yield running


@asynccontextmanager
async def exported_stage(guarded: Guarded, form: str, folder: Path) -> AsyncIterator[Stage]:
    """A gateway and a worker, on topics and with rights as a program makes them that was given the export."""
    plain = real_broker(guarded.plain, "guarded")

    def create(topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
        [prefix] = [name.removesuffix(CHANGES) for name in topics if name.endswith(CHANGES)]
        config = folder / "export.toml"
        config.write_text(f'[kafka]\ntopic_prefix = "{prefix}"\npartitions = {PARTITIONS}\n{SIGN_IN}')
        options = ["--format", form, "--checker", "admin", "--config", str(config)]
        printed = CliRunner().invoke(app, ["topics", "export", *options], env={"LOFTY_GHL_KAFKA_PASSWORD": PASSWORD})
        assert printed.exit_code == 0, printed.output
        found = read_export(form, printed.output)
        for principal, kind, name, pattern, word in found.rights:
            user = principal.removeprefix("User:")
            is_prefix = pattern == "prefixed"
            guarded.allow(ResourceType[kind.upper()], name, OPERATIONS[word], is_prefix=is_prefix, user=user)
        assert {copies for _, copies, _ in found.topics.values()} == {1}
        for number in {number for number, _, _ in found.topics.values()}:
            plain.create_topics({name: more for name, (of, _, more) in found.topics.items() if of == number}, number)

    broker = replace(plain, bootstrap=guarded.sasl, create=create)
    async with stage(broker, folder, kafka=SIGN_IN, environ={"LOFTY_GHL_KAFKA_PASSWORD": PASSWORD}) as on:
        yield on


async def check(on: Stage, folder: Path, more: str = "") -> tuple[int, str]:
    """`topics check`, as the principal that the export gives the rights for it."""
    config = folder / "check.toml"
    config.write_text(on.config.replace('sasl_username = "app"', f'sasl_username = "admin"\n{more}'))
    environ = {**ENVIRON, "LOFTY_GHL_KAFKA_PASSWORD": ADMIN_PASSWORD}
    code, said, complaint = await command("topics check", config, environ=environ)
    return code, said + complaint


def change(guarded: Guarded, topic: str, key: str, value: str) -> None:
    """Set a topic's setting."""
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": guarded.plain})  # its futures end with it
    for changed in client.incremental_alter_configs([resource]).values():
        changed.result(within(30))


@pytest.mark.parametrize("form", FORMATS)
async def test_a_lead_is_carried_on_topics_and_with_rights_of_the_export_alone(
    guarded: Guarded, form: str, tmp_path: Path
) -> None:
    """Who works there may create no topic, and no other has come; `topics check` finds all right."""
    async with exported_stage(guarded, form, tmp_path) as on:
        before = topics_of(guarded, on)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts(), 90)
        await on.until_quiet()
        assert await check(on, tmp_path) == (0, f"all {len(before)} topics are right\n")
        assert topics_of(guarded, on) == before == set(on.names.specs())


async def test_what_does_not_fit_is_one_line_that_names_it_and_what_fits_is_accepted(
    guarded: Guarded, tmp_path: Path
) -> None:
    """Less retention, another cleanup, fewer replicas, a topic that is not there: each names the topic, what is asked for and what is."""
    async with exported_stage(guarded, "json", tmp_path) as on:
        changes, links, everything = on.names.of(CHANGES), on.names.changelog(LINKS_TABLE), len(topics_of(guarded, on))
        change(guarded, changes, "retention.ms", "-1")
        change(guarded, changes, "max.message.bytes", "20000000")
        assert await check(on, tmp_path) == (0, f"all {everything} topics are right\n")

        change(guarded, changes, "retention.ms", "60000")
        short = f"{changes}: expected retention.ms=1209600000, found 60000\n"
        assert await check(on, tmp_path) == (1, short)
        change(guarded, links, "cleanup.policy", "compact,delete")
        lossy = f"{links}: expected cleanup.policy=compact, found compact,delete\n"
        assert await check(on, tmp_path) == (1, short + lossy)
        change(guarded, changes, "retention.ms", "1209600000")
        change(guarded, links, "cleanup.policy", "compact")

        code, said = await check(on, tmp_path, "replication_factor = 2")
        assert (code, said.count("\n")) == (1, everything)
        assert f"{changes}: expected 2 replicas (kafka.replication_factor), found 1\n" in said


def topics_of(guarded: Guarded, on: Stage) -> set[str]:
    """The deployment's topics on the cluster."""
    known = AdminClient({"bootstrap.servers": guarded.plain}).list_topics(timeout=within(30)).topics
    return {name for name in known if name.startswith(on.settings.kafka.topic_prefix)}
