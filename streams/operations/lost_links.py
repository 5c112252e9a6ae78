"""What becomes of the table `links` when some of it is lost: receipts bring back what they can, and the rest is looked for in GHL."""

from __future__ import annotations

import time

from streams.core.rows import LinkRow
from streams.core.to_ghl.adopt import may_hold_more
from streams.core.to_ghl.apply_receipt import record_link
from streams.kafka.topic_reader import each_record
from streams.messages import FENCE_KEY, Entity, InvalidMessage, Receipt
from streams.messages.topics import RECEIPTS, TopicNames
from streams.settings import Settings

Rows = dict[bytes, bytes]


async def fold_receipts(settings: Settings, names: TopicNames, rows: list[Rows], left: list[Rows]) -> None:
    """Add links from the receipts of entities about which nothing newer is known."""
    topic = names.of(RECEIPTS)
    for partition, known in enumerate(left):
        links: dict[bytes, LinkRow | None] = {}
        async for record in each_record(settings, topic, [partition]):
            if record.key == FENCE_KEY:
                continue
            try:
                receipt = Receipt.from_bytes(record.value)
            except InvalidMessage:
                continue
            key = receipt.entity.key.encode()
            if key in known:
                continue
            if key not in links:
                raw = rows[partition].get(key)
                links[key] = None if raw is None else LinkRow.from_bytes(raw)
            link = links[key]
            if link is None or receipt.epoch >= link.epoch:
                links[key] = record_link(link, receipt)
        rows[partition] |= {key: link.to_bytes() for key, link in links.items() if link is not None}


def doubted_links(rows: Rows) -> Rows:
    """Links among which some are missing: what hangs on a contact and has no link is looked for before it is created."""
    now_ms = round(time.time() * 1000)
    doubted = {}
    for key, raw in rows.items():
        link = may_hold_more(Entity.from_key(key.decode()), LinkRow.from_bytes(raw), now_ms)
        doubted[key] = link.to_bytes()
    return doubted
