"""Moves the memory of a deployment: its links, as lines of JSON, into another cluster or under another topic prefix.

The first line names the connections with their teams and locations; each further line is one link with its key. Whoever imports
has the same connection, by its id, with the same location; the number of partitions may differ.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.http.json_reader import UnreadableJson, read
from streams.core.rows import LinkRow
from streams.core.to_ghl.adopt import may_hold_more
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import newest_values
from streams.messages import Entity, InvalidMessage
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import LINKS_TABLE, TopicNames
from streams.operations.accept_lost import demand_no_worker
from streams.settings import Settings

FORMAT = "lofty-ghl links 1"
MOST_WAITING = 2_000


class NotImported(RuntimeError):
    """Nothing was imported; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many links are new here, and how many were here already as they are in the file."""

    imported: int
    same: int


async def export_links(settings: Settings) -> AsyncIterator[bytes]:
    """The lines of a file for `import_links`. Links of connections that are not configured are in it, too. Raises aiokafka's errors."""
    pairs = {
        name: {"team_id": one.lofty.team_id, "location_id": one.ghl.location_id}
        for name, one in settings.connections.items()
    }
    yield orjson.dumps({"format": FORMAT, "connections": pairs})
    topic = TopicNames(settings.kafka.topic_prefix).changelog(LINKS_TABLE)
    for partition in range(settings.kafka.partitions):
        for key, raw in sorted((await newest_values(settings, topic, [partition])).items()):
            yield orjson.dumps({"key": key.decode(), "link": orjson.Fragment(raw)})


async def import_links(settings: Settings, lines: Iterable[bytes], now_ms: int) -> Imported:
    """Write the links of a file into the table, with no worker alive. A second run changes nothing.

    GHL may have been written to since the file was: what hangs on a contact and is not in the file is looked for before it is
    created.

    Raises `NotImported` when the file is not one, names another location, or a link is here that differs; `StillAtWork` when
    a worker is alive; aiokafka's errors.
    """
    links = read_lines(settings, lines)
    names = TopicNames(settings.kafka.topic_prefix)
    await demand_no_worker(settings, names)
    topic = names.changelog(LINKS_TABLE)
    known = await newest_values(settings, topic)
    missing = {key: link for key, link in links.items() if key.encode() not in known}
    differing = [
        key
        for key, link in links.items()
        if (raw := known.get(key.encode())) and LinkRow.from_bytes(raw).model_copy(update={"existed_ms": 0}) != link
    ]
    if differing:
        raise NotImported(
            f"{len(differing)} of {len(links)} links are here already and differ, the first of {differing[0]}: this deployment "
            "has worked with them. Import before its first worker starts, or under another kafka.topic_prefix"
        )
    records = []
    for key, link in missing.items():
        row = may_hold_more(Entity.from_key(key), link, now_ms)
        records.append(Record(topic, _partition_of(settings, key), key.encode(), row.to_bytes()))
    async with open_batching_producer(settings) as batching_producer:
        for first in range(0, len(records), MOST_WAITING):
            await batching_producer.produce(records[first : first + MOST_WAITING])
    return Imported(imported=len(missing), same=len(links) - len(missing))


def read_lines(settings: Settings, lines: Iterable[bytes]) -> dict[str, LinkRow]:
    """The links of a file's lines by key, checked against the connections here. Raises `NotImported`."""
    numbered = enumerate(lines, start=1)
    _, head = next(numbered, (1, b""))
    _check_head(settings, _object(head, 1))
    links: dict[str, LinkRow] = {}
    for number, line in numbered:
        if not line.strip():
            continue
        row = _object(line, number)
        try:
            entity = Entity.from_key(str(row.get("key")))
            link = LinkRow.from_bytes(orjson.dumps(row.get("link")))
        except (ValueError, InvalidMessage) as error:
            raise NotImported(f"line {number} holds no link: {error}") from error
        if entity.connection not in settings.connections:
            raise NotImported(
                f"line {number} is of connection {entity.connection!r}, which has no table with this name or id in the "
                f'configuration: add id = "{entity.connection}" to the connection that goes on with it'
            )
        # The workers here begin with epochs of their own: a greater one in a link would make their receipts late.
        links[entity.key] = link.model_copy(update={"epoch": 0, "existed_ms": 0})
    return links


def _check_head(settings: Settings, head: Mapping[str, Any]) -> None:
    if head.get("format") != FORMAT:
        raise NotImported(f"line 1 does not say {FORMAT!r}: this is no file of `lofty-ghl links export`")
    pairs = head.get("connections")
    for name, pair in (pairs if isinstance(pairs, dict) else {}).items():
        here = settings.connections.get(name)
        if here is None or not isinstance(pair, dict):
            continue
        if pair.get("location_id") != here.ghl.location_id:
            raise NotImported(
                f"connection {name!r} was exported with the location {pair.get('location_id')!r}, and has "
                f"{here.ghl.location_id!r} here: its links are those of another account"
            )


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = read(line).value
    except UnreadableJson as error:
        raise NotImported(f"line {number} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotImported(f"line {number} is no JSON object")
    return found


def _partition_of(settings: Settings, key: str) -> int:
    connection = settings.connections[Entity.from_key(key).connection]
    return partition_of(ghl_budget(connection.ghl_budget), settings.kafka.partitions)
