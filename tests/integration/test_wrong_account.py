"""Access that belongs to another team's Lofty account: nothing of it is written, and the connection says whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.core.scheduling import pauses
from tests.integration.stage import TEAM, stage
from tests.kafka.broker import Broker

STRANGER = 654321


@pytest.mark.in_make_test
async def test_a_strangers_lead_stops_the_connection_until_the_access_is_right(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a webhook and by the sweep; what waits is carried once the key is the team's own."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    async with stage(embedded_kafka, tmp_path) as on:
        known = on.new_lead()
        await on.until_quiet()
        leads = on.lofty.teams[TEAM].records["lead"]
        for lead in leads.values():
            lead.fields["teamId"] = STRANGER
        strange = on.edit_silently("create", "lead", fields={"firstName": "Eve", "emails": ["eve@example.com"]}).id
        leads[strange].fields["teamId"] = STRANGER
        before = len(on.requests("ghl", "POST")) + len(on.requests("ghl", "PUT"))
        on.edit("update", "lead", id=int(known), fields={"lastName": "Stranger"})
        on.edit("update", "lead", id=strange, fields={"lastName": "Stranger"})

        def says_whose_it_is() -> bool:
            budgets = on.worker.status.status().budgets
            return any("wrong account" in one.because and f"team {STRANGER}" in one.because for one in budgets)

        await on.until(says_whose_it_is)
        assert str(strange) not in on.contacts()
        assert len(on.requests("ghl", "POST")) + len(on.requests("ghl", "PUT")) == before

        for lead in leads.values():
            lead.fields["teamId"] = TEAM
        await on.until_quiet()
        assert on.contacts()[str(strange)]["lastName"] == "Stranger"
        assert on.contacts()[known]["lastName"] == "Stranger"
