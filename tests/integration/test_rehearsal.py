"""A rehearsal tells what an import would do, writes nothing, and the import then does exactly that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from pydantic import TypeAdapter

from connectors.sandbox.ghl.seeds import seed, shown
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.mapping import LEAD_ID_FIELD
from streams.mapping.ghl_fields import STANDARD
from streams.operations.rehearsal.report import RehearsalReport
from streams.worker.supervisor import Supervisor
from tests.integration.command import command, config_of
from tests.integration.console import Caller
from tests.integration.edited_connections import (
    API_KEY,
    OTHER_LOCATION,
    OTHER_TEAM,
    TOKEN,
    Visitor,
    new_connection,
    on_duty,
    other_team,
    settings_of,
    two_accounts,
    until_served,
)
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker

READS = ("GET", "HEAD")
EMAIL = STANDARD["email"]


def lead(on: Stage, name: str, *, email: str = "", phone: str = "", **fields: Any) -> str:
    """A lead of the second team that no webhook reports."""
    first, _, last = name.partition(" ")
    person = {"firstName": first or " ", "lastName": last.strip(), **fields}
    person |= {"emails": [email]} if email else {}
    person |= {"phones": [phone]} if phone else {}
    what = {"edit": "create", "kind": "lead", "fields": person}
    return str(desk_work.edit(on.lofty, other_team(on), what, reports=False).id)


async def people(on: Stage) -> dict[str, str]:
    """One lead of each sort, and who has long been in GHL, so that its search shows them; returns the leads' ids by their first name."""
    field_id = seed(on.ghl, {"location": OTHER_LOCATION, "customFields": [{"name": LEAD_ID_FIELD, "dataType": "TEXT"}]})
    ids = {
        "Ada": lead(on, "Ada Bell", email="ada@example.com", phone="(530) 555-0101", tags=["Buyer"]),
        "Bea": lead(on, "Bea Cole", email="bea@example.com"),
        "Cal": lead(on, "Cal Dean", phone="(530) 555-0103"),
        "Dot": lead(on, "Dot Ames", email="dot.now@example.com"),
        "Eli": lead(on, "Eli Fox", email="eli@example.com", phone="(530) 555-0105"),
        "Fay": lead(on, "Fay Gray", email="fay@example.com", phone="(530) 555-0106"),
        "Gus": lead(on, "Gus Gray", email="gus@example.com", phone="(530) 555-0106"),
        "Hal": lead(on, "Hal Ives", email="hal@example.com"),
        "Ida": lead(on, "Ida Ives", email="hal@example.com"),
        "Joe": lead(on, "Joe Kerr", email="joe.new@example.com"),
        "": lead(on, "  "),
    }
    contacts: list[dict[str, Any]] = [
        {"firstName": "Bea", "lastName": "Cole", "email": "bea@example.com", "city": "Chico"},
        {"firstName": "Cal", "lastName": "Dean", "phone": "+15305550103"},
        {
            "firstName": "Dot",
            "email": "dot.before@example.com",
            "customFields": [{"id": field_id["customFields"][0], "field_value": ids["Dot"]}],
        },
        {"firstName": "Zoe", "lastName": "Hill", "phone": "+15305550105"},
        {"firstName": "Joe", "lastName": "Kerr", "email": "joe.old@example.com"},
    ]
    seed(on.ghl, {"location": OTHER_LOCATION, "contacts": contacts})
    index = on.ghl.location(OTHER_LOCATION).index
    await on.until(lambda: len(index.documents(on.ghl.now())) == len(contacts))
    return ids


def written(on: Stage, since: tuple[int, int]) -> list[Any]:
    """The requests at GHL and at Lofty that are not reads, from a place in their ledgers on. Lofty gets its subscriptions."""
    found = [*on.requests("ghl")[since[0] :], *on.requests("lofty")[since[1] :]]
    return [one for one in found if one.method not in READS and not one.path.endswith(("/contacts/search", "/webhook"))]


async def paused_connection(on: Stage, supervisor: Supervisor, who: Caller) -> None:
    """Add the second connection, as one begins: paused."""
    status, added = await who.ask("POST", "/connections", new_connection(on, settings=settings_of(on, paused=True)))
    assert status == 200, added
    await until_served(on, supervisor, "acme", "beta")


