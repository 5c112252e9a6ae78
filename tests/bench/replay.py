"""How long a dry run of 100,000 snapshots takes, and what a replay of unchanged ones asks of the vendors: nothing.

Snapshots of whole leads and their links are put on the topics as the pipeline would have left them under the default mapping.
`candidate`: dry run by a mapping that differs in one field, so every snapshot is mapped and planned; as a person calls it, from
the start of the process to its end. `same`: dry run by the mapping in force. `real`: the replay itself, by the mapping in force.

    python -m tests.bench.replay BOOTSTRAP [SNAPSHOTS]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from connectors.sandbox.lofty.people import make_leads
from connectors.sandbox.lofty.shapes import blank_lead
from streams.core.to_ghl.delivery import settled_as
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.rules import rules_of
from streams.kafka.connection_options import client_options
from streams.messages.topics import LINKS_TABLE, SNAPSHOTS
from streams.operations.replay.simulate import EntityState, SimulationBasis, settle
from streams.operations.worker_queries.directories import ask_directories, directory_of
from streams.settings.partitions import ConnectionPartitions
from tests.bench.made_snapshots import contact_snapshot
from tests.bench.town import Plan, Town, run, town

NAME = "pair0"
CANDIDATE = '\n[mappings.candidate]\nextends = "default"\n[mappings.candidate.fields]\n"city" = { from = "stage" }\n'


async def replay(bootstrap: str, snapshots: int) -> dict[str, Any]:
    """Fill the topics, and run the commands."""
    async with town(bootstrap, Plan(pairs=1, leads=8)) as on:
        connection = on.settings.connections[NAME]
        seen = await ask_directories(on.settings, [connection])
        on.children["worker"].stop()
        written = await asyncio.to_thread(_fill, on, snapshots, directory_of(seen[NAME]))
        await skip_snapshots(on)
        worker = on.start_worker("second")
        await worker.until_ready(on.http, f"{on.worker}/readyz")
        await on.until_still()
        text = on.config.read_text()
        candidate = on.config.with_name("candidate.toml")
        candidate.write_text(text.replace('region = "US"', 'region = "US"\nmapping = "candidate"') + CANDIDATE)
        before = await _requests(on)
        changed, changed_seconds = await _command(on, str(candidate), "--dry-run", "--json")
        same, same_seconds = await _command(on, str(on.config), "--dry-run", "--json")
        _, real_seconds = await _command(on, str(on.config), "--yes", "--json", "--rate", "100000")
        await on.until_still()
        return {
            "snapshots": changed["chosen"],
            "bytes_per_snapshot": written / snapshots,
            "candidate_seconds": changed_seconds,
            "candidate_verdicts": {k: v for k, v in changed["connections"][NAME]["verdicts"].items() if v},
            "same_seconds": same_seconds,
            "same_verdicts": {k: v for k, v in same["connections"][NAME]["verdicts"].items() if v},
            "real_seconds": real_seconds,
            "vendor_calls": await _requests(on) - before,
        }


async def _command(on: Town, config: str, *arguments: str) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "replay", "lofty.snapshots", "--config", config, *arguments),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **on.environ},
    )
    out, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"replay ended with {child.returncode}: {out.decode()}")
    found: dict[str, Any] = json.loads(out)
    return found, time.monotonic() - began


async def _requests(on: Town) -> int:
    return sum([(await on.get(f"{vendor}/_sandbox/stats"))["requests"] for vendor in (on.ghl, on.lofty)])


def _fill(on: Town, number: int, directory: Directory) -> int:
    """Write snapshots, and the links that their writes would have left; returns the bytes of the snapshots."""
    connection = on.settings.connections[NAME]
    basis = SimulationBasis.of(
        rules_of(connection), directory, connection.mapping_fingerprint, creates_custom_fields=True
    )
    partition = ConnectionPartitions(on.settings).ghl(connection)
    producer = Producer({"bootstrap.servers": on.settings.kafka.bootstrap_servers, "acks": "all", "linger.ms": 20})
    people, written = make_leads(400), 0
    for one in range(number):
        lead = str(20_000_000 + one)
        person = {k: v for k, v in people[one % len(people)].items() if k not in ("notes", "tasks", "appointments")}
        state = {**blank_lead(int(lead), 90_000, 1_700_000_000_000), **person, "leadId": int(lead)}
        state["emails"] = [f"lead{one}@example.com"]
        state["tags"] = []
        snapshot = contact_snapshot(NAME, lead, state, 1_700_000_000_000)
        link = settle(EntityState(snapshot, None, None), basis, 0)
        settled = settled_as(snapshot.fingerprint, connection.mapping_fingerprint)
        link = link.model_copy(update={"settled": settled, "version_ms": snapshot.version_ms, "ghl_id": f"ghl{one}"})
        raw, key = snapshot.to_bytes(), snapshot.entity.key.encode()
        written += len(raw)
        put_record(producer, on.names.of(SNAPSHOTS), raw, key, partition)
        put_record(producer, on.names.changelog(LINKS_TABLE), link.to_bytes(), key, partition)
    if left := producer.flush(120):
        raise TimeoutError(f"{left} records were not acknowledged by Kafka")
    return written


def put_record(producer: Producer, topic: str, value: bytes, key: bytes, partition: int) -> None:
    """Produce, however full the producer's queue is."""
    while True:
        try:
            producer.produce(topic, value, key, partition)
            break
        except BufferError:
            producer.poll(0.1)
    producer.poll(0)


async def skip_snapshots(on: Town) -> None:
    """The worker has delivered the snapshots already: it goes on behind them."""
    topic = on.names.of(SNAPSHOTS)
    places = [TopicPartition(topic, number) for number in range(on.settings.kafka.partitions)]
    consumer = AIOKafkaConsumer(**client_options(on.settings), group_id=on.names.group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


if __name__ == "__main__":
    run(replay(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000))
