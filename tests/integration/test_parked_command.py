"""`lofty-ghl parked` on real parked work: shown by cause, tried again, given up."""

from __future__ import annotations

from pathlib import Path

import orjson

from connectors.sandbox.shared.faults import parse_fault
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import new_producer, start_producer
from streams.messages.topics import PARKED, RESOLVED, TopicNames
from tests.integration.command import command, config_of
from tests.integration.stage import SECRET, stage
from tests.kafka.broker import Broker


async def test_a_refused_contact_is_shown_and_written_when_it_is_tried_again(broker: Broker, tmp_path: Path) -> None:
    """Nobody changes the lead: the command alone brings it to GHL, once."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        lead, well = on.new_lead(), on.new_lead()
        await on.until_quiet()
        (missing,) = {lead, well} - on.contacts().keys()
        listed = await command("parked list", config, "--json")
        (cause,) = orjson.loads(listed[1])
        assert (listed[0], cause["number"], cause["stage"], cause["connection"]) == (1, 1, "deliver", "acme")
        shown = await command("parked show", config, "--entity", missing)
        assert "422" in shown[1]

        retried = await command("parked retry", config, "--entity", missing, "--yes")
        await on.until(lambda: missing in on.contacts())
        await on.until_quiet()
        after = await command("parked list", config)
        assert (retried[0], after[0]) == (0, 0)
        assert "nothing is parked" in after[1]
        steps = [one.step for one in await on.receipts() if one.outcome == "applied"]
        assert steps.count("create contact") == 2


async def test_garbage_on_the_topics_of_parked_work_hides_nothing(broker: Broker, tmp_path: Path) -> None:
    """What is no decision decides nothing, and the list goes on."""
    garbage = (b"", b"\xff", b"[" * 5000, b"null", b'{"record": 7}', b'{"record":"0@0","decision":"sold","at_ms":1}')
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        async with on.http.post(f"{on.gateway.url}/lofty/{SECRET}", data=b'{"listId": 99, "teamId": 123456}') as answer:
            assert answer.status == 200
        producer = new_producer(on.settings)
        await start_producer(producer)
        batching_producer = BatchingProducer(producer)
        try:
            for value in garbage:
                for topic in (RESOLVED, PARKED):
                    name = TopicNames(on.settings.kafka.topic_prefix).of(topic)
                    await batching_producer.produce(
                        [Record(name, 0, b"\xff0@0", value), Record(name, 0, b"0@0", value)]
                    )
        finally:
            await producer.stop()
        listed = await command("parked list", config, "--json")
        causes = [(cause["stage"], cause["number"]) for cause in orjson.loads(listed[1])]
        numbers = {
            wanted: sum(number for stage, number in causes if stage == wanted) for wanted in ("intake", "record")
        }
        assert (listed[0], numbers) == (1, {"intake": 1, "record": 2 * len(garbage)})


async def test_a_delivery_of_unknown_shape_stays_until_it_is_given_up(broker: Broker, tmp_path: Path) -> None:
    """Trying it again says why it cannot be; giving it up takes it off the list."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        async with on.http.post(f"{on.gateway.url}/lofty/{SECRET}", data=b'{"listId": 99, "teamId": 123456}') as answer:
            assert answer.status == 200
        listed = await command("parked list", config)
        retried = await command("parked retry", config, "--stage", "intake", "--yes")
        still = await command("parked list", config)
        discarded = await command("parked discard", config, "--reason", "unknown shape", "--yes")
        after = await command("parked list", config)
        assert [one[0] for one in (listed, still, discarded, after)] == [1, 1, 0, 0]
        assert "stays parked: its shape is still unknown" in retried[2]
        assert SECRET not in listed[1]
