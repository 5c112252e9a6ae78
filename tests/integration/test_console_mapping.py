"""The mapping editor's API on the whole pipeline: wrong and right, previewed, saved once, taken over."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.operations.mapping_preview import lead_samples
from tests.integration.console import caller, console_on_stage, until_indexed
from tests.integration.stage import TEAM
from tests.kafka.broker import Broker

TEXT = """[mappings.mine]
extends = "default"
[mappings.mine.fields]
firstName = { from = "firstName", transform = ["upper"] }
"""


async def test_a_mapping_is_checked_previewed_saved_and_taken_over(embedded_kafka: Broker, tmp_path: Path) -> None:
    """With its line where it is wrong; the preview writes nothing; who saves on an old version is refused."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        lead = on.new_lead(firstName="Ada")
        await on.until(lambda: lead in on.contacts())
        await until_indexed(on, who)
        wrong = TEXT.replace("upper", "uper")
        status, problems = await who.ask("POST", "/mappings/check", {"name": "mine", "text": wrong})
        assert status == 200
        assert [(one["line"], "upper" in one["hint"]) for one in problems] == [(4, True)]
        assert (await who.ask("POST", "/mappings/check", {"name": "mine", "text": TEXT}))[1] == []
        asked = {"name": "mine", "text": TEXT, "connection": "acme", "leads": [lead, "4711"]}
        status, found = await who.ask("POST", "/mappings/preview", asked)
        assert status == 200, found
        (preview,) = found["previews"]
        row = next(one for one in preview["rows"] if one["target"] == "firstName")
        assert (row["lofty"], row["value"], row["change"]) == ("Ada", "ADA", "set")
        assert found["unknown"] == ["4711"]
        writes = len(on.requests("ghl", "PUT", "POST"))
        state = await who.get("/mappings")
        body = {"text": TEXT, "expected_version": state["version"]}
        assert (await who.ask("PUT", "/mappings/mine", {**body, "text": wrong}))[0] == 422
        status, saved = await who.ask("PUT", "/mappings/mine", body)
        assert (status, saved["version"]) == (200, 1)
        status, problem = await who.ask("PUT", "/mappings/mine", body)
        assert (status, problem["type"]) == (409, "urn:lofty-ghl:problem:conflict")
        assert (await who.ask("PUT", "/mappings/default", {"text": TEXT, "expected_version": 1}))[0] == 404
        assert len(on.requests("ghl", "PUT", "POST")) == writes
        status, used = await who.ask("PUT", "/connections/acme/mapping", {"name": "mine", "expected_version": 1})
        assert (status, used["uses"]) == (200, {"acme": "mine"})

        async def audit_has_them() -> bool:
            acts = (await who.get("/audit"))["acts"]
            done = [(one["action"], one["outcome"]) for one in acts]
            return done[:2] == [("mapping use", "done"), ("mapping save", "failed")] or ("mapping use", "done") in done

        await on.until(audit_has_them)


async def test_the_leads_of_a_quiet_connection_are_found_by_the_index(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many connections share a partition, so its last records are of others. A deleted lead is no example."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who = caller(on)
        leads = [on.new_lead(firstName=name) for name in ("Ada", "Bob")]
        await on.until(lambda: set(leads) <= on.contacts().keys())
        desk_work.edit(on.lofty, desk_work.team_of(on.lofty, TEAM), {"edit": "delete", "kind": "lead", "id": leads[1]})
        await on.until_quiet()
        await until_indexed(on, who)
        monkeypatch.setattr(lead_samples, "TAIL", 0)
        status, found = await who.ask("POST", "/mappings/preview", {"name": "mine", "text": TEXT, "connection": "acme"})

        assert await lead_samples.latest_leads(on.settings, "acme") == ()
        assert status == 200, found
        assert [one["lead"] for one in found["previews"]] == [leads[0]]