async def imported(on: Stage, supervisor: Supervisor, who: Caller) -> None:
    """Resume the connection, import all leads, and wait until it is done."""
    assert (await who.ask("POST", "/connections/beta/resume", {"expected_version": 1}))[0] == 200
    await on.until(lambda: not on_duty(supervisor).connections["beta"].paused)
    assert (await who.ask("POST", "/backfills/beta"))[0] == 200

    async def is_done() -> bool:
        rows = {one["connection"]: one for one in await who.get("/backfills")}
        return not rows["beta"]["is_ordered"]

    await on.until(is_done)
    await on.until_quiet(90)


async def rehearsed(on: Stage, who: Caller) -> RehearsalReport:
    """Rehearse the second connection through the API, in a process of its own."""
    status, made = await who.ask("POST", "/connections/beta/rehearsals", {})
    assert status == 200, made
    address = f"/connections/beta/rehearsals/{made['id']}"

    async def is_done() -> bool:
        return bool((await who.get(address))["ended_ms"])

    await on.until(is_done, 120)
    found = await who.get(address)
    assert found["problem"] == ""
    report: RehearsalReport = TypeAdapter(RehearsalReport).validate_python(found["result"])
    return report


def ground_truth(on: Stage, since: int, ids: Mapping[str, str], before: set[str]) -> dict[str, int]:
    """What the import did, by GHL's own ledger and contacts."""
    created = [
        one for one in on.requests("ghl", "POST")[since:] if one.path.rstrip("/") == "/contacts" and one.status == 201
    ]
    place = on.ghl.location(OTHER_LOCATION)
    names = {one["id"]: one["name"] for one in place.custom_fields.values()}
    lofty_ids = {
        contact_id: str(value)
        for contact_id, contact in place.contacts.items()
        for field_id, value in shown(contact)["customFields"].items()
        if names[field_id] == LEAD_ID_FIELD
    }
    adopted = [one for one in before if lofty_ids.get(one) in ids.values()]
    return {"created": len(created), "adopted": len(adopted), "written": len(set(lofty_ids.values()))}


