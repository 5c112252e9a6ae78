"""A worker without its memory, in front of a GHL that it has filled before: everything is recognised, and nothing is made twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.messages import BackfillOrder, Change, Entity
from streams.messages.partitioning import lofty_budget, partition_of
from streams.messages.topics import SWEEPS, TopicNames
from streams.operations.verify.report import UNDECIDED
from streams.operations.verify.run import verify
from streams.settings import parse_settings
from streams.worker.worker import Worker
from tests.integration.command import command, config_of
from tests.integration.stage import ENVIRON, LOCATION, PARTITIONS, TEAM, Stage, stage
from tests.integration.test_calendar import BEGIN, CALENDAR, HOUR
from tests.integration.test_lost_changelogs import refused
from tests.integration.test_verify import QUICK, found_in, verified
from tests.kafka.broker import Broker

NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0"
LEADS = 8
NOTES = ("Met at the open house.", "Likes the garden.", "Called.", "Called again.", "Wants to sell.", "Moves in May.")


def another_prefix(text: str) -> str:
    """As after a wiped cluster: no topic holds anything."""
    return text.replace('topic_prefix = "stage-', 'topic_prefix = "second-')


def another_name(text: str) -> str:
    """The connection was renamed in the file, and is to begin without memory: its rows are under the old name."""
    return text.replace("[connections.acme", "[connections.acme-realty").replace(
        "region =", 'id = "acme-realty"\nregion ='
    )


def fill(on: Stage) -> list[str]:
    """Leads with two notes, a task and an appointment each; one note is edited in Lofty later."""
    leads = [on.new_lead(tags=["Buyer"]) for _ in range(LEADS)]
    for number, lead in enumerate(leads):
        for text in NOTES:
            on.edit("create", "note", leadId=lead, fields={"content": text})
        on.edit("create", "task", leadId=lead, fields={"content": "Call back"})
        begins = BEGIN + number * 24 * HOUR
        on.edit("create", "appointment", leadId=lead, fields={"descr": "See the house", "deadline": begins})
    return leads


def made(on: Stage) -> Counter[str]:
    """What GHL holds."""
    place = on.ghl.location(LOCATION).contacts.values()
    counted = Counter(contacts=len(place))
    for contact in place:
        counted.update(notes=len(contact.notes), tasks=len(contact.tasks), appointments=len(contact.appointments))
    return counted


def ghl_steps(on: Stage, since: int) -> Counter[str]:
    """Requests to GHL by operation, after the first `since`."""
    return Counter(one.operation for one in on.requests("ghl")[since:])


@pytest.mark.parametrize("loses", [another_prefix, another_name])
@pytest.mark.parametrize("more", ["", CALENDAR], ids=["tasks", "calendar"])
async def test_all_is_recognised_by_its_marker_and_nothing_is_made_twice(
    real_kafka: Broker, tmp_path: Path, loses: Callable[[str], str], more: str
) -> None:
    """Contacts, notes, tasks and appointments; each contact is listed once for each form; only what changed is written."""
    async with stage(real_kafka, tmp_path, restarts=True, more=f"{NEVER}\n{more}") as on:
        leads = fill(on)
        await on.until_quiet()
        before, asked = made(on), len(on.requests("ghl"))
        await on.worker.__aexit__(None, None, None)
        note = changed_meanwhile(on, leads[0])
        name, text = ("acme-realty", loses(on.config)) if loses is another_name else ("acme", loses(on.config))
        environ = {key.replace("ACME", name.upper().replace("-", "_")): value for key, value in ENVIRON.items()}
        on.settings = parse_settings(text, environ, read_file=lambda path: "", source="stage")
        on.names = TopicNames(on.settings.kafka.topic_prefix)
        if loses is another_prefix:
            real_kafka.create_topics(on.names.specs(), PARTITIONS)
        try:
            async with Worker(on.settings, on.given()) as second:
                on.worker = second
                await on.until(lambda: second.is_ready)
                await backfill(on, name)
                await on.until_quiet()
            after, steps = made(on), ghl_steps(on, asked)
            created = [one.operation for one in on.requests("ghl")[asked:] if one.created]
        finally:
            if loses is another_prefix:
                real_kafka.delete_topics(on.names.specs())

    assert before == {
        "contacts": LEADS,
        "notes": len(NOTES) * LEADS,
        "tasks": LEADS * (1 if more else 2),
        **({"appointments": LEADS} if more else {"appointments": 0}),
    }
    assert after == before
    assert created == []
    assert steps["get-all-notes"] == steps["get-all-tasks"] == LEADS, steps
    assert (steps["update-note"], steps["update-task"]) == (1, 0)
    assert "Likes the pool." in str(on.contacts()[leads[0]]["notes"]), note


@asynccontextmanager
async def without_memory(on: Stage, kafka: Broker) -> AsyncIterator[None]:
    """Another worker under another prefix, whose topics hold nothing; the first one has ended before."""
    on.settings = parse_settings(another_prefix(on.config), ENVIRON, read_file=lambda path: "", source="stage")
    on.names = TopicNames(on.settings.kafka.topic_prefix)
    kafka.create_topics(on.names.specs(), PARTITIONS)
    try:
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            yield
    finally:
        kafka.delete_topics(on.names.specs())


async def test_a_lead_whose_email_and_telephone_have_changed_finds_its_contact_by_its_lofty_id(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """Nothing that GHL's create compares is as it was. The location is looked through once, and each lead reads its own contact."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER) as on:
        leads = [on.new_lead(phones=[f"530555010{number}"]) for number in range(LEADS)]
        on.edit("create", "note", leadId=leads[0], fields={"content": "Once."})
        await on.until_quiet()
        before, asked = made(on), len(on.requests("ghl"))
        await on.worker.__aexit__(None, None, None)
        for number, lead in enumerate(leads[:-1]):
            new = {"emails": [f"new.{lead}@example.com"], "phones": [f"530555020{number}"]}
            on.edit_silently("update", "lead", id=int(lead), fields=new)
        gone = str(on.contacts()[leads[1]]["id"])
        del on.ghl.location(LOCATION).contacts[gone]  # GHL's search still shows it
        async with without_memory(on, real_kafka):
            await backfill(on, "acme")
            await on.until_quiet()
            after, steps = made(on), ghl_steps(on, asked)
            created = [one.operation for one in on.requests("ghl")[asked:] if one.created]
            await on.worker.__aexit__(None, None, None)
            again = len(on.requests("ghl"))
            async with Worker(on.settings, on.given()) as third:
                on.worker = third
                await on.until(lambda: third.is_ready and ghl_steps(on, again)["get-user-by-location"])
                on.new_lead()
                await on.until_quiet()
            later = ghl_steps(on, again)
        emails = {lead: contact["email"] for lead, contact in on.contacts().items() if lead in leads}

    assert after == before
    assert created == ["create-contact"], "the one that was deleted"
    assert steps["search-contacts-advanced"] == 1, steps
    assert all(emails[lead] == f"new.{lead}@example.com" for lead in leads[:-1]), emails
    assert later["search-contacts-advanced"] == 0, later


