"""The judge of chaos runs, judged: honest histories pass, and each planted fault is caught by its own property."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.shared.faults import SandboxFault
from streams.core.to_ghl.contact_identity import KEPT
from streams.mapping import find_marker
from streams.messages import Entity, Parked
from tests.chaos.history import DELETED_BY_HAND, FORGOT, FROZEN, KILLED, Edit, Event, History, judge, load, save
from tests.chaos.history.told import worker_of
from tests.chaos.history_builder import Town
from tests.chaos.history_plants import PLANTS, Plant
from tests.chaos.history_plants_asked import GAP_SECONDS, add, create_twice, look_again, moved, overlap
from tests.chaos.history_plants_known import make_again
from tests.chaos.history_plants_standing import lose_a_note

BEGIN_MS = 1_800_000_000_000


def first(those: Sequence[Any]) -> Any:
    """The first place for a fault."""
    return those[0]


def appointment(version: int) -> dict[str, Any]:
    """An appointment of Lofty, an hour later with each version."""
    return {"descr": f"v{version:06} of it", "deadline": BEGIN_MS + version * 3_600_000}


@pytest.fixture(scope="module")
def honest() -> History:
    """Two leads with everything that hangs on them, edited, with lost answers and a worker killed in the middle."""
    town = Town()
    began = town.clockwork.now
    town.stray()
    ada = town.edit(
        "east",
        edit="create",
        kind="lead",
        fields={"firstName": "Ada", "lastName": "v000001", "emails": ["ada@example.com"], "stage": "Showing"},
    )
    bob = town.edit(
        "west", edit="create", kind="lead", fields={"firstName": "Bob", "lastName": "v000001", "tags": ["Buyer"]}
    )
    town.outage(began)
    town.clockwork.run()
    children = []
    for connection, lead in (("east", ada), ("west", bob)):
        note = town.edit(connection, edit="create", kind="note", leadId=lead, fields={"content": "v000001 of it"})
        task = town.edit(
            connection, edit="create", kind="task", leadId=lead, fields={"content": "v000001 of it", "type": "Call"}
        )
        met = town.edit(connection, edit="create", kind="appointment", leadId=lead, fields=appointment(1))
        children.append((connection, note, task, met))
    town.clockwork.run()
    town.vendors.ghl.faults.add(SandboxFault("drop_after_apply", operation="update-*", times=2))
    town.vendors.ghl.faults.add(SandboxFault("drop_after_apply", operation="create-note", times=1))
    town.vendors.ghl.faults.add(SandboxFault("drop_after_apply", operation="create-appointment", times=1))
    for connection, lead in (("east", ada), ("west", bob)):
        fields = {"lastName": "v000002", "tags": ["VIP"], "stage": "Closed"}
        town.edit(connection, edit="update", kind="lead", id=lead, fields=fields)
        town.edit(connection, edit="create", kind="note", leadId=lead, fields={"content": "v000001 of another"})
        town.edit(connection, edit="create", kind="appointment", leadId=lead, fields=appointment(1))
    town.kill(0.6)
    for connection, note, task, met in children:
        town.edit(connection, edit="update", kind="note", id=note, fields={"content": "v000002 of it"})
        town.edit(connection, edit="finish", kind="task", id=task)
        town.edit(connection, edit="update", kind="appointment", id=met, fields=appointment(2))
    return town.history()


def test_an_honest_history_holds(honest: History) -> None:
    """Lost answers, a kill and a handover violate nothing."""
    verdict = judge(honest)
    assert verdict.holds, verdict.report()
    assert {one.kind for one in honest.nemesis} == {KILLED}
    assert len({worker_of(one) for one in honest.ghl}) > 2
    assert any(one.fault for one in honest.ghl)
    assert {"create-opportunity", "update-opportunity"} <= {one.operation for one in honest.ghl}
    assert {"create-appointment", "edit-appointment", "get-calendar-events"} <= {one.operation for one in honest.ghl}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: one.name.replace(" ", "-"))
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_fault_is_caught_by_its_own_property(honest: History, plant: Plant, seed: int) -> None:
    """Wherever it is planted, by that property alone."""
    verdict = judge(plant.plant(honest, random.Random(seed).choice))
    assert verdict.violated == {plant.number}, verdict.report()


def test_an_appointment_may_stand_in_each_form_that_a_configuration_gave_it(honest: History) -> None:
    """What was made before a calendar was configured stays a task; where there always was one, no task will do."""
    calendar = '[connections.east.appointments]\ncalendar = "calendar"\n'
    [text] = honest.configs
    assert judge(replace(honest, configs=(text, text + calendar))).holds
    assert judge(replace(honest, configs=(text + calendar,))).violated == {1}


def test_what_has_nothing_to_examine_is_violated() -> None:
    """A check that could not fail says nothing."""
    verdict = judge(Town().history())
    assert verdict.violated == set(range(1, 15))
    assert all(one.examined == 0 for one in verdict.findings)


# -- what is excused, and what is not ------------------------------------------------------------------------------


def parked(history: History, at_ms: int | None = None) -> History:
    """The history without its first note of a lead in the east, which is parked: by default just before it was settled."""
    lost = lose_a_note(history, first)
    body = history.contacts["east"]["contacts"][0]["notes"][0]["body"]
    note = find_marker(body, "note")
    about = [one.receipt for one in history.receipts if one.receipt.id == note]
    at_ms = about[-1].at_ms - 1 if at_ms is None else at_ms
    entity = about[0].entity.key
    record = Parked(stage="deliver", reason="refused", message="no", at_ms=at_ms, source="create note", entity=entity)
    return replace(lost, parked=[*history.parked, record])


def unsettled(history: History) -> History:
    """The same, and no receipt settles anything."""
    told = (one for one in history.receipts if one.receipt.outcome != "unchanged")
    lines = [replace(one, receipt=one.receipt.model_copy(update={"settled": ""})) for one in told]
    return replace(history, receipts=lines)


def test_what_is_parked_since_its_last_change_is_not_lost(honest: History) -> None:
    """It is visible, and waits for a person."""
    verdict = judge(unsettled(parked(honest)))
    assert verdict.holds, verdict.report()
    assert len(verdict.findings[0].excused) == 1


def test_what_was_parked_before_it_was_settled_is_lost(honest: History) -> None:
    """A parked record explains nothing once the entity was said to be as wanted."""
    assert judge(parked(honest)).violated == {1}


def test_what_was_parked_before_its_last_change_is_lost(honest: History) -> None:
    """Each change starts from the same history, whatever became of the one before."""
    assert judge(unsettled(parked(honest, at_ms=1))).violated == {1}


def test_what_was_deleted_in_ghl_may_be_created_again(honest: History) -> None:
    """By policy: a contact that a person deleted comes back, with what hangs on it."""
    twice = create_twice("create-contact")(honest, first)
    made = next(one for one in honest.ghl if one.operation == "create-contact")
    assert judge(twice).violated == {2}
    gone = Event(DELETED_BY_HAND, str(made.entity), (made.applied_at or 0.0) + 0.001)
    assert judge(replace(twice, nemesis=[*honest.nemesis, gone])).holds


@pytest.mark.parametrize(
    ("moves", "is_deleted", "is_elsewhere", "holds"),
    [(True, True, True, True), (False, True, True, False), (True, False, True, False), (True, True, False, False)],
)
def test_a_note_that_moved_with_a_merge_may_stand_twice_until_the_first_is_deleted(
    honest: History, moves: bool, is_deleted: bool, is_elsewhere: bool, holds: bool
) -> None:
    """On two contacts, of which the first was a lead's that was merged. At the end it stands once, by another rule."""
    note = next(one for one in honest.ghl if one.operation == "create-note" and one.created)
    made = next(one.receipt for one in honest.receipts if one.receipt.ghl_id == note.entity)
    parent = "another" if is_elsewhere else note.parent
    history = add(honest, moved(note, GAP_SECONDS, entity="twin", parent=parent))
    if is_deleted:
        gone = moved(note, 2 * GAP_SECONDS, operation="delete-note", created=False, body=None)
        history = add(history, gone)
    if moves:
        history = replace(history, edits=[*history.edits, Edit(note.applied_at or 0.0, made.entity, 0)])
    assert (2 not in judge(history).violated) is holds


