"""Garbage on whatever topic: commands, gateway and workers go on, and say what they left out. On real Kafka."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import orjson
import pytest

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import new_producer, start_producer
from streams.messages.topics import MAPPINGS, RESOLVED, TOPICS
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.console import CONSOLE_ENVIRON, caller, console_on_stage
from tests.integration.stage import ENVIRON, PARTITIONS, Stage, stage
from tests.integration.test_strangers import gateway_process
from tests.kafka.broker import Broker
from tests.kafka.node import free_ports
from tests.unit.streams.console.stage import TOKENS
from tests.zygote import PIPE, run_module

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

DEEP = b"[" * 100_000 + b"]" * 100_000
VALUES: tuple[bytes, ...] = (
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"7",
    b"[]",
    b"{}",
    b"[" * 50_000,
    DEEP,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"v":1,"id":7,"kind":[],"at_ms":"x","text":{},"connection":[],"lead":{}}',
    b'{"v":1,"id":"x","based_on":-1,"kind":"text","name":"a","text":"\\ud800","at_ms":1,"by":"x"}',
    b'{"v":1,"id":"x","based_on":99999999999999999999,"kind":"revert","to_version":1e999,"at_ms":1,"by":""}',
    b'{"record":"0@0","decision":"sold","at_ms":NaN}',
    b'{"x":"' + b"y" * 900_000 + b'"}',
)
KEYS: tuple[bytes, ...] = (b"\xff:\xfe", b"acme:\xff:contact:1", b"acme:1:contact:1", b"0@0", b"")


async def spoil(on: Stage, topic: str, *, values: tuple[bytes, ...] = VALUES, partitions: int = PARTITIONS) -> None:
    """All values under all keys, over the partitions of a topic (its name on the cluster)."""
    producer = new_producer(on.settings)
    await start_producer(producer)
    batching_producer = BatchingProducer(producer)
    try:
        for number, value in enumerate(values):
            for key in KEYS if len(value) < 1000 else KEYS[1:3]:
                await batching_producer.produce([Record(topic, number % partitions, key, value)])
    finally:
        await producer.stop()


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("parked list",),
    ("status",),
    ("doctor",),
    ("topics show",),
    ("mapping show",),
    ("mapping history",),
    ("mapping check",),
    ("explain", "1"),
    ("replay", "lofty.snapshots", "--dry-run"),
    ("replay", "lofty.changes", "--dry-run"),
    ("replay", "lofty.fetches", "--dry-run"),
    ("replay", "ghl.changes", "--dry-run"),
    ("replay", "parked", "--dry-run"),
    ("replay", "--list"),
    ("verify", "--within", "0.2"),
)


async def test_no_command_ends_for_garbage(real_kafka: Broker, tmp_path: Path) -> None:
    """On all our topics at once: each command says what it has found, without a trace; leads go on meanwhile."""
    async with stage(real_kafka, tmp_path) as on:
        config = config_of(on, tmp_path)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        for spec in TOPICS:
            await spoil(on, on.names.of(spec.name))
        other = on.new_lead()
        await on.until(lambda: other in on.contacts())
        for name, *arguments in COMMANDS:
            code, out, complaint = await command(name, config, *arguments)
            assert "Traceback" not in complaint, (name, arguments, complaint[-3000:])
            assert "Error" not in complaint, (name, arguments, complaint[-3000:])
            assert code in (0, 1, 3), (name, arguments, code, out, complaint)
            assert "check failed" not in out, out
            if name == "parked list":
                assert f"of {on.names.of(RESOLVED)} that cannot be read (the first at" in complaint
        code, out, _ = await command("parked list", config, "--json")
        assert (code, bool(orjson.loads(out))) == (1, True)


async def test_garbage_among_the_mappings_stops_neither_a_start_nor_an_edit(real_kafka: Broker, tmp_path: Path) -> None:
    """Gateway and worker start, an edit and a revert are taken, and each says that it has left something out."""
    async with console_on_stage(real_kafka, tmp_path) as on:
        (port,) = free_ports(1)
        text = on.config.replace("[worker]\n", f"[worker]\nport = {port}\n")
        config = tmp_path / "lofty-ghl.toml"
        config.write_text(text)
        for spec in TOPICS:
            await spoil(on, on.names.of(spec.name))
        await on.worker.__aexit__(None, None, None)
        worker = await run_module(
            *("streams.cli", "worker", "--config", str(config)),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, **ENVIRON, **CONSOLE_ENVIRON},
        )
        telling = asyncio.create_task(worker.communicate())
        try:
            await on.until(lambda: telling.done() or _is_ready(on.http, port), 60)
            assert not telling.done(), telling.result()
            lead = on.new_lead()
            await on.until(lambda: lead in on.contacts())
            async with gateway_process(on, tmp_path) as process:
                who = caller(on, token=TOKENS["robot"], url=process.url)
                version = (await who.get("/mappings"))["version"]
                good = '[mappings.good]\nextends = "default"\n'
                status, saved = await who.ask("PUT", "/mappings/good", {"text": good, "expected_version": version})
                assert status == 200, saved
                code, out, complaint = await _with_console("mapping revert", config, "0")
                assert code == 0, (out, complaint)
                for path in ("/overview", "/audit", "/parked", "/mappings", "/connections"):
                    status, body = await who.ask("GET", path)
                    assert status in (200, 503), (path, status, body)
            assert any(f"{on.names.of(MAPPINGS)}" in line or "mappings" in line for line in process.log)
        finally:
            if worker.returncode is None:
                os.kill(worker.pid, signal.SIGTERM)
            _, complaint_of_worker = await asyncio.wait_for(telling, within(60))
        assert worker.returncode == 0, complaint_of_worker.decode()[-3000:]
        assert "the edit at offset" in complaint_of_worker.decode()


async def _with_console(name: str, config: Path, *arguments: str) -> tuple[int, str, str]:
    os.environ.update(CONSOLE_ENVIRON)
    try:
        return await command(name, config, *arguments)
    finally:
        for one in CONSOLE_ENVIRON:
            del os.environ[one]


async def _is_ready(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