async def test_the_import_does_what_the_rehearsal_of_a_paused_connection_said(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """The ledgers of both vendors show no write before, and afterwards as many contacts of each sort as were foretold."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        ids = await people(on)
        await paused_connection(on, supervisor, who)
        before = set(on.ghl.location(OTHER_LOCATION).contacts)
        since = len(on.requests("ghl")), len(on.requests("lofty"))

        report = await rehearsed(on, who)
        wrote = written(on, since)
        await imported(on, supervisor, who)
        truth = ground_truth(on, since[0], ids, before)
        parked = [one.reason for one in await on.parked()]

        assert [(one.method, one.path) for one in wrote] == []
        assert (report.leads, report.total, report.contacts) == (11, 11, 5)
        assert report.matching == {"email": 1, "phone": 1, "Lofty id": 1}
        assert (report.new, report.conflicting, report.shared) == (4, 2, 1)
        assert report.refused == {"nameless": 1}
        assert truth["created"] == report.new + report.conflicting
        assert truth["adopted"] == sum(report.matching.values())
        assert parked == ["nameless"]
        assert_named(report, ids)
        fields = {one["name"] for one in on.ghl.location(OTHER_LOCATION).custom_fields.values()}
        assert {one.name for one in report.new_fields} == fields - {LEAD_ID_FIELD}
        posts = Counter(one.method for one in on.requests("ghl")[since[0] :] if one.method not in READS)
        assert posts.total() <= report.effort.ghl_requests


def assert_named(report: RehearsalReport, ids: Mapping[str, str]) -> None:
    """Who may be somebody else is named, and the examples show both sides."""
    conflicts = {(one.name, one.field, one.other_name) for one in report.conflicts}
    assert conflicts == {("Eli Fox", "phone", "Zoe Hill"), ("Gus Gray", "phone", "Fay Gray")}
    assert [(one.name, one.field) for one in report.alike] == [("Joe Kerr", "name")]
    assert "buyer" in report.new_tags
    sides = {one.lead: one for one in report.sides}
    assert set(sides) == set(ids.values())
    bea = {one.field: one for one in sides[ids["Bea"]].fields}
    assert (bea[EMAIL].winner, bea["first name"].winner) == ("same", "same")
    assert (bea["city"].ghl, bea["city"].winner) == ("Chico", "GoHighLevel")
    dot = {one.field: one for one in sides[ids["Dot"]].fields}
    assert (dot[EMAIL].lofty, dot[EMAIL].ghl, dot[EMAIL].winner) == (
        "dot.now@example.com",
        "dot.before@example.com",
        "Lofty",
    )


async def rehearsed_until(on: Stage, shows: Callable[[str], bool], config: Path, *more: str) -> tuple[int, str, str]:
    """The command's answer once it shows this: GHL's search shows a contact some time after it is there."""
    ended = (0, "", "")

    async def is_shown() -> bool:
        nonlocal ended
        ended = await command("rehearse", config, "acme", *more)
        return shows(ended[1])

    await on.until(is_shown)
    return ended


async def test_the_command_says_it_of_a_connection_that_works(embedded_kafka: Broker, tmp_path: Path) -> None:
    """What is in GHL already is found by its Lofty id and unchanged; the exit code says whether there are questions."""
    async with stage(embedded_kafka, tmp_path) as on:
        known = on.new_lead(firstName="Ada", lastName="Bell", emails=["ada@example.com"])
        await on.until_quiet()
        since = len(on.requests("ghl"))
        config = config_of(on, tmp_path)
        nothing_new = await rehearsed_until(on, lambda out: orjson.loads(out)["unchanged"] == 1, config, "--json")
        seed(on.ghl, {"location": LOCATION, "contacts": [{"firstName": "Zoe", "phone": "+15305550105"}]})
        on.edit_silently("create", "lead", fields={"firstName": "Eli", "lastName": "Fox", "phones": ["(530) 555-0105"]})
        with_question = await rehearsed_until(on, lambda out: "Eli Fox has" in out, config)

        report = orjson.loads(nothing_new[1])
        assert (nothing_new[0], report["matching"], report["unchanged"]) == (0, {"Lofty id": 1}, 1)
        assert report["sides"][0]["lead"] == known
        assert with_question[0] == 1
        assert "Eli Fox has the phone +15305550105 of Zoe" in with_question[1]
        assert {one.method for one in on.requests("ghl")[since:] if not one.path.endswith("/search")} <= {"GET"}


async def loaded(on: Stage, person: Visitor, path: str) -> str:
    """A page, loaded again while it says that Kafka did not answer within the few seconds that a page waits."""
    status, text = 0, ""

    async def is_there() -> bool:
        nonlocal status, text
        status, text = await person.read(path)
        return status != 503

    await on.until(is_there)
    assert status == 200, text
    return text


async def test_a_person_goes_step_by_step_without_scripts(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The connection begins paused; whose accounts they are is said before anything is written; one button is next at each step."""
    async with two_accounts(embedded_kafka, tmp_path) as (on, supervisor, who):
        await people(on)
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            await loaded(on, person, "/connections/new")
            form = {
                "name": "beta",
                "begin": "paused",
                "lofty.team_id": str(OTHER_TEAM),
                "lofty.base_url": on.lofty_url,
                "ghl.location_id": OTHER_LOCATION,
                "ghl.base_url": on.ghl_url,
                "lofty_api_key": API_KEY,
                "ghl_token": TOKEN,
            }
            added = await person.send("/connections/new", **form)
            await until_served(on, supervisor, "acme", "beta")
            since = len(on.requests("ghl")), len(on.requests("lofty"))
            begun = await loaded(on, person, "/connections/beta/steps")
            checked = await who.ask("POST", "/connections/beta/check-access")
            pressed = await person.send("/connections/beta/steps", do="check")
            empty = await loaded(on, person, "/connections/beta/rehearsal")
            started = await person.send("/connections/beta/rehearsal", sample="")

            async def is_done() -> bool:
                return bool((await who.get("/connections/beta/rehearsals"))[0]["ended_ms"])

            await on.until(is_done, 120)
            found = await loaded(on, person, "/connections/beta/rehearsal")
            rehearsed_now = await loaded(on, person, "/connections/beta/steps")
            wrote = written(on, since)
            resumed = await person.send("/connections/beta/pause", do="resume", back="steps", version="1")

        assert (added[0], added[2]) == (303, "/console/connections/beta/steps")
        assert "Rehearse the import" in begun
        assert (checked[0], checked[1]["lofty"]["count"], checked[1]["ghl"]["count"]) == (200, 11, 5)
        assert (checked[1]["lofty"]["account"] != "", checked[1]["ghl"]["lacks"]) == (True, [])
        assert (pressed[0], pressed[2], started[0]) == (303, "/console/connections/beta/steps", 303)
        assert "No rehearsal yet" in empty
        assert ("What an import would do" in found, "Zoe Hill" in found) == (True, True)
        assert "Switch it on" in rehearsed_now
        assert [(one.method, one.path) for one in wrote] == []
        assert (resumed[0], resumed[2]) == (303, "/console/connections/beta/steps")