@pytest.mark.parametrize(
    ("is_lost", "is_deleted", "is_elsewhere", "holds"),
    [(True, True, True, True), (False, True, True, False), (True, False, True, False), (True, True, False, False)],
)
def test_what_left_a_contact_of_two_leads_may_stand_twice_after_a_loss_until_the_first_is_deleted(
    honest: History, is_lost: bool, is_deleted: bool, is_elsewhere: bool, holds: bool
) -> None:
    """On two contacts, and only if memory was lost between the two creates."""
    note = next(one for one in honest.ghl if one.operation == "create-note" and one.created)
    history = add(honest, moved(note, GAP_SECONDS, entity="twin", parent="another" if is_elsewhere else note.parent))
    if is_deleted:
        history = add(history, moved(note, 2 * GAP_SECONDS, operation="delete-note", created=False, body=None))
    if is_lost:
        history = replace(
            history, nemesis=[*history.nemesis, Event(FORGOT, "", (note.applied_at or 0.0) + GAP_SECONDS / 2)]
        )
    assert (2 not in judge(history).violated) is holds


@pytest.mark.parametrize(
    ("spoil", "holds"),
    [({}, True), ({"is_lost": False}, False), ({"flagged": ("golf",)}, False), ({"later": ("golf", "chess")}, False)],
    ids=["kept", "memory was not lost", "one of two is not flagged", "a later receipt knows it"],
)
def test_a_tag_that_only_a_lost_memory_knew_is_excused_if_the_product_says_so(
    honest: History, spoil: dict[str, Any], holds: bool
) -> None:
    """Each tag by its own flag, until a receipt knows it as ours."""
    flagged, later = spoil.get("flagged", ("golf", "chess")), spoil.get("later", ())
    contacts = deepcopy(dict(honest.contacts))
    contacts["east"]["contacts"][0]["tags"] += ["golf", "chess"]
    last = [one for one in honest.receipts if one.receipt.kind == "contact" and one.receipt.connection == "east"][-1]
    flags = tuple(f"tags: {tag}: {KEPT}" for tag in flagged)
    again = last.receipt.model_copy(update={"is_recalled": True, "flags": flags, "outcome": "applied"})
    known = last.receipt.model_copy(update={"tags": later, "outcome": "applied"})
    lines = [
        replace(last, offset=9_000, receipt=again),
        *([replace(last, offset=9_001, receipt=known)] if later else []),
    ]
    lost = Event(FORGOT, "", last.receipt.at_ms / 1000 - 0.001)
    nemesis = [*honest.nemesis, *([lost] if spoil.get("is_lost", True) else [])]
    verdict = judge(replace(honest, contacts=contacts, receipts=[*honest.receipts, *lines], nemesis=nemesis))
    assert (1 not in verdict.violated) is holds, verdict.report()
    assert not holds or len(verdict.findings[0].excused) == 1


