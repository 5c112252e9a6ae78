"""What nobody can read, or nobody can carry: garbage put on topics, signed to the gateway, and written in Lofty.

Each contains a sign of its own, by which the judge finds it on `parked`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from connectors.sandbox.ghl.mailer import signing_key
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.kafka.topic_reader import read_topic
from streams.messages import Parked
from streams.messages.topics import CHANGES, GHL_CHANGES, PARKED
from tests.chaos.history import Stray
from tests.chaos.stage import PAIRS, SECRET, Stage
from tests.deadlines import within

LARGE_BYTES = 900_000
TOO_LARGE_BYTES = 1_300_000
DEPTH = 100_000
PARK_SECONDS = 90.0
"""How long something too large may take until it is parked."""
ANSWER_SECONDS = 60.0
MOST_BYTES = 1_400_000
"""What the topics of changes take: `max_body_bytes` in Base64, and more."""


@dataclass(slots=True)
class Strange:
    """`strays` are all that were given, for the judge."""

    stage: Stage
    random: Random
    strays: list[Stray] = field(default_factory=list)
    _made: int = 0

    async def on_topics(self) -> int:
        """Garbage on the topics that the gateway writes, as a stranger with the right to write could. Returns how much."""
        given: list[tuple[str, str, bytes]] = []
        for topic in (CHANGES, GHL_CHANGES):
            given += [(topic, what, value) for what, value in garbage(self._sign)]
        given += [(CHANGES, what, value) for what, value in self._changes()]
        self.random.shuffle(given)
        producer = AIOKafkaProducer(
            bootstrap_servers=self.stage.settings.kafka.bootstrap_servers, max_request_size=MOST_BYTES
        )
        await producer.start()
        try:
            for topic, what, value in given:
                name, partition = (
                    self.stage.names.of(topic),
                    self.random.randrange(self.stage.settings.kafka.partitions),
                )
                where = await producer.send_and_wait(name, value, b"a-stray", partition)
                source = f"{name}/{partition}@{where.offset}"
                self.strays.append(Stray(f"{what} on {topic}", _sign_in(value), source))
        finally:
            await producer.stop()
        return len(given)

    async def at_the_gateway(self) -> int:
        """Bodies that are signed (or come by the secret path) and that nobody can read. Returns how many were answered 200."""
        key, taken = signing_key(self.stage.ghl.settings), 0
        for what, body in garbage(self._sign):
            if len(body) > LARGE_BYTES // 2 and not what.startswith("large"):
                continue
            headers = {"X-GHL-Signature": base64.b64encode(key.sign(body)).decode()}
            if await self._post("/ghl/webhooks", body, headers) == 200:
                taken += 1
                self.strays.append(Stray(f"signed: {what}", _sign_in(body)))
        for n in range(PAIRS):
            body = orjson.dumps({"listId": 2, "teamId": 9000 + n, "nobody-knows": self._sign()})
            if await self._post(f"/lofty/{SECRET.format(n)}", body, {}) == 200:
                taken += 1
                self.strays.append(Stray("a ping of no known shape", _sign_in(body)))
        return taken

    async def too_large(self, pairs: list[tuple[int, int]]) -> int:
        """A task of each of these leads (team, lead) that nobody can carry. Waits until they are parked; returns how many are.

        Lofty cuts notes at 2,000 characters, and tasks nowhere: a task may contain a picture.
        """
        lofty = self.stage.lofty
        keys = []
        for team, lead in pairs:
            what = {"leadId": lead, "fields": {"type": "Call", "content": "x" * TOO_LARGE_BYTES}}
            task = desk_work.edit(lofty, lofty.teams[team], {"edit": "create", "kind": "task", **what})
            keys.append((f"pair{team - 9000}:{lead}:task:{task.id}", team, task.id))
            self.strays.append(Stray(f"a task of {TOO_LARGE_BYTES} bytes", keys[-1][0]))
        found: set[str] = set()
        deadline = time.monotonic() + within(PARK_SECONDS)
        while len(found) < len(keys) and time.monotonic() < deadline:
            await asyncio.sleep(1.0)
            found = await self._parked() & {key for key, _, _ in keys}
        for _, team, task_id in keys:  # an agent shortens it: now it can be carried
            short = {"id": task_id, "fields": {"content": "v000002 of it"}}
            desk_work.edit(lofty, lofty.teams[team], {"edit": "update", "kind": "task", **short})
        return len(found)

    async def _parked(self) -> set[str]:
        """The entities of all parked records."""
        try:
            records = await read_topic(self.stage.settings, self.stage.names.of(PARKED))
        except KafkaError:
            return set()
        return {one.entity for one in (Parked.from_bytes(record.value) for record in records) if one.entity}

    async def _post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """The answer's status; it is sent again while Kafka is not there."""
        deadline = time.monotonic() + within(ANSWER_SECONDS)
        while True:
            try:
                async with self.stage.http.post(self.stage.gateway_url + path, data=body, headers=headers) as answer:
                    if answer.status not in (429, 503) or time.monotonic() > deadline:
                        return answer.status
            except (aiohttp.ClientError, TimeoutError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.5)

    def _changes(self) -> Iterator[tuple[str, bytes]]:
        """Changes that are well-formed, and about nothing that can be."""
        for what, change in (
            ("a lead with a colon", {"lead": f"{self._sign()}:b"}),
            ("half an emoji in an id", {"id": f"{self._sign()} HALF"}),
            ("an unknown connection", {"connection": "nobody", "lead": self._sign()}),
            ("a time beyond all", {"lead": self._sign(), "update_time_ms": 10**30}),
        ):
            raw = _json({"v": 1, **_CHANGE, **change})
            yield what, raw.replace(b"HALF", b"\\ud83c")

    def _sign(self) -> str:
        self._made += 1
        return f"stray-{self._made:04}-"


_CHANGE: dict[str, Any] = {
    "connection": "pair0",
    "lead": "1",
    "kind": "contact",
    "id": "1",
    "operation": "updated",
    "update_time_ms": 1,
    "accepted_ms": 1,
}


def garbage(sign: Any) -> Iterator[tuple[str, bytes]]:
    yield "bytes", sign().encode() + b"\xff\xfe\x00\x80" * 10
    yield "large bytes", sign().encode() + b"\xff" * LARGE_BYTES
    yield "nothing but a text", f'"{sign()}"'.encode()
    yield "deep nesting", b'{"sign": "' + sign().encode() + b'", "deep": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    yield "half an emoji", b'{"sign": "' + sign().encode() + b'\\ud83c"}'
    yield "no end", b'{"sign": "' + sign().encode()
    yield "not a number", b'{"sign": "' + sign().encode() + b'", "at": NaN}'


def _json(what: dict[str, Any]) -> bytes:
    """Not by orjson: it refuses numbers beyond 64 bits."""
    return json.dumps(what).encode()


def _sign_in(value: bytes) -> str:
    at = value.index(b"stray-")
    return value[at : at + len("stray-0000-")].decode()
