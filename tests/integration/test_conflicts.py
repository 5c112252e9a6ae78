"""`lofty-ghl conflicts`: both people side by side, and a person's decision about them, on real Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.sandbox.ghl.seeds import seed
from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker

PHONE = "(530) 555-0104"
E164 = "+15305550104"


async def couple(on: Stage) -> tuple[str, str]:
    """Two people with one telephone: the first has it in GHL."""
    ann = on.new_lead(firstName="Ann", lastName="Vale", emails=["ann@example.com"], phones=[PHONE])
    await on.until_quiet()
    ben = on.new_lead(firstName="Ben", lastName="Vale", emails=["ben@example.com"], phones=[PHONE])
    await on.until_quiet()
    return ann, ben


async def listed(config: Path, code: int = 1) -> list[dict[str, Any]]:
    """The conflicts, as the command prints them for programs."""
    found = await command("conflicts", config, "--json")
    assert found[0] == code, found
    return orjson.loads(found[1])


@pytest.mark.in_make_test
async def test_a_couple_is_listed_side_by_side_until_the_telephone_is_free(broker: Broker, tmp_path: Path) -> None:
    """Also somebody in GHL who is no lead's; what a lead no longer wants is not listed."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        assert (await command("conflicts", config))[:2] == (0, "no conflicts\n")
        seed(on.ghl, {"location": LOCATION, "contacts": [{"phone": "+15305550113", "firstName": "Zoe"}]})
        ann, ben = await couple(on)
        eve = on.new_lead(firstName="Eve", emails=["eve@example.com"], phones=["(530) 555-0113"])
        await on.until_quiet()

        first, second = await listed(config)
        contacts = on.contacts()
        assert (first["state"], first["field"], first["value"], first["decided"]) == ("left out", "phone", E164, "")
        assert (first["person"]["name"], first["contact_id"]) == ("Ben Vale", contacts[ben]["id"])
        assert (first["other"]["lead"], first["other"]["email"]) == (ann, "ann@example.com")
        assert first["other_contact_id"] == contacts[ann]["id"]
        assert (second["person"]["lead"], second["other"]) == (eve, None)
        shown = (await command("conflicts", config))[1]
        assert "Ben Vale, ben@example.com" in shown
        assert "no lead's" in shown

        on.edit("update", "lead", id=int(ben), fields={"phones": []})
        on.edit("update", "lead", id=int(eve), fields={"phones": []})
        await on.until_quiet()
        assert await listed(config, 0) == []