def test_what_hangs_on_a_contact_of_two_leads_goes_and_comes_with_its_own(honest: History) -> None:
    """Its own lead was deleted and came back, not the one that writes the contact. Of a lead that lived all along it is a fault."""
    again = make_again(honest, first)
    assert 11 in judge(again).violated
    made = next(one for one in again.ghl if one.entity == "twin")
    note = find_marker(made.body["body"], "note")
    connection, rows = next(
        (name, rows)
        for name, rows in again.leads.items()
        if any(str(one["noteId"]) == note for row in rows for one in row["notes"])
    )
    owner = next(row for row in rows if any(str(one["noteId"]) == note for one in row["notes"]))
    sharing = {**deepcopy(owner), "lead": {**owner["lead"], "leadId": 7}}
    without = {**owner, "notes": [one for one in owner["notes"] if str(one["noteId"]) != note]}
    leads = {**again.leads, connection: [*(without if row is owner else row for row in rows), sharing]}
    deleted = Edit(made.at - 1.0, Entity.contact(connection, "7"), 0)
    for edits, holds in (([*again.edits, deleted], True), (again.edits, False)):
        assert (11 not in judge(replace(again, leads=leads, edits=edits)).violated) is holds


def test_what_a_frozen_worker_sends_as_it_wakes_is_excused_and_counted(honest: History) -> None:
    """GHL offers no fencing against it. A moment later nothing is excused."""
    late = add(honest, replace(look_again(honest.ghl[10], 0.03), agent="lofty-ghl/0.1 w99"))
    at = honest.ghl[10].at + 0.03
    woke = replace(late, nemesis=[*honest.nemesis, Event(FROZEN, "w99", at - 5.0, at - 0.01)])
    assert judge(woke).holds
    assert len(judge(woke).findings[5].excused) == 1
    second = [replace(one, agent=one.agent.replace("w99", "w99-2")) for one in woke.ghl]
    assert judge(replace(woke, ghl=second)).holds  # the process had taken over an edited mapping
    long_ago = replace(late, nemesis=[*honest.nemesis, Event(FROZEN, "w99", at - 5.0, at - 1.0)])
    assert judge(long_ago).violated == {6}


def test_a_write_that_a_frozen_worker_sends_as_it_wakes_has_no_receipt(honest: History) -> None:
    """Kafka no longer accepts its receipt, and the next owner has written its last. Without the freeze it is a violation."""
    last = max((one for one in honest.ghl if one.operation == "update-contact"), key=lambda one: one.applied_at or 0.0)
    at = honest.receipts[-1].receipt.at_ms / 1000 + 5.0
    times = {"at": at, "applied_at": at + 0.01, "ended": at + 0.02, "seq": 10_000}
    late = add(honest, replace(last, agent="lofty-ghl/0.1 w99", **times))
    assert 7 in judge(late).violated
    woke = replace(late, nemesis=[*honest.nemesis, Event(FROZEN, "w99", at - 5.0, at - 0.01)])
    assert 7 not in judge(woke).violated
    assert len(judge(woke).findings[6].excused) == 1


