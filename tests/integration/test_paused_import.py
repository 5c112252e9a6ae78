"""An import that is under way is stopped by pausing its connection, and goes on from there."""

from __future__ import annotations

from pathlib import Path

from connectors.sandbox.shared.faults import parse_fault
from tests.integration.edited_connections import (
    OTHER_LOCATION,
    OTHER_TEAM,
    new_connection,
    on_duty,
    other_team,
    settings_of,
    two_accounts,
    until_served,
)
from tests.integration.stage import Stage
from tests.integration.test_rehearsal import lead
from tests.kafka.broker import Broker

LEADS = 30


def asked(on: Stage) -> int:
    """How many requests were made to Lofty for the second team."""
    return len([one for one in on.requests("lofty") if str(OTHER_TEAM) in one.budget])


async def test_an_import_stops_with_its_connection_and_goes_on_from_there(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """No request for it is made meanwhile, another connection goes on."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        for number in range(LEADS):
            lead(on, f"Ada{number} Bell", email=f"ada{number}@example.com")
        settings = settings_of(on, sweep={"new_minutes": 1440})
        assert (await who.ask("POST", "/connections", new_connection(on, settings=settings)))[0] == 200
        await until_served(on, supervisor, "acme", "beta")
        await on.until(lambda: len(other_team(on).subscriptions) == 5)
        on.lofty.faults.add(parse_fault({"kind": "delay", "operation": "list-notes", "seconds": 0.3}))
        on.ghl.faults.add(parse_fault({"kind": "delay", "operation": "create-contact", "seconds": 0.5}))
        contacts = on.ghl.location(OTHER_LOCATION).contacts

        async def row() -> dict[str, object]:
            return next(one for one in await who.get("/backfills") if one["connection"] == "beta")

        assert (await who.ask("POST", "/backfills/beta"))[0] == 200
        await on.until(lambda: len(contacts) > 2)
        assert (await who.ask("POST", "/connections/beta/pause", {"expected_version": 1}))[0] == 200
        await on.until(lambda: bool(on_duty(supervisor).connections["beta"].paused))
        held, reads = len(contacts), asked(on)
        busy = on.new_lead()
        await on.until(lambda: busy in on.contacts())
        after, stopped = (len(contacts), asked(on)), await row()
        on.lofty.faults.clear()
        on.ghl.faults.clear()
        assert (await who.ask("POST", "/connections/beta/resume", {"expected_version": 2}))[0] == 200

        async def is_done() -> bool:
            return not (await row())["is_ordered"] and len(contacts) == LEADS

        await on.until(is_done, 90)
        assert (after, stopped["is_ordered"]) == ((held, reads), True)
        assert (2 < held < LEADS, reads > 0) == (True, True)
