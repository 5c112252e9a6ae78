"""The page of the least rights is what is tested: its tables are set on a broker with an authorizer, and each right taken in turn."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from streams.messages.topics import LINKS_TABLE, TopicNames
from tests.deadlines import within
from tests.integration.stage import ENVIRON
from tests.kafka.acl_page import USERS, Right, part_of_the_page, rights_of_the_page
from tests.kafka.guarded import ADMIN_PASSWORD, PASSWORD, Guarded, guarded_kafka
from tests.kafka.jars import why_unavailable
from tests.kafka.node import free_ports
from tests.zygote import PIPE, Process, run_module

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(why_unavailable() is not None, reason=f"no real Kafka: {why_unavailable()}"),
]

PASSWORDS = {"app": PASSWORD, "admin": ADMIN_PASSWORD}
PREFIX = "crm."

CONFIG = """
[kafka]
bootstrap_servers = "{server}"
partitions = 2
topic_prefix = "{prefix}"
security_protocol = "SASL_PLAINTEXT"
sasl_mechanism = "PLAIN"
sasl_username = "{user}"
[gateway]
host = "127.0.0.1"
port = {gateway}
[worker]
store = "memory"
port = {worker}
[connections.acme]
[connections.acme.lofty]
team_id = "1"
base_url = "http://127.0.0.1:9"
[connections.acme.ghl]
location_id = "L"
base_url = "http://127.0.0.1:9"
"""


@pytest.mark.parametrize("to_accept", [False, True])
def test_the_commands_of_the_page_are_its_table(to_accept: bool) -> None:
    """Who copies the lines gives the rights of the rows."""
    [text] = part_of_the_page(to_accept).split("```")[1::2]
    found = set()
    for line in text.replace("\\\n", " ").strip().splitlines():
        words = line.split()
        [user] = [words[at + 1].removeprefix("User:") for at, one in enumerate(words) if one == "--allow-principal"]
        [(kind, name)] = [
            (one[2:], words[at + 1]) for at, one in enumerate(words) if one in ("--topic", "--group", "--cluster")
        ]
        for at, one in enumerate(words):
            if one == "--operation":
                is_prefix = "prefixed" in words
                found.add((USERS[user], ResourceType[kind.upper()], name, is_prefix, words[at + 1]))
    rights = rights_of_the_page(to_accept=to_accept)
    assert found == {(one.user, one.kind, one.name, one.is_prefix, one.word) for one in rights}


@dataclass(slots=True)
class Cluster:
    """The broker, and a configuration for each principal."""

    kafka: Guarded
    folder: Path
    gateway: int
    worker: int

    async def start(self, user: str, *words: str) -> Process:
        file = self.folder / f"{user}.toml"
        file.write_text(
            CONFIG.format(server=self.kafka.sasl, prefix=PREFIX, user=user, gateway=self.gateway, worker=self.worker)
        )
        environ = {**os.environ, **ENVIRON, "LOFTY_GHL_KAFKA_PASSWORD": PASSWORDS[user], "COLUMNS": "400"}
        return await run_module("streams.cli", *words, "--config", str(file), stdout=PIPE, stderr=PIPE, env=environ)

    async def run(self, user: str, *words: str) -> tuple[int, str]:
        """A command's exit code, and all that it says."""
        started = await self.start(user, *words)
        async with asyncio.timeout(within(60)):
            out, complaint = await started.communicate()
        said = out.decode() + complaint.decode()
        assert "Traceback" not in said
        return started.returncode or 0, said

    @asynccontextmanager
    async def running(self, user: str, what: str) -> AsyncIterator[None]:
        """A gateway or worker, from when it is ready; it ends in order when it is asked to."""
        port = self.gateway if what == "gateway" else self.worker
        started = await self.start(user, what)
        telling = asyncio.create_task(started.communicate())
        try:
            async with asyncio.timeout(within(60)), aiohttp.ClientSession() as http:
                while not await _is_ready(http, port):
                    assert not telling.done(), telling.result()
                    await asyncio.sleep(0.1)
            yield
        finally:
            if started.returncode is None:
                os.kill(started.pid, signal.SIGTERM)
            async with asyncio.timeout(within(60)):
                out, complaint = await telling
        assert started.returncode == 0, (out, complaint)
        assert "no right" not in complaint.decode()

    def give(self, right: Right) -> None:
        self.kafka.allow(right.kind, right.name, right.operation, is_prefix=right.is_prefix, user=right.user)

    def lose(self, topic: str) -> None:
        """Delete a topic."""
        client = AdminClient({"bootstrap.servers": self.kafka.plain})
        for gone in client.delete_topics([topic]).values():
            gone.result(within(30))
        deadline = time.monotonic() + within(30)
        while topic in client.list_topics(timeout=within(30)).topics:
            assert time.monotonic() < deadline, "the topic is not deleted"

    def cut_off(self, topic: str) -> None:
        """Take a compacted topic's beginning away, which Kafka does for one whose cleanup.policy is wrong for a while."""
        producer = Producer({"bootstrap.servers": self.kafka.plain})
        producer.produce(topic, key=b"contact:acme:1", value=None, partition=0)
        assert producer.flush(within(30)) == 0
        client = AdminClient({"bootstrap.servers": self.kafka.plain})
        for policy in ("compact,delete", "compact"):
            entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
            resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
            for changed in client.incremental_alter_configs([resource]).values():
                changed.result(within(30))
            if policy != "compact":
                for cut in client.delete_records([TopicPartition(topic, 0, -1)]).values():
                    cut.result(within(30))

    def take(self, right: Right) -> None:
        self.kafka.take(right.kind, right.name, right.operation, is_prefix=right.is_prefix, user=right.user)


