"""A change made in Lofty arrives in GHL: the pipeline's sentences, on the embedded broker and on a real Kafka."""

from __future__ import annotations

from pathlib import Path

from tests.integration.stage import stage
from tests.kafka.broker import Broker


async def test_a_new_lead_becomes_a_contact_with_its_fields_and_tags(broker: Broker, tmp_path: Path) -> None:
    """What the default mapping says of a lead stands in GHL."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(phones=["(212) 555-0123"], tags=["Buyer", "VIP"], stage="New Leads")
        await on.until_quiet()

        contact = on.contacts()[lead]
        assert contact["firstName"] == "Ada"
        assert contact["phone"] == "+12125550123"
        assert sorted(contact["tags"]) == ["buyer", "vip"]
        assert contact["custom"]["Lofty stage"] == "New Leads"
