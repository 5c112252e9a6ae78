"""Everything is checked from the console, with the real checks, against a fault that was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.console import caller, console_on_stage, until_indexed
from tests.kafka.broker import Broker


def counted(lines: list[dict[str, Any]]) -> str:
    """What the audit says of these lines."""
    levels = [one["level"] for one in lines]
    wrong = levels.count("wrong") + levels.count("away")
    return f"{wrong} wrong, {levels.count('warning')} warnings, {levels.count('not looked at')} not checked"


async def test_a_check_from_the_console_finds_a_fault_and_the_audit_has_who_made_it(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """A token that GHL does not accept; each line of a connection has its id, and nothing is written at the vendors."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        await until_indexed(on, who)
        await on.until_quiet()
        before = {vendor: len(on.requests(vendor)) for vendor in ("ghl", "lofty")}
        kept = on.ghl._by_token.pop("pit-stage")
        status, made = await who.ask("POST", "/doctor")
        assert status == 200, made
        found: dict[str, Any] = {}

        async def is_done() -> bool:
            nonlocal found
            found = await who.get(f"/doctor/{made['id']}")
            return bool(found["ended_ms"])

        await on.until(is_done, 60)
        on.ghl._by_token["pit-stage"] = kept
        assert [one["id"] for one in await who.get("/doctor")] == [made["id"]]
        assert (await who.ask("GET", "/doctor/nothing"))[0] == 404
        acts: list[dict[str, Any]] = []

        async def is_noted() -> bool:
            nonlocal acts
            acts = [one for one in (await who.get("/audit"))["acts"] if one["action"] == "doctor"]
            return [one["outcome"] for one in acts] == ["done"]

        await on.until(is_noted)
        written = [
            one
            for vendor, number in before.items()
            for one in on.requests(vendor)[number:]
            if one.method not in ("GET", "HEAD") and not one.path.endswith("/contacts/search")
        ]

    assert found["problem"] == ""
    refused = [one for one in found["result"] if (one["check"], one["level"]) == ("access", "wrong")]
    assert [(one["subject"], one["connection"]) for one in refused] == [("GHL of acme", "acme")]
    assert "LOFTY_GHL_ACME_GHL_TOKEN" in refused[0]["to_do"]
    assert {one["connection"] for one in found["result"] if one["check"] in ("topics", "disk", "Kafka")} == {""}
    assert found["done"] == found["of"] > 0
    assert [one["who"] for one in acts] == ["robot"]
    assert acts[0]["detail"] == counted(found["result"])
    assert written == []
