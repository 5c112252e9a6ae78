"""What `changes check --kcat` prints, produced with librdkafka as kcat does, goes to GHL as Lofty's own webhooks do."""

from __future__ import annotations

import json
import time
from pathlib import Path

from confluent_kafka import Message, Producer

from streams.messages.partitioning import partition_of
from streams.messages.topics import CHANGES
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import PARTITIONS, stage
from tests.kafka.broker import Broker


async def test_a_change_that_was_made_by_hand_is_carried(broker: Broker, tmp_path: Path) -> None:
    """It goes to the partition of its contact, and the lead is in GHL, although no webhook reported it."""
    async with stage(broker, tmp_path) as on:
        lead = str(on.edit_silently("create", "lead", fields={"firstName": "Ada", "emails": ["ada@example.com"]}).id)
        now = time.time_ns() // 1_000_000
        value = {"connection": "acme", "lead": lead, "kind": "contact", "id": lead, "operation": "created"}
        record = {"key": f"acme:{lead}", "value": {**value, "update_time_ms": now, "accepted_ms": now}}
        file = tmp_path / "changes.jsonl"
        file.write_text(json.dumps(record) + "\n")
        config = config_of(on, tmp_path)
        code, printed, complaint = await command("changes check", config, str(file), "--kcat")
        assert (code, complaint) == (0, "")

        places: list[int | None] = []

        def taken(error: object, message: Message) -> None:
            assert error is None
            places.append(message.partition())

        producer = Producer({"bootstrap.servers": broker.bootstrap, "partitioner": "murmur2_random"})
        for one in printed.splitlines():
            key, _, text = one.partition("\t")
            producer.produce(on.names.of(CHANGES), key=key, value=text, on_delivery=taken)
        assert producer.flush(within(30)) == 0
        await on.until(lambda: lead in on.contacts())
        assert places == [partition_of(f"acme:{lead}", PARTITIONS)]
