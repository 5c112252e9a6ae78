"""How long it takes to tell one contact's story among 1,000,000 snapshots, with the index, with a gateway, and without either.

Every lead has its snapshot and its link; one in `STORIES` has its change, its admission, an intent and two receipts, too.
All are written straight to the topics, in the bytes that the pipeline writes. Then a real gateway builds its index, and contacts
drawn at random are explained: over the API, by the command on a host with an index, by the command on a host that asks the
gateway, and (once) by reading the topics through. Webhooks are posted meanwhile, so that what the index costs them is seen.

    python -m tests.bench.explain BOOTSTRAP [LEADS]
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from confluent_kafka import Producer

from streams.core.fingerprint import field_hash, fingerprint
from streams.core.to_ghl.apply_receipt import record_link
from streams.demo.percentiles import percentile
from streams.demo.processes import Child, free_port
from streams.kafka.admin import create_missing
from streams.messages import Change, Message, Receipt, Snapshot
from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from streams.messages.topics import CHANGES, FETCHES, LINKS_TABLE, RECEIPTS, SNAPSHOTS, TopicNames
from streams.settings import parse_settings
from streams.settings.password_hashes import token_hash
from tests.bench.memory import CUSTOM

PARTITIONS, CONNECTIONS = 12, 8
STORIES = 20
ASKED = 40
TOKEN = "lgt_token-of-the-bench-000000000001"
SECRET = "a-secret-of-the-bench-1234"
NOW_MS = time.time_ns() // 1_000_000

CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = {partitions}
[gateway]
host = "127.0.0.1"
port = {port}
[worker]
data_dir = "{folder}"
[console]
enabled = true
index = {index}
[[console.tokens]]
name = "bench"
role = "viewer"
hash = "{hash}"
"""
CONNECTION = """
[connections.pair{n}]
[connections.pair{n}.lofty]
team_id = "{n}"
[connections.pair{n}.ghl]
location_id = "loc{n}"
"""


def _environ() -> dict[str, str]:
    found = {"LOFTY_GHL_CONSOLE_KEY": "k" * 40}
    for n in range(CONNECTIONS):
        found |= {f"LOFTY_GHL_PAIR{n}_WEBHOOK_SECRET": f"{SECRET}{n}"}
    return found


def _config(folder: Path, name: str, bootstrap: str, prefix: str, port: int, *, index: bool = True) -> Path:
    text = CONFIG.format(
        bootstrap=bootstrap,
        prefix=prefix,
        partitions=PARTITIONS,
        port=port,
        folder=folder / name,
        index=str(index).lower(),
        hash=token_hash(TOKEN),
    ) + "".join(CONNECTION.format(n=n) for n in range(CONNECTIONS))
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def lead_id(number: int) -> str:
    """A lead's id in Lofty's own length."""
    return str(1_000_000_000_000 + number)