async def test_leads_with_one_email_that_have_contacts_of_their_own_keep_them(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """One took the other's e-mail, and goes without it. Without memory they are not taken for one person: nothing moves."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER) as on:
        leads = [on.new_lead(firstName=f"Ann{n}", emails=[f"ann{n}@example.com"]) for n in range(LEADS)]
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "Once."})
        await on.until_quiet()
        for number, lead in enumerate(leads[LEADS // 2 :]):
            on.edit("update", "lead", id=int(lead), fields={"emails": [f"ann{number}@example.com"]})
        await on.until_quiet()
        before, asked, ids = made(on), len(on.requests("ghl")), {k: v["id"] for k, v in on.contacts().items()}
        await on.worker.__aexit__(None, None, None)
        async with without_memory(on, real_kafka):
            await backfill(on, "acme")
            await on.until_quiet()
        created = [one.operation for one in on.requests("ghl")[asked:] if one.created]
        after = {lead: (one["id"], one["firstName"], len(one["notes"])) for lead, one in on.contacts().items()}

    assert (made(on), created) == (before, [])
    assert after == {lead: (ids[lead], f"Ann{number}", 1) for number, lead in enumerate(leads)}


def texts(on: Stage, lead: str) -> list[str]:
    """What hangs on a lead's contact, by its first words."""
    contact = on.contacts().get(lead) or {"notes": (), "tasks": ()}
    noted = [one["body"].split("<br>")[-3] for one in contact["notes"]]
    others = (*contact["tasks"], *contact.get("appointments", ()))
    return sorted([*noted, *(one["title"].removeprefix("Appointment: ") for one in others)])


@pytest.mark.parametrize("more", ["", CALENDAR], ids=["tasks", "calendar"])
async def test_what_left_a_contact_while_memory_was_gone_leaves_it_in_ghl(
    real_kafka: Broker, tmp_path: Path, more: str
) -> None:
    """Of two couples with one e-mail one parts, a note is deleted, and another moves to another lead; no webhook says so.

    Each lead has its own afterwards, once; what is on the right contact is not made again.
    """
    async with stage(real_kafka, tmp_path, restarts=True, more=f"{NEVER}\n{more}") as on:
        couples = []
        for home in ("vale", "hill"):
            pair = []
            for name in ("Ann", "Ben"):
                lead = on.new_lead(firstName=f"{name} {home}", emails=[f"{home}@example.com"])
                on.edit("create", "note", leadId=int(lead), fields={"content": f"{name} {home} said"})
                on.edit("create", "task", leadId=int(lead), fields={"content": f"{name} {home} calls"})
                shown = {"descr": f"{name} {home} sees", "deadline": BEGIN}
                on.edit("create", "appointment", leadId=int(lead), fields=shown)
                await on.until_quiet()
                pair.append(lead)
            couples.append(pair)
        (ann, ben), (stays, too) = couples
        gone = on.edit("create", "note", leadId=int(ann), fields={"content": "deleted later"})
        moves = on.edit("create", "note", leadId=int(ann), fields={"content": "moves later"})
        await on.until_quiet()
        assert (len(texts(on, ann)), texts(on, ben), len(texts(on, stays)), texts(on, too)) == (8, [], 6, [])
        asked = len(on.requests("ghl"))
        await on.worker.__aexit__(None, None, None)
        on.edit_silently("update", "lead", id=int(ben), fields={"emails": ["ben@example.com"]})
        on.edit_silently("delete", "note", id=gone.id)
        move_silently(on, moves.id, int(ann), int(stays))
        async with without_memory(on, real_kafka):
            await backfill(on, "acme")
            await on.until_quiet()
            hang = {lead: texts(on, lead) for lead in (ann, ben, stays, too)}
            report = await verify(on.settings, timeouts=QUICK)
            assert (found_in(report), report.exit_code) == (set(), UNDECIDED)
            created = Counter(one.operation for one in on.requests("ghl")[asked:] if one.created)
            assert await on.parked() == []

    assert hang == {
        ann: ["Ann vale calls", "Ann vale said", "Ann vale sees"],
        ben: ["Ben vale calls", "Ben vale said", "Ben vale sees"],
        stays: sorted(
            [f"{name} hill {does}" for name in ("Ann", "Ben") for does in ("calls", "said", "sees")] + ["moves later"]
        ),
        too: [],
    }
    booked = {"create-appointment": 1, "create-task": 1} if more else {"create-task": 2}
    assert created == {"create-contact": 1, "create-note": 2, **booked}


def move_silently(on: Stage, note: int, lead: int, to: int) -> None:
    """A note hangs on another lead in Lofty; no webhook says so."""
    team = desk_work.team_of(on.lofty, TEAM)
    moved = team.records["note"][note]
    moved.lead_id, moved.fields = to, {**moved.fields, "leadId": to}
    team.children["note", lead].remove(note)
    team.children.setdefault(("note", to), []).append(note)


def changed_meanwhile(on: Stage, lead: str) -> str:
    """A note is edited in Lofty while nobody listens; returns its id."""
    records = desk_work.team_of(on.lofty, TEAM).records["note"].values()
    note = next(str(one.id) for one in records if str(one.lead_id) == lead and "garden" in str(one.fields))
    on.edit_silently("update", "note", id=note, fields={"content": "Likes the pool."})
    return note


async def backfill(on: Stage, name: str) -> None:
    """Order one, and wait until it has ended."""
    order: Any = BackfillOrder(connection=name, id="first", at_ms=0)
    await on.produce(SWEEPS, name.encode(), order.to_bytes(), at=partition_of(lofty_budget(name), PARTITIONS))
    rows = on.worker.tables.sweeps

    def has_ended() -> bool:
        return any(row.served == "first" for number in range(PARTITIONS) for _, row in rows.items(number))

    await on.until(has_ended)


async def test_a_renamed_connection_is_refused_until_it_says_which_it_is(real_kafka: Broker, tmp_path: Path) -> None:
    """The worker names the command; after it, a backfill writes nothing, and the link goes on."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER, store="rocksdb") as on:
        lead = on.new_lead()
        on.edit("create", "note", leadId=lead, fields={"content": "Once."})
        await on.until_quiet()
        before, asked = made(on), len(on.requests("ghl"))
        await on.worker.__aexit__(None, None, None)
        config = config_of(on, tmp_path)
        text = config.read_text().replace("[connections.acme", "[connections.acme-realty")
        config.write_text(text)
        environ = {key.replace("_ACME_", "_ACME_REALTY_"): value for key, value in ENVIRON.items()}
        why = await refused(on, parse_settings(text, environ, source="stage"))
        renamed = await command("connections rename", config, "acme", "acme-realty")
        on.settings = parse_settings(config.read_text(), environ, source="stage")
        async with Worker(on.settings, on.given()) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await backfill(on, "acme")
            on.edit("create", "note", leadId=lead, fields={"content": "Twice."})
            await on.until_quiet()
            steps = ghl_steps(on, asked)

    assert "lofty-ghl connections rename acme acme-realty" in why
    assert renamed[0] == 0, renamed
    assert (before["contacts"], before["notes"], made(on)["notes"]) == (1, 1, 2)
    assert [one for one in steps if one.startswith(("create", "update", "upsert"))] == ["create-note"]


async def test_links_move_to_another_prefix_and_nothing_is_written_there(real_kafka: Broker, tmp_path: Path) -> None:
    """Imported twice, refused while a worker is alive; a backfill finds all as it should be, also what was written since."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER) as on:
        leads = fill(on)
        await on.until_quiet()
        file = str(tmp_path / "links.jsonl")
        exported = await command("links export", config_of(on, tmp_path), file)
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "Written since."})
        await on.until_quiet()
        before, asked = made(on), len(on.requests("ghl"))
        await on.worker.__aexit__(None, None, None)
        text = another_prefix(on.config)
        on.settings = parse_settings(text, ENVIRON, read_file=lambda path: "", source="stage")
        on.names = TopicNames(on.settings.kafka.topic_prefix)
        config = tmp_path / "second.toml"
        config.write_text(text)
        real_kafka.create_topics(on.names.specs(), PARTITIONS)
        try:
            done = [await command("links import", config, file, "--json") for _ in range(2)]
            async with Worker(on.settings, on.given()) as second:
                on.worker = second
                await on.until(lambda: second.is_ready)
                await backfill(on, "acme")
                await on.until_quiet()
                alive = await command("links import", config, file)
                on.edit_silently("update", "lead", id=leads[0], fields={"lastName": "Lovelace"})
            steps = ghl_steps(on, asked)
        finally:
            real_kafka.delete_topics(on.names.specs())

    count = LEADS * (1 + len(NOTES) + 2)
    assert exported[0] == 0, exported
    assert [orjson.loads(out) for _, out, _ in done] == [
        {"imported": count, "same": 0},
        {"imported": 0, "same": count},
    ], done
    assert (alive[0], "workers are alive" in alive[2]) == (2, True), alive
    assert [one for one in steps if not one.startswith("get-")] == ["search-contacts-advanced"]
    assert made(on) == before


