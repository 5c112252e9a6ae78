"""Every kind of entity through what operators ask for: verify, explain, replay, parked, status, and the documentation."""

from __future__ import annotations

from pathlib import Path

import orjson

from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.shared.faults import parse_fault
from streams.messages.entity import KINDS
from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, Stage, stage
from tests.integration.test_calendar import BEGIN, CALENDAR
from tests.integration.test_opportunities import BUYERS, STAGES
from tests.integration.test_verify import verified
from tests.kafka.broker import Broker

REFUSED = ("create-note", "create-task", "create-appointment", "create-opportunity")
DOCS = Path(__file__).parents[2] / "docs"


async def has_parked(on: Stage) -> bool:
    """One of each kind waits for a person."""
    return len(await on.parked()) == len(KINDS)


async def test_each_kind_is_known_to_what_operators_ask_for(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One lead with one of each is compared, explained and replayed; one of each that GHL refuses is listed and retried."""
    async with stage(embedded_kafka, tmp_path, more=STAGES + CALENDAR) as on:
        config = config_of(on, tmp_path)
        seed(on.ghl, {"location": LOCATION, "pipelines": [BUYERS]})
        on.reload_directories()
        await on.until_quiet()

        async def whole_lead() -> str:
            lead = on.new_lead(stage="Showing")
            on.edit("create", "note", leadId=lead, fields={"content": "Likes gardens."})
            on.edit("create", "task", leadId=lead, fields={"content": "Call back"})
            on.edit("create", "appointment", leadId=lead, fields={"descr": "See the house", "deadline": BEGIN})
            await on.until_quiet()
            return lead

        lead = await whole_lead()
        for operation in REFUSED:
            on.ghl.faults.add(parse_fault({"kind": "status", "operation": operation, "status": 422, "times": 1}))
        await whole_lead()
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        on.new_lead(stage="Nurture")
        await on.until(lambda: has_parked(on))
        listed = await command("parked list", config, "--json")
        retried = await command("parked retry", config, "--yes")
        await on.until_quiet()
        after = await command("parked list", config)
        parked = await on.parked()
        report = await verified(on)
        story = await command("explain", config, lead)
        dry = await command("replay", config, "lofty.snapshots", "--dry-run", "--json")
        status = await command("status", config, "--json")

    assert (report.exit_code, report.counts) == (0, {"ok": 2 * len(KINDS) + 1})
    assert {str(one.entity).split(":")[2] for one in parked} == set(KINDS)
    assert (listed[0], retried[0], after[0]) == (1, 0, 0), (listed, retried, after)
    assert [kind for kind in KINDS if f"create {kind}" not in story[1]] == []
    assert orjson.loads(dry[1])["chosen"] == 2 * len(KINDS) + 1
    assert orjson.loads(status[1])
    for kind in KINDS:
        assert any(kind in path.read_text().lower() for path in DOCS.glob("*.md")), kind