class Filler:
    """Writes the leads."""

    def __init__(self, bootstrap: str, names: TopicNames) -> None:
        self._names = names
        self._texts = _templates()
        self._snapshots, self._links = names.of(SNAPSHOTS), names.changelog(LINKS_TABLE)
        self._ghl = [partition_of(ghl_budget(f"loc{n}"), PARTITIONS) for n in range(CONNECTIONS)]
        self._lofty = [partition_of(lofty_budget(f"pair{n}"), PARTITIONS) for n in range(CONNECTIONS)]
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 50})
        self.bytes = self.records = 0

    def write(self, number: int) -> None:
        """All records of one lead."""
        pair, lead = number % CONNECTIONS, lead_id(number)
        connection = f"pair{pair}"
        lane = f"{connection}:{lead}"
        key = f"{lane}:contact:{lead}".encode()

        def put(topic: str, partition: int, name: bytes, template: str) -> None:
            text = template.replace("@C@", connection).replace("@L@", lead).replace("@N@", f"{number:07d}")
            self._put(topic, partition, name, text.encode())

        put(self._snapshots, self._ghl[pair], key, self._texts["snapshot"])
        put(self._links, self._ghl[pair], key, self._texts["link"])
        if number % STORIES == 0:
            by_key = partition_of(lane, PARTITIONS)
            put(self._names.of(CHANGES), by_key, lane.encode(), self._texts["change"])
            put(self._names.of(FETCHES), self._lofty[pair], lane.encode(), self._texts["change"])
            for step in ("intended", "applied", "tags"):
                put(self._names.of(RECEIPTS), self._ghl[pair], key, self._texts[step])

    def flush(self) -> None:
        """Wait for Kafka."""
        if left := self._producer.flush(120):
            raise TimeoutError(f"{left} records were not acknowledged by Kafka")

    def _put(self, topic: str, partition: int, key: bytes, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self.bytes += len(value)
        self.records += 1


def _templates() -> dict[str, str]:
    """Each word as the pipeline writes it, with signs in place of connection, lead and number: a million are made in a minute."""
    of_entity = {"connection": "@C@", "lead": "@L@", "kind": "contact", "id": "@L@"}
    times = {"update_time_ms": NOW_MS, "accepted_ms": NOW_MS}
    state = _state()
    print_ = fingerprint(state)
    snapshot = Snapshot(**of_entity, state=state, version_ms=NOW_MS, fingerprint=print_, read_ms=NOW_MS, **times)
    hashes = {"firstName": field_hash(state["firstName"]), "lastName": field_hash(state["lastName"]), **CUSTOM}
    applied = Receipt(
        **of_entity,
        outcome="applied",
        step="create contact",
        at_ms=NOW_MS + 5,
        version_ms=NOW_MS,
        fingerprint=print_,
        settled=f"{print_}/x",
        ghl_id="Ghl@N@",
        fields=hashes,
        status=201,
    )
    words: dict[str, Message] = {
        "snapshot": snapshot,
        "link": record_link(None, applied),
        "change": Change(**of_entity, operation="created", **times),
        "intended": applied.model_copy(update={"outcome": "intended", "at_ms": NOW_MS + 1, "ghl_id": None}),
        "applied": applied,
        "tags": applied.model_copy(update={"step": "add tags", "at_ms": NOW_MS + 9}),
    }
    return {name: word.to_bytes().decode() for name, word in words.items()}


def _state() -> dict[str, Any]:
    """A lead in Lofty's form, and of about its size."""
    return {
        "leadId": "@L@",
        "firstName": "Ada",
        "lastName": "Maple@N@",
        "emails": ["lead.@N@@example.com"],
        "phones": ["+1213@N@"],
        "stage": "New Leads",
        "source": "Website",
        "tags": [{"tagId": n, "tagName": f"tag {n}"} for n in range(4)],
        "leadInquiry": {"priceMin": 100_000, "priceMax": 500_000, "bedroomsMin": 2, "locations": []},
        "customAttributes": [{"attributeName": f"Attribute {n}", "value": f"value @N@ {n}"} for n in range(10)],
        "assignedUser": "Ann Agent",
        "lastUpdateTime": NOW_MS,
    }


async def explain(bootstrap: str, leads: int) -> dict[str, Any]:
    """Fill, build, ask."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as name, ExitStack() as out:
        folder, prefix, port = Path(name), f"bench-{uuid.uuid4().hex[:8]}.", free_port()
        config = _config(folder, "here", bootstrap, prefix, port)
        settings = parse_settings(config.read_text(), _environ())
        await create_missing(settings)
        names = TopicNames(prefix)
        filler, began = Filler(bootstrap, names), time.monotonic()
        await asyncio.to_thread(lambda: ([filler.write(number) for number in range(leads)], filler.flush()))
        found: dict[str, Any] = {
            "leads": leads,
            "records": filler.records,
            "gigabytes": filler.bytes / 1e9,
            "fill_seconds": time.monotonic() - began,
        }
        found["intake_ms_without_console"] = await _intake_alone(folder, bootstrap, prefix, out)
        began = time.monotonic()
        gateway = Child("gateway", ["gateway", "--config", str(config)], _environ(), folder, out)
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
            await _until_up(http, url)
            found["intake_ms_while_the_index_is_built"] = await _intake(http, url)
            await _until_complete(http, url, leads)
            found["index_seconds"] = time.monotonic() - began
            found["index_records_per_second"] = filler.records / found["index_seconds"]
            found["intake_ms_when_it_is_built"] = await _intake(http, url)
            index = folder / "here" / "console"
            found["index_bytes_per_lead"] = sum(one.stat().st_size for one in index.iterdir()) / leads
            found["api"] = await _ask_api(http, url, leads)
            found["search"] = await _search(http, url)
            found["command_with_index"] = await _commands(config, leads, {})
            far = _config(folder, "far", bootstrap, prefix, port)
            asks = {"LOFTY_GHL_CONSOLE_TOKEN": TOKEN, "LOFTY_GHL_CONSOLE_URL": url}
            found["command_that_asks_a_gateway"] = await _commands(far, leads, asks)
            found["command_that_reads_through"] = await _once(far, lead_id(STORIES * 3), {})
        gateway.stop()
        return found


async def _intake_alone(folder: Path, bootstrap: str, prefix: str, out: ExitStack) -> dict[str, float]:
    """What webhooks wait where there is no console at all."""
    port = free_port()
    config = _config(folder, "bare", bootstrap, prefix, port, index=False)
    config.write_text(config.read_text().replace("enabled = true", "enabled = false"))
    gateway = Child("bare", ["gateway", "--config", str(config)], _environ(), folder, out)
    async with aiohttp.ClientSession() as http:
        await _until_up(http, f"http://127.0.0.1:{port}")
        found = await _intake(http, f"http://127.0.0.1:{port}")
    gateway.stop()
    return found


async def _until_up(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with http.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def _until_complete(http: aiohttp.ClientSession, url: str, leads: int) -> None:
    async with asyncio.timeout(1200):
        while True:
            async with http.get(f"{url}/api/v1/contacts", params={"q": "lead.0000001@example.com"}) as answer:
                found = await answer.json()
                if answer.status == 200 and found["known"] >= leads and found["is_complete"] and found["behind"] < 100:
                    return
            await asyncio.sleep(0.2)


async def _intake(
    http: aiohttp.ClientSession, url: str, per_second: int = 100, seconds: float = 8.0
) -> dict[str, float]:
    """How long webhooks wait for their answer at a steady rate, whatever the answers take."""
    waits: list[float] = []

    async def post(number: int) -> None:
        connection = number % CONNECTIONS
        body = {"teamId": connection, "listId": 2, "updatedLead": [{"leadId": number, "updateTime": NOW_MS}]}
        began = time.monotonic()
        async with http.post(f"{url}/lofty/{SECRET}{connection}", json=body) as answer:
            await answer.read()
        waits.append((time.monotonic() - began) * 1000)

    tasks, began = [], time.monotonic()
    for number in range(int(per_second * seconds)):
        await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        tasks.append(asyncio.create_task(post(number)))
    await asyncio.gather(*tasks)
    return {"p50": percentile(waits, 50), "p99": percentile(waits, 99), "most": max(waits)}


def _whom(leads: int) -> list[tuple[str, str]]:
    """Leads drawn at random, each by its three names."""
    draw, found = random.Random(7), []
    for _ in range(ASKED):
        number = draw.randrange(leads // STORIES) * STORIES
        kind = ("lead", "ghl", "email")[len(found) % 3]
        name = {"lead": lead_id(number), "ghl": f"Ghl{number:07d}", "email": f"lead.{number:07d}@example.com"}[kind]
        found.append((kind, name))
    return found


async def _ask_api(http: aiohttp.ClientSession, url: str, leads: int) -> dict[str, float]:
    took: list[float] = []
    for _, name in _whom(leads):
        began = time.monotonic()
        async with http.get(f"{url}/api/v1/explain", params={"who": name}) as answer:
            (story,) = await answer.json()
        took.append(time.monotonic() - began)
        stages = [one["stage"] for one in story["events"]]
        assert stages == ["change", "read", "write", "write", "write"], stages
    return {"asked": len(took), "median_seconds": median(took), "most_seconds": max(took)}


async def _search(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    took: dict[str, float] = {}
    for text in (
        "ad",
        "ada",
        "ada maple00012",
        "maple00012",
        "lead.00077",
        "5551",
        "2130001234",
        "example.com",
        "zzzz",
    ):
        began = time.monotonic()
        async with http.get(f"{url}/api/v1/contacts", params={"q": text}) as answer:
            await answer.read()
        took[f"{text!r} [{answer.status}]"] = time.monotonic() - began
    return took


async def _commands(config: Path, leads: int, environ: dict[str, str]) -> dict[str, float]:
    took = [await _once(config, name, environ) for _, name in _whom(leads)[:9]]
    return {"asked": len(took), "median_seconds": median(took), "most_seconds": max(took)}


async def _once(config: Path, who: str, environ: dict[str, str]) -> float:
    began = time.monotonic()
    command = [sys.executable, "-m", "streams.cli", "explain", who, "--config", str(config)]
    done = await asyncio.to_thread(
        lambda: subprocess.run(
            command,
            env={**os.environ, **_environ(), **environ},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    )
    if done.returncode != 0 or "did create contact" not in done.stdout:
        raise RuntimeError(f"{done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    return time.monotonic() - began


if __name__ == "__main__":
    given = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    print(json.dumps(asyncio.run(explain(sys.argv[1], given))))
