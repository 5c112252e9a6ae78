"""The Lofty sync: from signed webhooks of GHL's sandbox, through both dispatchers, into Lofty's sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl.people import act
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.state import Kind
from connectors.sandbox.shared.faults import parse_fault
from streams.messages import GhlEvent
from streams.messages.lofty_command import LoftyReceipt
from streams.messages.topics import GHL_CHANGES, LOFTY_RECEIPTS
from streams.operations.history.from_topics import TopicFinder
from streams.telemetry.metrics import Metrics
from streams.worker.worker import Worker
from tests.integration.stage import LOCATION, TEAM, Stage, stage
from tests.kafka.broker import Broker

BACK = """
[connections.acme.back]
appointments = true
notes = true
tasks = true
finish_tasks = true
[connections.acme.back.fields]
firstName = "ghl"
lastName = "lofty"
phone = "newest"
[[connections.acme.back.rules]]
name = "hot lead"
on = "tag added"
when = "tag == 'hot'"
task = { type = "Call", content = "Call {{ contact.firstName }}: {{ tag }}" }
"""


def of_lead(on: Stage, kind: Kind, lead: str) -> list[dict[str, Any]]:
    """What Lofty holds of a lead: notes, tasks, appointments that are not deleted."""
    team = desk_work.team_of(on.lofty, TEAM)
    rows = [one for one in team.records[kind].values() if str(one.lead_id) == lead and not one.is_deleted]
    return [{"id": str(one.id), **one.fields} for one in rows]


def contact_of(on: Stage, lead: str) -> str:
    return str(on.contacts()[lead]["id"])


def do(on: Stage, what: str, body: dict[str, Any] | None = None, **ids: str) -> dict[str, Any]:
    """What a person does in GHL."""
    return act(on.ghl, {"do": what, "location": LOCATION, "ids": ids, "body": body or {}})


async def settled_lead(on: Stage, **fields: Any) -> tuple[str, str]:
    """A lead that is in GHL, and the id of its contact."""
    lead = on.new_lead(**fields)
    await on.until(lambda: lead in on.contacts())
    await on.until_quiet()
    return lead, contact_of(on, lead)


@pytest.mark.in_make_test
async def test_appointments_notes_and_tasks_of_ghl_appear_once_in_lofty_and_follow(
    broker: Broker, tmp_path: Path
) -> None:
    async with stage(broker, tmp_path, more=BACK) as on:
        lead, contact = await settled_lead(on)
        times = {"startTime": "2027-01-02T10:00:00+00:00", "endTime": "2027-01-02T11:00:00+00:00"}
        booked = do(on, "book-appointment", {"title": "Viewing", **times}, contactId=contact)["event"]["id"]
        note = do(on, "create-note", {"body": "likes gardens"}, contactId=contact)["note"]["id"]
        task = {"title": "Send papers", "dueDate": "2027-01-05T09:00:00Z", "completed": False}
        made = do(on, "create-task", task, contactId=contact)["task"]["id"]

        await on.until(lambda: len(of_lead(on, "task", lead)) + len(of_lead(on, "appointment", lead)) == 2)
        await on.until(lambda: len(of_lead(on, "note", lead)) == 1)
        await on.until_quiet()
        later = {"startTime": "2027-01-03T10:00:00+00:00", "endTime": "2027-01-03T11:00:00+00:00"}
        do(on, "change-appointment", later, contactId=contact, eventId=booked)
        do(on, "update-note", {"body": "likes big gardens"}, contactId=contact, id=note)
        do(on, "update-task-completed", {"completed": True}, contactId=contact, taskId=made)
        await on.until_quiet()
        everything = str(of_lead(on, "task", lead) + of_lead(on, "appointment", lead))
        assert "2027-01-03" in everything
        assert "2027-01-02" not in everything
        assert [one["content"] for one in of_lead(on, "note", lead)] == [f"likes big gardens\n\n[ghl-note:{note}]"]
        assert "'finishFlag': True" in everything

        do(on, "change-appointment", {"appointmentStatus": "cancelled"}, contactId=contact, eventId=booked)
        do(on, "delete-note", contactId=contact, id=note)
        do(on, "delete-task", contactId=contact, taskId=made)
        await on.until_quiet()
        assert [of_lead(on, kind, lead) for kind in ("note", "task", "appointment")] == [[], [], []]
        # The writes of the Lofty sync came back as pings, and none of them was written to GHL.
        assert (on.contacts()[lead]["notes"], on.contacts()[lead]["tasks"]) == ([], [])
        assert await on.parked() == []


async def test_our_own_writes_come_back_and_cause_none(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=BACK) as on:
        lead, _ = await settled_lead(on, phones=["5125550100"], tags=["buyer"])
        on.edit("create", "note", leadId=lead, fields={"content": "said"})
        on.edit(
            "create",
            "task",
            leadId=lead,
            fields={"content": "do", "type": "Call", "endAt": "2027-01-05T09:00:00+00:00"},
        )
        await on.until(lambda: len(on.contacts()[lead]["notes"]) == 1 and len(on.contacts()[lead]["tasks"]) == 1)
        await on.until_quiet()

        assert len(await on.records(GHL_CHANGES)) >= 4  # the contact, its tags, the note, the task
        writes = [one for one in on.requests("lofty", "POST", "PUT", "DELETE") if "/webhook" not in one.path]
        assert writes == []


async def test_notes_of_both_sides_are_read_on_the_other_as_they_were_written(broker: Broker, tmp_path: Path) -> None:
    """GHL keeps HTML, Lofty keeps text: signs, lists and emoji arrive, and what GHL gives back is no news."""
    async with stage(broker, tmp_path, more=BACK) as on:
        lead, contact = await settled_lead(on)
        on.edit("create", "note", leadId=lead, fields={"content": "budget <500k, AT&T <five>\nsecond line 😀"})
        await on.until(lambda: len(on.contacts()[lead]["notes"]) == 1)
        html = "<p>wants <b>&lt;500k</b></p><ul><li>a pool</li><li><p>a garage 😀</p></li></ul><script>x()</script>"
        note = do(on, "create-note", {"body": html}, contactId=contact)["note"]["id"]
        await on.until(lambda: len(of_lead(on, "note", lead)) == 2)
        await on.until_quiet()

        ours = next(one for one in on.contacts()[lead]["notes"] if one["id"] != note)
        assert "<br><br>budget &lt;500k, AT&amp;T &lt;five&gt;<br>second line 😀<br><br>[lofty-note:" in ours["body"]
        theirs = f"wants <500k\n\n- a pool\n- a garage 😀\n\n[ghl-note:{note}]"
        assert theirs in [one["content"] for one in of_lead(on, "note", lead)]

        # GHL's editor gives our note another form: no words differ, so nothing is copied, and nothing is written again.
        form = "".join(
            f"<p><span style='color: rgb(0, 0, 0)'>{line}</span></p>" for line in ours["body"][3:-4].split("<br>")
        )
        do(on, "update-note", {"body": form}, contactId=contact, id=ours["id"])
        await on.until_quiet()
        writes = [one.operation for one in on.requests("ghl", "POST", "PUT") if "note" in str(one.operation)]
        assert (len(of_lead(on, "note", lead)), len(on.contacts()[lead]["notes"]), len(writes)) == (2, 2, 1)
        assert await on.parked() == []


async def test_a_task_of_ours_completed_in_ghl_is_finished_in_lofty(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=BACK) as on:
        lead, contact = await settled_lead(on)
        fields = {"content": "do", "type": "Call", "endAt": "2027-01-05T09:00:00+00:00"}
        task = on.edit("create", "task", leadId=lead, fields=fields)
        await on.until(lambda: len(on.contacts()[lead]["tasks"]) == 1)
        await on.until_quiet()
        ours = on.contacts()[lead]["tasks"][0]["id"]
        before = len(on.requests("ghl", "POST", "PUT", "DELETE"))

        do(on, "update-task-completed", {"completed": True}, contactId=contact, taskId=ours)

        await on.until(lambda: of_lead(on, "task", lead)[0].get("finishFlag") is True)
        await on.until_quiet()
        assert task.id == of_lead(on, "task", lead)[0]["id"]
        searches = [one for one in on.requests("ghl", "POST", "PUT", "DELETE")[before:] if "search" not in one.path]
        assert searches == []  # what Lofty then reports is known in GHL


async def test_a_rule_makes_one_task_of_one_event_however_often_it_comes(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=BACK, hooks={"duplicates": 1.0}) as on:
        lead, contact = await settled_lead(on)
        do(on, "add-tags", {"tags": ["HOT", "cold"]}, contactId=contact)
        await on.until(lambda: len(of_lead(on, "task", lead)) == 1)
        await on.until_quiet()
        events = [GhlEvent.from_bytes(raw) for raw in await on.records(GHL_CHANGES)]
        for event in [one for one in events if one.type == "ContactTagUpdate"]:
            await on.produce(GHL_CHANGES, event.lane.encode(), event.to_bytes(), by="ghl")
            anew = event.model_copy(update={"webhook": f"{event.webhook}-anew", "at_ms": event.at_ms + 1})
            await on.produce(GHL_CHANGES, anew.lane.encode(), anew.to_bytes(), by="ghl")
        await on.until_quiet()

        (task,) = of_lead(on, "task", lead)
        assert task["content"].startswith("Call Ada: hot")
        story = await TopicFinder(on.settings, 0).explain(f"acme:{lead}")
        stages = [one.stage for one in story.events]
        assert {"event", "respond", "write back"} <= set(stages)
        assert any("rule 'hot lead'" in one.what for one in story.events)
        assert story.pending == []
        assert on.contacts()[lead]["tasks"] == []


async def test_each_field_has_its_winner(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=BACK) as on:
        lead, contact = await settled_lead(on, firstName="Ada", lastName="Example", phones=["5125550100"])

        edits = {"firstName": "Adelaide", "lastName": "Other", "phone": "+15125550199"}
        do(on, "update-contact", edits, contactId=contact)

        def lofty() -> tuple[Any, Any, Any]:
            fields = desk_work.team_of(on.lofty, TEAM).records["lead"][int(lead)].fields
            return fields["firstName"], fields["lastName"], fields["phones"][0]

        await on.until(lambda: lofty() == ("Adelaide", "Example", "+15125550199"))
        await on.until(lambda: on.contacts()[lead]["lastName"] == "Example")
        await on.until_quiet()
        on.edit(
            "update", "lead", id=int(lead), fields={"firstName": "Eve", "lastName": "Newer", "phones": ["5125550142"]}
        )
        await on.until(lambda: lofty()[0] == "Adelaide" and on.contacts()[lead]["phone"] == "+15125550142")
        await on.until_quiet()
        held = on.contacts()[lead]
        assert (held["firstName"], held["lastName"], held["phone"]) == ("Adelaide", "Newer", "+15125550142")
        assert lofty() == ("Adelaide", "Newer", "5125550142")


async def test_a_lost_answer_of_lofty_makes_no_second_task(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=BACK, given={"visibility_ms": 300}) as on:
        lead, contact = await settled_lead(on)
        faults = {"faults": [{"kind": "drop_after_apply", "operation": "create-note", "times": 1}]}
        async with on.http.post(f"{on.lofty_url}/_sandbox/faults", json=faults) as answer:
            assert answer.status == 200, await answer.text()
        do(on, "create-note", {"body": "said once"}, contactId=contact)
        await on.until(lambda: len(of_lead(on, "note", lead)) == 1)
        await on.until_quiet()
        receipts = [LoftyReceipt.from_bytes(raw) for raw in await on.records(LOFTY_RECEIPTS)]
        assert [one.outcome for one in receipts if one.step == "create note"].count("intended") == 1
        assert len(of_lead(on, "note", lead)) == 1


async def test_a_look_that_finds_no_lead_is_parked_and_the_note_follows_later(broker: Broker, tmp_path: Path) -> None:
    """Whether the note was made is not known then: it is neither given up nor made again."""
    async with stage(broker, tmp_path, more=BACK, given={"visibility_ms": 300}) as on:
        lead, contact = await settled_lead(on)
        on.lofty.faults.add(parse_fault({"kind": "drop_after_apply", "operation": "create-note", "times": 1}))
        note = do(on, "create-note", {"body": "said once"}, contactId=contact)["note"]["id"]
        await on.until(lambda: len(of_lead(on, "note", lead)) == 1)
        record = desk_work.team_of(on.lofty, TEAM).records["lead"][int(lead)]
        record.is_deleted = True  # in the trash for a while
        await on.until_quiet()
        parked = [one.reason for one in await on.parked()]
        record.is_deleted = False
        do(on, "update-note", {"body": "said again"}, contactId=contact, id=note)
        await on.until_quiet()

        assert [one["content"] for one in of_lead(on, "note", lead)] == [f"said again\n\n[ghl-note:{note}]"]
        assert parked == ["not found"]


async def test_an_event_without_a_good_signature_changes_nothing(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker, tmp_path, more=BACK) as on:
        async with on.http.post(f"{on.gateway.url}/ghl/webhooks", json={"type": "NoteCreate"}) as answer:
            assert answer.status == 401
        assert await on.records(GHL_CHANGES) == []


async def test_a_location_whose_app_is_uninstalled_pauses_until_it_is_installed_again(
    broker: Broker, tmp_path: Path
) -> None:
    async with stage(broker, tmp_path, more=BACK) as on:
        await settled_lead(on)
        await tell(on, "UNINSTALL")
        await on.until(lambda: any("uninstalled" in one.pause_cause for one in on.worker.writing.core.view(0)))
        lead = on.new_lead()
        await asyncio.sleep(1)
        assert lead not in on.contacts()
        await tell(on, "INSTALL")
        await on.until(lambda: lead in on.contacts())


async def tell(on: Stage, type_: str) -> None:
    """GHL says that the app was installed in the location, or removed from it."""
    payload = {"type": type_, "locationId": LOCATION, "companyId": "agency"}
    async with on.http.post(f"{on.ghl_url}/_sandbox/tell", json=payload) as answer:
        assert answer.status == 200


async def test_an_installation_in_a_new_location_waits_for_a_person_who_is_told_what_to_write(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """A connection also has Lofty's side, of which no event reports anything; the end of one that is not connected means nothing."""
    async with stage(embedded_kafka, tmp_path, more=BACK) as on:
        for type_ in ("INSTALL", "UNINSTALL"):
            payload = {"type": type_, "locationId": "loc-new", "companyId": "agency"}
            async with on.http.post(f"{on.ghl_url}/_sandbox/tell", json=payload) as answer:
                assert answer.status == 200
        await on.until_quiet()
        [parked] = await on.parked()

    assert (parked.stage, parked.reason) == ("ghl intake", "new installation")
    assert 'location_id = "loc-new"' in parked.message
    assert "lofty-ghl connect ghl" in parked.message
    assert "under Connections, Installations" in parked.message


