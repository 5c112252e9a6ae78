"""The list of leads on the whole pipeline: by the API, as a page, and as a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from tests.integration.console import Caller, caller, console_on_stage, until_indexed
from tests.integration.stage import Stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import TOKENS


async def file_of(on: Stage, **query: str) -> list[dict[str, str]]:
    """The exported file."""
    headers = {"Authorization": f"Bearer {TOKENS['looker']}"}
    async with on.http.get(f"{on.gateway.url}/api/v1/leads/export", params=query, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/csv")
        assert answer.headers["Cache-Control"] == "no-store"
        return list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"), newline="")))


async def listed(who: Caller, **query: Any) -> dict[str, str]:
    """The leads of a page, with their states."""
    return {lead["lead"]: lead["state"] for lead in (await who.get("/leads", **query))["leads"]}


async def test_leads_are_listed_by_state_and_exported(broker: Broker, tmp_path: Path) -> None:
    """What is written, what GHL refuses and what is gone; who exported is in the audit log."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        fine = on.new_lead(firstName="Ada", emails=["ada@example.com"], tags=["Buyer"])
        gone = on.new_lead(firstName="=HYPERLINK(1)", emails=["formula@example.com"])
        await on.until(lambda: len(on.contacts()) == 2)
        on.edit("delete", "lead", id=int(gone))
        await on.until_quiet()

        async def is_listed() -> bool:
            return await listed(who) == {fine: "synced", gone: "deleted"}

        await until_indexed(on, who)
        await on.until(is_listed)
        found = await who.get("/leads", connection="acme", state="synced", tag="buyer")
        (lead,) = found["leads"]
        assert (lead["name"], lead["emails"], lead["tags"]) == ("Ada Example", ["ada@example.com"], ["Buyer"])
        assert lead["ghl_url"].endswith(f"/contacts/detail/{on.contacts()[fine]['id']}")
        assert (found["known"], found["counts"]["synced"], found["counts"]["deleted"]) == (2, 1, 1)
        first = await who.get("/leads", limit=1)
        second = await who.get("/leads", limit=1, after=first["after"])
        assert {first["leads"][0]["lead"], second["leads"][0]["lead"]} == {fine, gone}
        assert second["after"] == ""

        rows = {row["Lofty id"]: row for row in await file_of(on)}
        assert rows[fine]["State"] == "In GoHighLevel"
        assert rows[gone]["Name"] == "'=HYPERLINK(1) Example"
        assert [row["Lofty id"] for row in await file_of(on, state="synced")] == [fine]

        async def is_in_the_audit() -> bool:
            acts = (await who.get("/audit"))["acts"]
            return [(act["who"], act["action"], act["about"], act["outcome"], act["detail"]) for act in acts] == [
                ("looker", "export leads", {"state": "synced"}, "done", "1 lead"),
                ("looker", "export leads", {}, "done", "2 leads"),
            ]

        await on.until(is_in_the_audit)
        assert (await who.ask("GET", "/leads", query={"connection": "nobody"}))[0] == 404
        assert (await who.ask("GET", "/leads", query={"state": "bogus"}))[0] == 422
        assert (await who.ask("GET", "/leads", query={"after": "bogus"}))[0] == 422
        assert (await who.ask("GET", "/leads", query={"q": "a"}))[0] == 422
        assert (await who.ask("GET", "/leads/export", query={"connection": "nobody"}))[0] == 404
