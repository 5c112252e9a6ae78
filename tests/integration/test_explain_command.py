"""`lofty-ghl explain`: one contact's story, by the ids that a person has at hand."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from connectors.sandbox.shared.faults import parse_fault
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, stage
from tests.kafka.broker import Broker


async def test_a_contact_is_explained_by_lead_by_contact_and_by_email(broker: Broker, tmp_path: Path) -> None:
    """Changes, reads, writes and what hangs on it; nothing of another lead."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        lead = on.new_lead(emails=["ada.story@example.com"])
        other = on.new_lead()
        on.edit("create", "note", leadId=lead, fields={"content": "Met at the open house."})
        await on.until_quiet()
        contact = on.contacts()[lead]["id"]

        by_lead = await command("explain", config, lead)
        by_contact = await command("explain", config, contact)
        by_email = await command("explain", config, "ADA.story@example.com", "--json")
        assert (by_lead[0], by_contact[0], by_email[0]) == (0, 0, 0)
        assert by_lead[1] == by_contact[1]
        (found,) = orjson.loads(by_email[1])
        assert found["lane"] == f"acme:{lead}"
        stages = [one["stage"] for one in found["events"]]
        assert stages.index("change") < stages.index("read") < stages.index("write")
        assert "did create contact" in by_lead[1]
        assert f"{contact} in GHL" in by_lead[1]
        assert "nothing is waited for" in by_lead[1]
        assert other not in by_lead[1]
        assert not any(secret in by_lead[1] + by_email[1] for secret in ENVIRON.values())


async def test_it_says_why_a_contact_is_not_in_ghl(broker: Broker, tmp_path: Path) -> None:
    """Refused with GHL's words, and its note waits for it."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        lead = on.new_lead()
        await on.until_quiet()
        story = await command("explain", config, lead)
        nobody = await command("explain", config, "4711")
        assert "was refused at create contact [422]" in story[1]
        assert "waits for a person: writing it failed" in story[1]
        assert nobody[0] == 1
        assert "nothing is known of '4711'" in nobody[2]


async def test_it_says_which_value_ghl_refuses(broker: Broker, tmp_path: Path) -> None:
    """The contact is in GHL without it, and GHL's words are there."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        lead = on.new_lead(phones=["+15551234567"])
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        story = " ".join((await command("explain", config, lead))[1].split())
        assert "was refused a value at create contact (phone) [422]" in story
        assert "phone must be a valid phone number" in story
        assert "not carried: phone: GHL refuses this value; it is sent again once it changes" in story


@pytest.mark.parametrize("side", ["Lofty", "GHL"])
async def test_it_tells_that_the_whole_connection_pauses(broker: Broker, tmp_path: Path, side: str) -> None:
    """A token that is refused; of what waits behind it, too, which itself was never refused."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        sandbox = on.ghl if side == "GHL" else on.lofty
        sandbox.faults.add(parse_fault({"kind": "status", "status": 403}))
        on.new_lead()
        lead = on.new_lead()
        told = ""

        async def is_told() -> bool:
            nonlocal told
            told = (await command("explain", config, lead))[1]
            return f"access to {side}, which was lost" in told

        await on.until(is_told)
        assert "403" in told
        assert "waits for its turn" not in told
