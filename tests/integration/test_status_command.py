"""`lofty-ghl status`: 0 while all is well, 1 with what mends it when something is not."""

from __future__ import annotations

from pathlib import Path

import orjson

from connectors.sandbox.faults import parse_fault
from tests.integration.command import command, config_of
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker


async def test_it_tells_how_all_is_and_what_is_wrong(broker: Broker, tmp_path: Path) -> None:
    """Well at first, then with a parked contact, then without any worker."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        on.new_lead()
        await on.until_quiet()
        await on.until(lambda: _is_told(on, config, "links", 1), 60)
        well = await command("status", config)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "upsert-contact", "status": 422, "times": 1}))
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


async def _is_told(on: Stage, config: Path, fact: str, wanted: object) -> bool:
    _, out, _ = await command("status", config, "--json")
    connections = orjson.loads(out)["connections"]
    found = connections[0][fact] if connections else None
    if isinstance(found, dict):
        found = {stage: number for stage, number in found.items() if number}
    return bool(found == wanted)
