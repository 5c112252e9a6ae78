"""`lofty-ghl conflicts`: both people side by side, and a person's decision about them, on real Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.sandbox.ghl.seeds import seed
from tests.integration.command import command, config_of
from tests.integration.console import caller, console_on_stage, until_indexed
from tests.integration.stage import LOCATION, Stage, stage
from tests.integration.test_way_back import do
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


async def test_a_lead_that_was_decided_to_be_another_person_leaves_the_contact_that_it_shared(
    broker: Broker, tmp_path: Path
) -> None:
    """It gets its own, without the e-mail; its note moves; nothing of the other one is touched."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        ann = on.new_lead(firstName="Ann", emails=["home@example.com"], phones=[])
        await on.until_quiet()
        ben = on.new_lead(firstName="Ben", emails=["home@example.com"], phones=[PHONE])
        on.edit("create", "note", leadId=int(ben), fields={"content": "wants a garage"})
        await on.until_quiet()
        (item,) = await listed(config)
        assert (item["state"], item["person"]["lead"], item["other"]["lead"]) == ("shared", ben, ann)

        decided = await command("conflicts apart", config, ben)
        assert (decided[0], "a contact of its own" in decided[1]) == (0, True), decided
        await on.until(lambda: ben in on.contacts())
        await on.until_quiet()
        contacts = on.contacts()
        assert (contacts[ann]["firstName"], contacts[ann]["email"]) == ("Ann", "home@example.com")
        assert (contacts[ben]["firstName"], contacts[ben].get("email")) == ("Ben", None)
        assert [len(contacts[one]["notes"]) for one in (ann, ben)] == [0, 1]
        (item,) = await listed(config, 0)
        assert (item["state"], item["decided"]) == ("left out", "apart")


@pytest.mark.in_make_test
async def test_a_merge_in_ghl_of_two_leads_that_are_the_same_person_is_followed(broker: Broker, tmp_path: Path) -> None:
    """The contact that went away is not made again, whichever it is: both leads share the one that stayed."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        ann, ben = await couple(on)
        assert (await command("conflicts same", config, "1"))[0] == 1
        decided = await command("conflicts same", config, ben)
        assert (decided[0], "merge the contacts" in decided[1]) == (0, True), decided
        await on.until_quiet()
        before = on.contacts()
        assert len(before) == 2

        do(on, "delete-contact", contactId=before[ben]["id"])
        on.edit("create", "note", leadId=int(ben), fields={"content": "wants a garage"})
        on.edit("update", "lead", id=int(ben), fields={"lastName": "Roe"})
        await on.until(lambda: len(on.contacts()[ann]["notes"]) == 1)
        await on.until_quiet()
        assert len(on.ghl.location(LOCATION).contacts) == 1
        assert on.contacts()[ann]["lastName"] == "Vale"
        (item,) = await listed(config, 0)
        assert (item["state"], item["decided"]) == ("shared", "same")


async def test_a_merge_into_the_contact_of_the_later_lead_is_followed_too(broker: Broker, tmp_path: Path) -> None:
    """The person at GHL chose the other contact: it got the telephone, and the first lead shares it from then on."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        ann, ben = await couple(on)
        assert (await command("conflicts same", config, ben))[0] == 0
        await on.until_quiet()
        before = on.contacts()
        do(on, "delete-contact", contactId=before[ann]["id"])
        do(on, "update-contact", {"phone": E164}, contactId=before[ben]["id"])
        on.edit("create", "note", leadId=int(ann), fields={"content": "wants a garden"})
        on.edit("update", "lead", id=int(ann), fields={"lastName": "Roe"})
        await on.until(lambda: len(on.contacts()[ben]["notes"]) == 1)
        await on.until_quiet()
        assert len(on.ghl.location(LOCATION).contacts) == 1
        assert (on.contacts()[ben]["firstName"], on.contacts()[ben]["lastName"]) == ("Ben", "Vale")
        (item,) = await listed(config, 0)
        assert (item["state"], item["person"]["lead"], item["decided"]) == ("shared", ann, "same")


async def test_somebody_in_ghl_who_was_decided_to_be_the_lead_is_adopted_after_the_merge(
    broker: Broker, tmp_path: Path
) -> None:
    """No lead has that contact, so it becomes this lead's."""
    async with stage(broker, tmp_path) as on:
        config = config_of(on, tmp_path)
        fields = {"phone": E164, "firstName": "Bo"}
        (before,) = seed(on.ghl, {"location": LOCATION, "contacts": [fields]})["contacts"]
        ben = on.new_lead(firstName="Ben", emails=["ben@example.com"], phones=[PHONE])
        await on.until_quiet()
        assert (await command("conflicts same", config, ben))[0] == 0
        do(on, "delete-contact", contactId=on.contacts()[ben]["id"])
        on.edit("update", "lead", id=int(ben), fields={"lastName": "Roe"})
        await on.until(lambda: ben in on.contacts() and on.contacts()[ben]["id"] == before)
        await on.until_quiet()
        assert (on.contacts()[ben]["lastName"], len(on.ghl.location(LOCATION).contacts)) == ("Roe", 1)
        assert await listed(config, 0) == []


async def test_the_console_decides_and_the_audit_names_who(broker: Broker, tmp_path: Path) -> None:
    """By the API, as its page does; what was decided twice, or is about nobody, is refused in words."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        ann, ben = await couple(on)
        await until_indexed(on, who)
        found = await who.get("/conflicts", connection="acme")
        (item,) = found["conflicts"]
        assert (found["undecided"], item["person"]["lead"], item["other"]["lead"]) == (1, ben, ann)
        choice = {"connection": "acme", "lead": ben, "decision": "apart"}
        status, done = await who.ask("POST", "/conflicts/decide", choice)
        assert (status, done["problem"]) == (200, "")
        await on.until_quiet()
        found = await who.get("/conflicts")
        assert (found["undecided"], found["conflicts"][0]["decided"]) == (0, "apart")
        assert (await who.ask("POST", "/conflicts/decide", {**choice, "lead": ann}))[0] == 404
        assert (await who.ask("POST", "/conflicts/decide", {**choice, "decision": "sold"}))[0] == 422

        async def is_in_the_audit() -> bool:
            acts = (await who.get("/audit"))["acts"]
            return any(
                (one["action"], one["outcome"], one["who"]) == ("decide conflict", "done", "robot") for one in acts
            )

        await on.until(is_in_the_audit)
