"""Records that Kafka deleted before they were read are reported: in the log, the metrics, `parked`, and by `status`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.messages import Change
from streams.messages.topics import CHANGES, FETCHES
from streams.worker.worker import Worker
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.stage import PARTITIONS, Stage, stage
from tests.kafka.broker import Broker


def delete_records(on: Stage, topic: str) -> None:
    """DeleteRecords up to the end of each partition."""
    admin = AdminClient({"bootstrap.servers": on.broker.bootstrap})
    ends = [TopicPartition(on.names.of(topic), number, -1) for number in range(PARTITIONS)]
    for cut in admin.delete_records(ends).values():
        cut.result(within(30))


def change(number: int) -> Change:
    """A change of some lead."""
    return Change(
        connection="acme",
        lead=f"{number}",
        kind="contact",
        id=f"{number}",
        operation="updated",
        update_time_ms=1,
        accepted_ms=1,
        origin="webhook",
    )


async def test_what_is_deleted_unread_is_told_until_a_person_has_acted(real_kafka: Broker, tmp_path: Path) -> None:
    """With another record behind it, and with none: the watchdog does not take what is gone for work that waits."""
    async with stage(real_kafka, tmp_path, restarts=True) as on:
        config = config_of(on, tmp_path)
        on.new_lead()
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        for number in range(40):
            await on.produce_change(change(number))
        await on.produce(FETCHES, b"acme:1", change(1).to_bytes(), by="lofty")
        await asyncio.to_thread(delete_records, on, CHANGES)
        await asyncio.to_thread(delete_records, on, FETCHES)
        on.new_lead()  # behind what was deleted of one partition of the changes; of the fetches nothing comes at first
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await on.until(lambda: len(on.contacts()) == 2)
            await on.until(lambda: _is_told(on, 2))
            lags = await second.consuming._lags()
            told = [one for one in await on.parked() if one.reason == "passed over"]
            status = await command("status", config, "--json")
            counted = second.metrics.registry.get_sample_value
            passed = sum(counted("lofty_ghl_passed_over_total", {"topic": topic}) or 0 for topic in (CHANGES, FETCHES))
            again = await command("parked retry", config, "--yes")
            discarded = await command("parked discard", config, "--reason", "passed over", "--yes")
            after = await command("status", config, "--json")
            assert len(on.contacts()) == 2

    assert all(committed <= end for committed, end in lags.values())
    assert {one.stage for one in told} == {"dedupe", "fetch"}
    assert passed == 41
    for one in told:
        topic = on.names.of(FETCHES if one.stage == "fetch" else CHANGES)
        assert one.message.startswith("Kafka had deleted the records ")
        assert f"of {topic}/" in one.message
    document = orjson.loads(status[1])
    assert status[0] == 1
    wrong = [one for one in document["wrong"] if one["subject"] == "Kafka"]
    assert {one["mend"] for one in wrong} == {
        "lofty-ghl backfill CONNECTION, then lofty-ghl parked discard --reason 'passed over'"
    }
    assert "its records are gone from Kafka" in again[1] + again[2]
    assert discarded[0] == 0, discarded
    assert [one for one in orjson.loads(after[1])["wrong"] if one["subject"] == "Kafka"] == []


async def _is_told(on: Stage, number: int) -> bool:
    return len([one for one in await on.parked() if one.reason == "passed over"]) >= number
