"""`lofty-ghl mapping` as people use it: look, check, preview, change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker

UPPER = (
    '[mappings.acme]\n[mappings.acme.fields]\nfirstName = { from = "firstName", transform = ["trim", "upper"] }\n'
    '"custom:contact.plan" = "stage"\n'
)


async def test_a_mapping_is_made_used_looked_at_and_taken_back(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Each edit is a version; a stale one and a wrong one are refused with their reason."""
    async with stage(embedded_kafka, tmp_path) as on:
        config, file = config_of(on, tmp_path), tmp_path / "acme.toml"
        file.write_text(UPPER)
        saved = await command("mapping edit acme", config, "--file", str(file), "--by", "ann")
        stale = await command("mapping edit acme", config, "--file", str(config_of(on, tmp_path)), "--version", "0")
        used = await command("mapping use acme acme", config, "--json")
        listed = await command("mapping show", config)
        text = await command("mapping show acme", config)
        file.write_text(UPPER.replace("trim", "trimm"))
        wrong = await command("mapping edit acme", config, "--file", str(file))
        history = await command("mapping history", config)
        reverted = await command("mapping revert 0", config, "--json")
        nobody = await command("mapping revert 9", config)

    assert (saved[0], "no connection uses acme yet" in saved[1]) == (0, True)
    assert stale[0] == 2
    assert orjson.loads(used[1]) == {"version": 2, "uses": {"acme": "acme"}}
    assert "acme                     edited, version 1 by ann  used by acme" in listed[1]
    assert text[1] == UPPER
    assert (wrong[0], "line 3, column" in wrong[2], "Did you mean 'trim'?" in wrong[2]) == (2, True, True)
    assert history[1].index("connection acme uses acme") < history[1].index("ann  mapping acme")
    assert '+"custom:contact.plan" = "stage"' in history[1]
    assert orjson.loads(reverted[1]) == {"version": 3, "uses": {"acme": "default"}}
    assert (nobody[0], "there are 0 (the file) to 3" in nobody[2]) == (1, True)


async def test_check_and_preview_tell_before_anything_is_changed(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The worker answers for the location; the commands make no call of their own."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead = on.new_lead(stage="New", tags=["Buyer"])
        await on.until_quiet()
        config, file = config_of(on, tmp_path), tmp_path / "acme.toml"
        file.write_text(UPPER)
        contact = on.contacts()[lead]
        on.ghl.location(LOCATION).contacts[contact["id"]].fields["lastName"] = "Edited"
        asked = len(on.requests("ghl"))
        now = await command("mapping preview", config, lead, "--json")
        candidate = await command("mapping preview", config, lead, "--file", str(file), "--json")
        told = await command("mapping preview", config, "--file", str(file))
        calls = [one.operation for one in on.requests("ghl")[asked:]]
        fits = await command("mapping check", config, "--json")
        unfit = await command("mapping check", config, "--file", str(file))
        unknown = await command("mapping preview", config, "1")

    [shown] = orjson.loads(now[1])["leads"]
    rows: dict[str, Any] = {row["target"]: row for row in shown["rows"]}
    assert (now[0], shown["would"], shown["changes"]) == (0, "nothing", [])
    assert (rows["firstName"]["change"], rows["firstName"]["found"]) == ("same", "Ada")
    assert (rows["lastName"]["found"], "changed it in GHL" in rows["lastName"]["note"]) == ("Edited", True)
    assert rows["custom:Lofty stage"]["change"] in ("same", "empty")
    [other] = orjson.loads(candidate[1])["leads"]
    assert {
        one["target"]: (one["before"], one["after"]) for one in other["changes"] if one["target"] == "firstName"
    } == {"firstName": ("Ada", "ADA")}
    assert other["would"] == "update"
    assert "firstName: Ada → ADA" in told[1]
    assert set(calls) == {"get-contact"}, calls
    odd = [row for row in orjson.loads(fits[1]) if row["verdict"] not in ("ok", "will be created")]
    assert (fits[0], [row["subject"] for row in odd]) == (1, ["users"]), odd  # the sandbox's location has no users
    assert (unfit[0], "custom:contact.plan: the location has no field with this key" in unfit[1]) == (1, True)
    assert (unknown[0], "has nothing of lead 1" in unknown[2]) == (1, True)


async def test_without_a_worker_the_commands_say_so(embedded_kafka: Broker, tmp_path: Path) -> None:
    """And report what can be found without one."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead = on.new_lead()
        await on.until_quiet()
        config = config_of(on, tmp_path)
        await without_worker(on)
        checked = await command("mapping check", config, hurries=True)
        shown = await command("mapping preview", config, lead, hurries=True)

    assert (checked[0], "no worker answered" in checked[1], "start `lofty-ghl worker`" in checked[1]) == (3, True, True)
    assert (shown[0], "no worker answered" in shown[2], "Ada" in shown[1]) == (0, True, True)


async def without_worker(on: Stage) -> None:
    """The worker ends in order; the stage takes it down once more at its own end."""
    await on.worker.__aexit__(None, None, None)


async def test_verify_compares_with_the_edited_mapping(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What GHL holds by the old mapping is reported as different."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead = on.new_lead()
        await on.until_quiet()
        config, file = config_of(on, tmp_path), tmp_path / "acme.toml"
        file.write_text(UPPER)
        before = await command("verify", config, "--json", "--lead", lead, hurries=True)
        await command("mapping edit acme", config, "--file", str(file))
        await command("mapping use acme acme", config)
        after = await command("verify", config, "--json", "--lead", lead, hurries=True)

    assert before[0] == 0
    [finding] = orjson.loads(after[1])["connections"]["acme"]["findings"]
    assert {"field": "firstName", "wanted": "ADA", "found": "Ada"} in finding["differences"]