async def test_what_is_deleted_before_its_contact_is_known_again_leaves_it(real_kafka: Broker, tmp_path: Path) -> None:
    """Memory is lost, and Lofty reports a deletion at once: nothing knows yet that it was ever written."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER) as on:
        lead = on.new_lead(tags=["Buyer"])
        note = on.edit("create", "note", leadId=int(lead), fields={"content": "goes"})
        on.edit("create", "note", leadId=int(lead), fields={"content": "stays"})
        task = on.edit("create", "task", leadId=int(lead), fields={"content": "goes"})
        await on.until_quiet()
        assert (len(on.contacts()[lead]["notes"]), len(on.contacts()[lead]["tasks"])) == (2, 1)
        await on.worker.__aexit__(None, None, None)
        async with without_memory(on, real_kafka):
            for kind, gone in (("note", note.id), ("task", task.id)):
                on.edit_silently("delete", kind, id=gone)
                entity = Entity("acme", lead, kind, str(gone))  # type: ignore[arg-type]  # one of Lofty's kinds
                now_ms = time.time_ns() // 1_000_000
                await on.produce_change(
                    Change(**entity._asdict(), operation="deleted", update_time_ms=now_ms, accepted_ms=now_ms)
                )
            await on.until_quiet()
            before = [one.outcome for one in await on.receipts() if one.kind in ("note", "task")][-2:]
            await backfill(on, "acme")
            await on.until_quiet()
            report = await verified(on)

    assert before == ["unchanged"] * 2, "both count as never written"
    assert (len(on.contacts()[lead]["notes"]), len(on.contacts()[lead]["tasks"])) == (1, 0)
    assert report.exit_code == 0, report.as_dict()
