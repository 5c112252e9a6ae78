"""`lofty-ghl status`: 0 while all is well, otherwise 1 and how to fix it."""

from __future__ import annotations

from pathlib import Path

import orjson

from connectors.sandbox.shared.faults import parse_fault
from streams.messages import Parked, ParkedDecision
from streams.messages.topics import PARKED, RESOLVED
from streams.operations.parked.waiting import count_parked
from tests.integration.command import command, config_of
from tests.integration.stage import SECRET, Stage, stage
from tests.kafka.broker import Broker


async def test_it_tells_how_all_is_and_what_is_wrong(broker: Broker, tmp_path: Path) -> None:
    """Well at first, then with a parked contact, then without any worker."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        on.new_lead()
        await on.until_quiet()
        await on.until(lambda: _is_told(on, config, "links", 1), 60)
        well = await command("status", config)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        on.new_lead()
        await on.until_quiet()
        await on.until(lambda: _is_told(on, config, "parked", {"deliver": 1}), 60)
        wrong = await command("status", config, "--json")
        await on.worker.__aexit__(None, None, None)
        alone = await command("status", config)

    assert well[0] == 0, well
    assert "1 alive, 4 of 4 partitions" in well[1]
    assert "all is well" in well[1]
    document = orjson.loads(wrong[1])
    assert (wrong[0], document["is_well"]) == (1, False)
    assert [(one["subject"], one["says"]) for one in document["wrong"]] == [("connection acme", "1 parked")]
    assert (alone[0], "workers: none is alive" in alone[1]) == (1, True), alone


async def test_sweeps_that_cannot_be_made_in_time_are_told_by_status_and_doctor(broker: Broker, tmp_path: Path) -> None:
    """Forty requests each eighteen seconds do not fit into a hundred a minute; both say what is enough."""
    often = "[connections.acme.sweep]\nnew_minutes = 0.2\nfull_hours = 0.005\nquiet_days = 0"
    async with stage(broker, tmp_path, more=often, lofty_limit=100) as on:
        config = config_of(on, tmp_path)
        for number in range(20):
            on.edit_silently(
                "create", "lead", fields={"firstName": f"Lead{number}", "emails": [f"l{number}@example.com"]}
            )
        await on.until(lambda: _forecasts(on, config, 20), 60)
        status = await command("status", config)
        document = orjson.loads((await command("status", config, "--json"))[1])
        doctor = orjson.loads((await command("doctor", config, "--json"))[1])

    assert "sweeps    acme: 20 leads of 1 connection: a sweep of all takes 1 min" in status[1]
    [late] = [one for one in document["wrong"] if one["about"]["cause"] == "schedule"]
    assert "quiet_days = 7" in str(late)
    [forecast] = document["forecasts"]
    assert (forecast["is_kept"], forecast["leads"], forecast["quiet_days"]) == (False, 20, 7)
    [warned] = [one for one in doctor["verdicts"] if one["check"] == "schedule"]
    assert (warned["level"], warned["says"]) == ("warning", late["says"])
    assert "quiet_days = 7" in str(warned)


async def _forecasts(on: Stage, config: Path, leads: int) -> bool:
    found = orjson.loads((await command("status", config, "--json"))[1])
    return any(one["leads"] == leads for one in found["forecasts"])


async def test_what_was_decided_long_ago_does_not_wait_again(embedded_kafka: Broker, tmp_path: Path) -> None:
    """However many decisions about others came since, a record without a decision is reported."""
    async with stage(embedded_kafka, tmp_path) as on:
        parked = Parked(stage="intake", reason="unknown shape", message="?", at_ms=1, source="POST", original="")
        for _ in range(2):
            await on.produce(PARKED, b"k", parked.to_bytes())
        for record in ("0@0", *(f"3@{number}" for number in range(6))):
            decision = ParkedDecision(record=record, decision="discarded", at_ms=1)
            await on.produce(RESOLVED, record.encode(), decision.to_bytes())
        found = await count_parked(on.settings, most=3)

    assert [(one.stage, one.reason, one.number) for one in found] == [("intake", "unknown shape", 1)]


async def test_it_knows_the_gateways_and_what_is_parked_at_the_door(broker: Broker, tmp_path: Path) -> None:
    """A delivery that nobody understands; then a gateway of another configuration; then none."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        await on.until(lambda: _gateways(on, config, 1))
        async with on.http.post(f"{on.gateway.url}/lofty/{SECRET}", json={"what": "is this"}) as answer:
            assert answer.status == 200
        parked = await command("status", config)
        doctor = await command("doctor", config, "--json")
        other = tmp_path / "other.toml"
        other.write_text(on.config.replace('location_id = "loc-acme"', 'location_id = "loc-other"'))
        differs = await command("status", other)
        on.gateway._reporting.cancel()
        await on.gateway._status_report.publish(is_stopping=True)
        without = await command("status", config)

    assert (parked[0], "stage intake: 1 parked: unknown shape" in parked[1]) == (1, True), parked
    verdicts = {(one["check"], one["subject"]): one["level"] for one in orjson.loads(doctor[1])["verdicts"]}
    assert verdicts["parked", "stage intake"] == "wrong"
    assert "uses another configuration than this one (1 connections)" in differs[1]
    assert (without[0], "gateways: none is alive: no webhook is accepted" in without[1]) == (1, True), without


async def _gateways(on: Stage, config: Path, number: int) -> bool:
    _, out, _ = await command("status", config, "--json")
    return len(orjson.loads(out)["gateways"]) == number


async def _is_told(on: Stage, config: Path, fact: str, wanted: object) -> bool:
    _, out, _ = await command("status", config, "--json")
    connections = orjson.loads(out)["connections"]
    found = connections[0][fact] if connections else None
    if isinstance(found, dict):
        found = {stage: number for stage, number in found.items() if number}
    return bool(found == wanted)