def test_a_request_of_a_killed_worker_may_still_be_under_way_when_another_comes(honest: History) -> None:
    """The vendor goes on with it. Two requests of one living worker, or of two, are never excused."""
    pair = overlap(honest, first)
    going = next(one for one in pair.ghl if one.ended != next(o.ended for o in honest.ghl if o.seq == one.seq))
    later = next(one for one in pair.ghl if one.at > going.at and one.at < (going.ended or 0.0) and one.parent)
    killed = Event(KILLED, worker_of(going), going.at + 0.001)
    assert judge(replace(pair, nemesis=[killed])).violated == {4}
    other = replace(pair, ghl=[replace(one, agent="a w99") if one is later else one for one in pair.ghl])
    assert 4 in judge(other).violated
    assert 4 not in judge(replace(other, nemesis=[killed])).violated


# -- what is judged only where it is known --------------------------------------------------------------------------


def test_two_accounts_that_share_a_budget_share_its_limit(honest: History) -> None:
    """Each account may be far below the vendor's limit, and both together above that of their app."""
    assert judge(replace(honest, limits={**honest.limits, "shared": (len(honest.lofty), 600.0)})).holds
    assert judge(replace(honest, limits={**honest.limits, "shared": (len(honest.lofty) - 1, 600.0)})).violated == {5}


def test_a_budget_whose_limit_nobody_knows_is_a_violation(honest: History) -> None:
    """Else a name that is misspelt would switch the check off."""
    assert judge(replace(honest, limits={"loc0": (100, 2.0), "loc1": (100, 2.0)})).violated == {5}


def test_two_workers_that_take_turns_are_told_without_fences(honest: History) -> None:
    """No two rebalances lie between a request and the one after the next."""
    look = look_again(honest.ghl[10], 0.03)
    turns = add(honest, replace(look, agent="a w99"), replace(look_again(honest.ghl[10], 0.031)))
    assert judge(replace(honest, fences=())).holds
    assert judge(replace(turns, fences=())).violated == {6}


def test_a_worker_that_asks_before_the_other_is_done_is_told(honest: History) -> None:
    """Requests that a killed worker had in flight are excused: nobody waits for them."""
    owners = [(one, other) for one in honest.ghl for other in honest.ghl if one.budget == other.budget]
    last, heirs = next(
        (one, other)
        for one, other in reversed(owners)
        if {worker_of(one), worker_of(other)} == {"w0", "w2"} and one.at < other.at
    )
    slow = [replace(one, ended=heirs.at + 0.001) if one is last else one for one in honest.ghl]
    assert 6 in judge(replace(honest, ghl=slow, fences=(), nemesis=())).violated
    assert judge(replace(honest, ghl=slow, fences=())).holds


def test_a_worker_that_asks_before_its_fence_is_told(honest: History) -> None:
    """It is the owner only once its fence stands."""
    heir = next(one for one in honest.fences if one.fence.worker == "w2")
    fences = [
        replace(one, fence=one.fence.model_copy(update={"at_ms": one.fence.at_ms + 60_000}))
        if one.fence.worker == "w2"
        else one
        for one in honest.fences
    ]
    assert heir.fence.at_ms > honest.fences[0].fence.at_ms
    assert judge(replace(honest, fences=fences)).violated == {6}


def test_a_saved_history_is_judged_alike(honest: History, tmp_path: Path) -> None:
    """A failed judgement can be repeated from its file."""
    planted = replace(parked(honest, 1), nemesis=[*honest.nemesis, Event(FROZEN, "w1", 1.0, None)])
    save(planted, tmp_path / "history.json")
    assert load(tmp_path / "history.json") == planted
    assert judge(load(tmp_path / "history.json")).report() == judge(planted).report()


def test_a_report_says_where_and_by_which_requests(honest: History) -> None:
    """Whoever reads it finds the requests in the ledger."""
    verdict = judge(create_twice("create-note")(honest, first))
    [violation] = verdict.violations
    assert violation.where.startswith("east:*:note:")
    assert [line.split()[1] for line in violation.evidence] == ["create-note", "create-note"]
    assert str(violation) in verdict.report()
    assert "P2 nothing is created twice: VIOLATED 1 times" in verdict.report()