async def _is_ready(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with guarded_kafka() as running:
        gateway, worker = free_ports(2)
        yield Cluster(running, tmp_path, gateway, worker)


READING: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("doctor",),
    ("parked", "list"),
    ("explain", "1"),
    ("topics", "show"),
)
WRITING: tuple[tuple[str, ...], ...] = (
    ("gateway",),
    ("worker",),
    ("parked", "discard", "--connection", "acme", "--yes"),
    ("mapping", "history"),
    ("replay", "lofty.snapshots", "--connection", "acme", "--yes"),
    ("verify", "--within", "0.05"),
)


async def test_exactly_the_rights_of_the_page_are_needed_and_enough(cluster: Cluster) -> None:
    """With them all works; without any one of them a sentence names it, with its topic or group."""
    rights = rights_of_the_page()
    create = next(one for one in rights if one.word == "Create")
    for right in rights:
        if right is not create:
            cluster.give(right)
    code, said = await cluster.run("admin", "topics", "create")
    assert (code, "User:admin needs the right Create" in said, "crm.lofty.changes" in said) == (3, True, True), said
    assert "created" not in said
    cluster.give(create)
    code, said = await cluster.run("admin", "topics", "create")
    assert (code, "created crm.parked" in said, "not compared" in said) == (0, True, False), said

    async with cluster.running("app", "gateway"), cluster.running("app", "worker"):
        for words in (*READING, *WRITING[2:]):
            code, said = await cluster.run("app", *words)
            assert code in (0, 1, 3), (words, code, said)
            assert code != 3 or words[0] in ("verify", "doctor", "replay"), (words, said)  # there are no vendors
            assert "no right Read" not in said, (words, said)
            assert "no right Write" not in said, (words, said)
            assert "uthorization" not in said, (words, said)

    for right in rights:
        if right is create:
            continue
        cluster.take(right)
        for words, wanted in lacking(right):
            code, said = await cluster.run(right.user, *words)
            assert all(one in said for one in (f"User:{right.user} no right {right.word}", right.name)), (words, said)
            assert code == wanted, (words, code, said)
        cluster.give(right)


async def test_accepting_a_loss_needs_what_the_page_says_and_changes_nothing_without(cluster: Cluster) -> None:
    """To make a missing topic again: Read and Write. Where the beginning of one is gone: Delete, too."""
    accept, links = ("topics", "create", "--accept-lost", "links"), TopicNames(PREFIX).changelog(LINKS_TABLE)
    always = [one for one in rights_of_the_page() if one.user == "admin"]
    more = rights_of_the_page(to_accept=True)
    for right in always:
        cluster.give(right)
    code, said = await cluster.run("admin", "topics", "create")
    assert code == 0, said
    cluster.lose(links)
    for right in more:
        if right.word == "Delete":
            continue
        code, said = await cluster.run("admin", *accept)
        assert (code, f"User:admin no right {right.word}" in said, "created" in said) == (3, True, False), said
        cluster.give(right)
    code, said = await cluster.run("admin", *accept)
    assert (code, f"created {links}" in said, "links: restored 0 rows" in said) == (0, True, True), said

    cluster.cut_off(links)
    [delete] = [one for one in more if one.word == "Delete"]
    code, said = await cluster.run("admin", *accept)
    assert (code, f"User:admin no right Delete on the topic {links}" in said) == (3, True), said
    cluster.give(delete)
    code, said = await cluster.run("admin", *accept)
    assert (code, "links: restored 0 rows" in said) == (0, True), said
    code, said = await cluster.run("admin", "topics", "show")
    assert code == 0, said


def lacking(right: Right) -> list[tuple[tuple[str, ...], int]]:
    """Which commands say that they lack it, and the exit code of each."""
    if right.word == "DescribeConfigs":
        return [(("topics", "show"), 0), (("topics", "create"), 0)]
    if right.word == "Describe":
        return [(("topics", "show"), 3), (("topics", "create"), 3)]
    if right.kind is ResourceType.GROUP:
        return [(("worker",), 3), (("status",), 3), (("doctor",), 3)]
    if right.word == "Write":
        return [(words, 3) for words in WRITING if words[0] != "parked"]
    assert right.word == "Read"
    # Write includes Describe: which topics there are is known, and nothing of them may be read.
    return [(words, 3) for words in (*READING, *WRITING) if words[0] != "topics"]
