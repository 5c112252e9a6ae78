"""`lofty-ghl verify` as a schedule runs it: one JSON document, and an exit code that says how it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson

from tests.integration.command import command, config_of
from tests.integration.stage import LOCATION, stage
from tests.kafka.broker import Broker


async def test_the_exit_code_and_the_document_say_how_it_is(embedded_kafka: Broker, tmp_path: Path) -> None:
    """0 for right, 1 for wrong, 2 for a wrong name; the document alone is on stdout. Each is in the history of runs."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead, other = on.new_lead(), on.new_lead()
        await on.until_quiet()
        config = config_of(on, tmp_path)
        right = await command("verify", config, "--json")
        on.ghl.location(LOCATION).contacts[on.contacts()[lead]["id"]].fields["firstName"] = "Eve"
        spoiled, whole = await asyncio.gather(
            command("verify", config, "--json", "--lead", lead, hurries=True),
            command("verify", config, "--lead", other, hurries=True),
        )
        unknown = await command("verify", config, "--connection", "acne")
        history = await command("runs", config, "--json")

    document: dict[str, Any] = orjson.loads(right[1])
    assert (right[0], document["is_right"], document["counts"]["ok"]) == (0, True, 2), right
    document = orjson.loads(spoiled[1])
    [finding] = document["connections"]["acme"]["findings"]
    assert spoiled[0] == 1
    assert finding["differences"] == [{"field": "firstName", "wanted": "Ada", "found": "Eve"}]
    assert finding["repair"] == ["doubt"]
    assert (whole[0], "GHL holds what our newest snapshots of Lofty say. Lofty itself was not asked." in whole[1]) == (
        0,
        True,
    )
    runs = {(one["lead"], one["state"], one["words"], one["read"]) for one in orjson.loads(history[1])}
    assert runs == {
        ("", "done", "0 wrong, 0 repaired", 2),
        (lead, "findings", "1 wrong, 0 repaired", 1),
        (other, "done", "0 wrong, 0 repaired", 1),
    }
    assert (unknown[0], "no connection 'acne'; there are acme" in unknown[2]) == (2, True)


async def test_without_kafka_the_exit_code_is_3(embedded_kafka: Broker, tmp_path: Path) -> None:
    """And the words say that it is Kafka, and where."""
    async with stage(embedded_kafka, tmp_path) as on:
        config = config_of(on, tmp_path)
    config.write_text(config.read_text().replace(embedded_kafka.bootstrap, "127.0.0.1:1"))
    code, out, complaint = await command("verify", config, "--json")
    assert (code, out) == (3, "")
    assert "Kafka at 127.0.0.1:1 cannot be used" in complaint
