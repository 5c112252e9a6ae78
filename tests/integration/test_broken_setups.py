"""Commands against set-ups that are broken: each says in one line what is wrong and what to do, without a stack trace."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.messages.topics import TopicNames
from tests.deadlines import within
from tests.integration.stage import ENVIRON
from tests.kafka.broker import Broker
from tests.zygote import DEVNULL, PIPE, run_module

CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = {partitions}
[gateway]
host = "127.0.0.1"
port = {port}
[worker]
port = {port}
data_dir = "{data_dir}"
[connections.acme]
region = "US"
[connections.acme.lofty]
team_id = "123456"
base_url = "http://127.0.0.1:1"
[connections.acme.ghl]
location_id = "loc-acme"
base_url = "http://127.0.0.1:1"
"""
NEED_TOPICS = ("backfill acme", "verify", "explain 600123", "replay lofty.changes --dry-run", "status", "parked list")


def config(broker: Broker, tmp_path: Path, *, creates: int = 4, partitions: int = 4, **facts: object) -> Path:
    """A configuration with topics of `creates` partitions each; 0: none."""
    prefix = f"broken-{uuid.uuid4().hex[:8]}."
    if creates:
        broker.create_topics(TopicNames(prefix).specs(), creates)
    given = {"port": 0, "data_dir": tmp_path / "state"} | facts
    path = tmp_path / "lofty-ghl.toml"
    path.write_text(CONFIG.format(bootstrap=broker.bootstrap, prefix=prefix, partitions=partitions, **given))
    return path


async def run(words: str, path: Path) -> tuple[int, str]:
    """A command: its exit code, and what it complained of."""
    child = await run_module(
        *("streams.cli", *words.split(), "--config", str(path)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **ENVIRON},
    )
    async with asyncio.timeout(within(60)):
        _, complaint = await child.communicate()
    return child.returncode or 0, complaint.decode()


@pytest.mark.parametrize("words", NEED_TOPICS)
async def test_missing_topics_are_told_with_the_command_that_makes_them(
    embedded_kafka: Broker, tmp_path: Path, words: str
) -> None:
    """Exit code 2; none is made by looking."""
    path = config(embedded_kafka, tmp_path, creates=0)
    first, again = await run(words, path), await run(words, path)
    assert first == again
    assert (first[0], "`lofty-ghl topics create` creates what is missing" in first[1]) == (2, True), first
    assert first[1].strip().count("\n") == 0


@pytest.mark.parametrize("words", NEED_TOPICS)
async def test_another_number_of_partitions_is_told_with_both_numbers(
    embedded_kafka: Broker, tmp_path: Path, words: str
) -> None:
    """Exit code 2."""
    code, complaint = await run(words, config(embedded_kafka, tmp_path, creates=4, partitions=6))
    assert (code, "has 4 partitions, and kafka.partitions says 6" in complaint) == (2, True), complaint
    assert complaint.strip().count("\n") == 0


@pytest.mark.parametrize("words", ["gateway", "worker --embedded-broker"])
async def test_a_port_in_use_is_told(embedded_kafka: Broker, tmp_path: Path, words: str) -> None:
    """Exit code 2, and no stack trace."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        code, complaint = await run(words, config(embedded_kafka, tmp_path, port=taken.getsockname()[1]))
    assert (code, "Another process uses this port" in complaint, "Traceback" in complaint) == (2, True, False), (
        complaint
    )


async def test_a_worker_whose_folder_cannot_be_made_says_so(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Its store has no place."""
    file = tmp_path / "a-file"
    file.write_text("")
    code, complaint = await run("worker --embedded-broker", config(embedded_kafka, tmp_path, data_dir=file / "state"))
    assert (code, "worker.data_dir" in complaint, "Traceback" in complaint) == (2, True, False), complaint


@contextmanager
def tiny_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
async def test_a_worker_on_a_full_disk_says_so_and_ends(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Nothing is lost: what is not kept here is in Kafka."""
    with tiny_disk(tmp_path / "disk") as disk:
        code, complaint = await run("worker --embedded-broker", config(embedded_kafka, tmp_path, data_dir=disk))
    assert (code, "the disk is full" in complaint, "Traceback" in complaint) == (1, True, False), complaint


async def test_kafka_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """A port that takes the connection and says nothing: as behind a firewall."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        text = CONFIG.format(
            bootstrap=f"127.0.0.1:{silent.getsockname()[1]}", prefix="", partitions=4, port=0, data_dir=tmp_path
        )
        path = tmp_path / "lofty-ghl.toml"
        path.write_text(text)
        code, complaint = await run("status", path)
    assert (code, "cannot be used" in complaint) == (3, True), complaint