async def test_a_webhook_that_was_heard_before_a_restart_is_known_after_it(real_kafka: Broker, tmp_path: Path) -> None:
    """Its id is in a table on Kafka, so the successor counts it as a duplicate."""
    async with stage(real_kafka, tmp_path, more=BACK) as on:
        lead, contact = await settled_lead(on)
        do(on, "add-tags", {"tags": ["hot"]}, contactId=contact)
        await on.until(lambda: len(of_lead(on, "task", lead)) == 1)
        await on.until_quiet()
        events = [GhlEvent.from_bytes(raw) for raw in await on.records(GHL_CHANGES)]
        [tagged] = [one for one in events if one.type == "ContactTagUpdate" and one.webhook]
        await on.worker.__aexit__(None, None, None)
        metrics = Metrics()
        given = on.given(metrics=metrics)
        async with Worker(on.settings, given) as second:
            on.worker = second
            await on.until(lambda: second.is_ready)
            await on.produce(GHL_CHANGES, tagged.lane.encode(), tagged.to_bytes(), by="ghl")
            known = metrics.events.labels("ContactTagUpdate", "duplicate")
            await on.until(lambda: [value for _, _, value, _ in known.values()] == [1])
            await on.until_quiet()
            tasks = of_lead(on, "task", lead)

    assert len(tasks) == 1
