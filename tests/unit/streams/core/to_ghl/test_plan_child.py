"""Notes and tasks, planned against GHL as a dict: they wait for their contact, and none is ever made twice."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.fingerprint import field_hash
from streams.core.rows import Intent, LinkRow
from streams.core.to_ghl.desired import resolve_note
from streams.core.to_ghl.plan import Blocked, Call, DesiredChild, Plan, Settled
from streams.core.to_ghl.plan_child import plan_child, plan_gone_child, plan_left_child
from streams.mapping import map_note
from streams.messages import Entity
from tests.unit.streams.core.to_ghl.ghl_model import Contact, Fate, Follower, Ghl

Kind = Literal["note", "task"]
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["note", "task"])
MARKER = "[lofty-it:5]"
STATES = st.lists(
    st.fixed_dictionaries(
        {
            "body": st.sampled_from([f"one\n\n{MARKER}", f"two\n\n{MARKER}"]),
            "assignedTo": st.sampled_from([None, "u1", "u2"]),
            "completed": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)
FATES: st.SearchStrategy[Fate] = st.sampled_from(["answered", "applied, then lost", "lost on the way"])


class Planner:
    """The plan of a note or task; `fields` None means that it is deleted in Lofty, `is_left` that it is no longer synced."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.fields: dict[str, Any] | None = None
        self.contact: LinkRow | None = LinkRow(ghl_id="g")
        self.is_left = False

    def __call__(self, link: LinkRow | None, now_ms: int) -> Plan:
        if self.is_left:
            return plan_left_child(self.kind, link, self.contact, MARKER)
        if self.fields is None:
            return plan_gone_child(self.kind, link, self.contact, MARKER)
        return plan_child(self.kind, DesiredChild(self.fields, MARKER), link, self.contact)


def follower(kind: Kind) -> Follower:
    """A note or task of a contact that GHL has."""
    ghl = Ghl()
    ghl.contacts["g"] = Contact()
    return Follower(ghl, Entity("c", "77", kind, "5"))


def held(one: Follower, contact: str = "g") -> list[dict[str, Any]]:
    """What GHL holds of this kind under a contact."""
    children: dict[str, dict[str, Any]] = getattr(one.ghl.contacts[contact], one.entity.kind)
    return list(children.values())


def same(child: dict[str, Any], fields: dict[str, Any]) -> bool:
    """GHL's child is as wanted: empty and absent are the same."""
    return all(child.get(name) == value for name, value in fields.items())


@given(kind=KINDS, states=STATES)
def test_each_state_is_reached_in_one_request(kind: Kind, states: list[dict[str, Any]]) -> None:
    """One create, then one update for each change, then nothing."""
    one, plan = follower(kind), Planner(kind)
    for fields in states:
        plan.fields = fields
        before = len(one.ghl.sent)
        one.settle(plan)
        assert len(one.ghl.sent) - before <= 1
        assert isinstance(one.step(plan), Settled)
    (child,) = held(one)
    assert same(child, states[-1])


def test_a_user_whom_ghl_dropped_is_not_sent_again_until_another_one_is_wanted() -> None:
    """Neither in a create under another contact nor in an update of something else."""
    desired = DesiredChild({"body": MARKER, "assignedTo": "u1"}, MARKER)
    dropped = LinkRow(ghl_id="t", refers_to="g", fields={"body": "old"}, refused={"assignedTo": field_hash("u1")})
    plan = plan_child("task", desired, dropped, LinkRow(ghl_id="g"))
    assert isinstance(plan, Call)
    assert (plan.step, plan.body) == ("update task", {"body": MARKER})
    plan = plan_child("task", desired, dropped.model_copy(update={"ghl_id": None}), LinkRow(ghl_id="g"))
    assert isinstance(plan, Call)
    assert (plan.step, plan.body) == ("create task", {"body": MARKER})
    plan = plan_child("task", DesiredChild({"assignedTo": "u2"}, MARKER), dropped, LinkRow(ghl_id="g"))
    assert isinstance(plan, Call)
    assert plan.body == {"assignedTo": "u2"}


@given(kind=KINDS, states=STATES, fates=st.lists(st.lists(FATES, max_size=4), min_size=4, max_size=4))
def test_no_fate_of_a_create_makes_a_second_one(
    kind: Kind, states: list[dict[str, Any]], fates: list[list[Fate]]
) -> None:
    """A create in doubt is looked for by its marker, also when the state changes meanwhile."""
    one, plan = follower(kind), Planner(kind)
    for fields, lost in zip(states, fates, strict=False):
        plan.fields = fields
        for fate in lost:
            is_create = one.link is None or one.link.ghl_id is None
            one.step(plan, fate if is_create else "answered")
    one.settle(plan)
    (child,) = held(one)
    assert same(child, states[-1])


@given(kind=KINDS, states=STATES, fate=FATES)
def test_what_is_deleted_in_lofty_is_not_left_behind(kind: Kind, states: list[dict[str, Any]], fate: Fate) -> None:
    """Also when its create is in doubt; deleting twice is no request."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = states[0]
    one.step(plan, fate)
    plan.fields = None
    one.settle(plan)
    before = len(one.ghl.sent)
    one.settle(plan)
    assert held(one) == []
    assert len(one.ghl.sent) == before


@given(kind=KINDS, states=STATES, fate=FATES)
def test_what_is_not_carried_for_a_while_is_not_made_twice(
    kind: Kind, states: list[dict[str, Any]], fate: Fate
) -> None:
    """A note whose text is emptied while its create is in doubt, and then written again."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = states[0]
    one.step(plan, fate)
    plan.is_left = True
    one.settle(plan)
    stood = len(held(one))
    plan.is_left, plan.fields = False, states[-1]
    one.settle(plan)
    (child,) = held(one)
    assert stood == (fate != "lost on the way")
    assert same(child, states[-1])


@given(kind=KINDS, states=STATES)
def test_what_was_deleted_and_comes_back_is_made_once(kind: Kind, states: list[dict[str, Any]]) -> None:
    """Restored in Lofty: a new note or task."""
    one, plan = follower(kind), Planner(kind)
    for fields in (states[0], None, states[-1]):
        plan.fields = fields
        one.settle(plan)
    (child,) = held(one)
    assert same(child, states[-1])


@pytest.mark.parametrize("kind", ["note", "task"])
def test_it_waits_for_its_contact(kind: Kind) -> None:
    """Without the contact's GHL id no request is planned."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = {"body": MARKER}
    waits = []
    for contact in (None, LinkRow(), LinkRow(intent=Intent(at_ms=1, step="create contact"))):
        plan.contact = contact
        waits.append(one.settle(plan))
    assert all(isinstance(plan, Blocked) for plan in waits)
    assert one.ghl.sent == []


@pytest.mark.parametrize("contact", [LinkRow(ghl_id="g", is_deleted=True), LinkRow(settled="gone/m")])
def test_it_does_not_wait_for_a_contact_that_will_not_come(contact: LinkRow) -> None:
    """The contact was deleted by policy, or was never written and is settled."""
    plan = plan_child("note", DesiredChild({"body": MARKER}, MARKER), None, contact)
    assert plan == Settled("its contact is gone")


@given(kind=KINDS, fate=FATES)
def test_nothing_is_created_for_a_lead_that_is_gone(kind: Kind, fate: Fate) -> None:
    """What waited may hang on another lead by now. A create that was under way is found all the same, and not forgotten."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = {"body": MARKER}
    gone = LinkRow(ghl_id="g", is_gone=True, settled="gone/m")
    plan.contact = gone
    assert one.settle(plan) == Settled("its lead is deleted in Lofty, or was merged into another")
    assert one.ghl.sent == []
    plan.contact = LinkRow(ghl_id="g")
    one.step(plan, fate)
    plan.contact = gone
    one.settle(plan)
    made = held(one)
    assert len(made) == (fate != "lost on the way")
    assert (one.link.ghl_id is not None) == bool(made)


@given(kind=KINDS, states=STATES, fate=st.sampled_from(["applied, then lost", "lost on the way"]))
def test_what_comes_back_while_its_deletion_is_in_doubt_stands_there(
    kind: Kind, states: list[dict[str, Any]], fate: Fate
) -> None:
    """Its link says that GHL holds it as it is wanted again, but nobody knows whether that is so."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = states[0]
    one.settle(plan)
    plan.fields = None
    one.step(plan, fate)
    plan.fields = states[0]
    one.settle(plan)
    (child,) = held(one)
    assert same(child, states[0])


@given(kind=KINDS, states=STATES)
def test_it_moves_to_a_recreated_contact(kind: Kind, states: list[dict[str, Any]]) -> None:
    """The old contact took it along; under the new one it is made again, once."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = states[0]
    one.settle(plan)
    del one.ghl.contacts["g"]
    one.ghl.contacts["h"] = Contact()
    plan.contact = LinkRow(ghl_id="h")
    one.settle(plan)
    (child,) = held(one, "h")
    assert same(child, states[0])


@given(kind=KINDS, states=STATES, is_gone=st.booleans())
def test_what_moved_with_its_contact_when_that_was_merged_is_found_there(
    kind: Kind, states: list[dict[str, Any]], is_gone: bool
) -> None:
    """GHL's merge of two contacts takes notes and tasks along: made again they would stand twice, deleted they would stay."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = states[0]
    one.settle(plan)
    one.ghl.contacts["master"] = one.ghl.contacts.pop("g")
    plan.contact = LinkRow(ghl_id="master")
    plan.fields = None if is_gone else states[-1]
    one.settle(plan)
    found = held(one, "master")
    assert len(found) == (0 if is_gone else 1)
    assert is_gone or same(found[0], states[-1])


@pytest.mark.parametrize("kind", ["note", "task"])
def test_one_deleted_by_hand_is_made_again_once(kind: Kind) -> None:
    """GHL says that it is not there: its link is forgotten."""
    one, plan = follower(kind), Planner(kind)
    plan.fields = {"body": f"one {MARKER}"}
    one.settle(plan)
    getattr(one.ghl.contacts["g"], kind).clear()
    plan.fields = {"body": f"two {MARKER}"}
    one.settle(plan)
    assert held(one) == [plan.fields]


@given(kind=KINDS, states=STATES)
def test_others_notes_and_tasks_are_never_touched(kind: Kind, states: list[dict[str, Any]]) -> None:
    """What people and other programs wrote into GHL stays as it is."""
    one, plan = follower(kind), Planner(kind)
    getattr(one.ghl.contacts["g"], kind)["theirs"] = {"body": "call back"}
    for fields in (*states, None):
        plan.fields = fields
        one.settle(plan)
    assert held(one) == [{"body": "call back"}]


def test_a_task_that_is_only_completed_uses_its_own_operation() -> None:
    """`PUT …/tasks/:id/completed` touches nothing else."""
    fields = {"title": "Call", "completed": True}
    link = LinkRow(ghl_id="t", refers_to="g", fields={"title": field_hash("Call"), "completed": field_hash(False)})
    plan = plan_child("task", DesiredChild(fields, MARKER), link, LinkRow(ghl_id="g"))
    assert isinstance(plan, Call)
    assert (plan.step, plan.contact_id, plan.ghl_id, plan.body) == ("complete task", "g", "t", {"completed": True})


NOTE_IN_LOFTY = {"noteId": 7, "creatorName": "Ann", "content": "likes gardens"}


@pytest.mark.parametrize(
    ("content", "is_written"),
    [("likes gardens\nand cats 😀", False), ("budget <500k", True), ("R&D", True), ("a > b", True)],
)
def test_a_note_that_an_earlier_release_wrote_as_text_is_written_again_only_if_ghl_shows_it_wrongly(
    content: str, is_written: bool
) -> None:
    state = {**NOTE_IN_LOFTY, "content": content}
    link = LinkRow(ghl_id="n-1", refers_to="c-1", fields={"body": field_hash(map_note(state).body)})
    plan = plan_child("note", resolve_note(state), link, LinkRow(ghl_id="c-1", settled="x"))
    assert isinstance(plan, Call) == is_written
    if isinstance(plan, Call):
        assert not re.search("[<>]", plan.body["body"].replace("<br>", ""))
        assert plan.fields == {"body": field_hash(plan.body["body"])}


def test_a_note_that_was_never_written_is_not_taken_for_an_earlier_form() -> None:
    link = LinkRow(ghl_id="n-1", refers_to="c-1")
    assert isinstance(plan_child("note", resolve_note(NOTE_IN_LOFTY), link, LinkRow(ghl_id="c-1")), Call)


LEFT = LinkRow(parted_from="c-old", settled="gone/m")
HUNG = LinkRow(ghl_id="n-1", refers_to="c-old")


@pytest.mark.parametrize(
    ("contact", "link", "goes"),
    [
        (LEFT, HUNG, True),
        (LEFT.model_copy(update={"ghl_id": "c-new"}), HUNG, True),
        (LEFT.model_copy(update={"settled": ""}), HUNG, False),
        (LEFT, HUNG.model_copy(update={"is_deleted": True}), False),
        (LEFT, HUNG.model_copy(update={"refers_to": "c-else"}), False),
        (LEFT.model_copy(update={"ghl_id": "c-old"}), HUNG, False),
        (LinkRow(settled="gone/m"), HUNG.model_copy(update={"refers_to": None}), False),
    ],
)
def test_what_hangs_on_a_contact_that_became_another_persons_goes_from_there(
    contact: LinkRow, link: LinkRow, goes: bool
) -> None:
    """Also if the lead has no contact: it is deleted in Lofty. Not before that is known, and nothing twice."""
    desired = DesiredChild({"body": MARKER}, MARKER)
    plans = [plan_child("note", desired, link, contact), plan_left_child("note", link, contact, MARKER)]
    deletion = Call("delete note", "c-old", "n-1", is_delete=True)
    assert [plan == deletion for plan in plans] == [goes, goes]
    if goes:  # as well, if it is deleted in Lofty after its lead has left
        assert plan_gone_child("note", link, contact, MARKER) == deletion


IN_DOUBT = LinkRow(intent=Intent(at_ms=1, step="create note", fields={"body": "h"}, refers_to="c-old"))


@pytest.mark.parametrize(
    ("contact", "link", "looks_at"),
    [
        (LEFT, IN_DOUBT, "c-old"),
        (LEFT.model_copy(update={"ghl_id": "c-new"}), IN_DOUBT, "c-old"),
        (LEFT.model_copy(update={"ghl_id": "c-old"}), IN_DOUBT, "c-old"),
        (LinkRow(ghl_id="c-new", settled="f/m"), IN_DOUBT, "c-new"),  # GHL has merged the two
        (LEFT.model_copy(update={"ghl_id": "c-new"}), LinkRow(intent=Intent(at_ms=1, step="create note")), "c-new"),
        (LEFT.model_copy(update={"settled": ""}), IN_DOUBT, None),
    ],
)
def test_a_create_in_doubt_is_looked_for_where_it_was_sent(
    contact: LinkRow, link: LinkRow, looks_at: str | None
) -> None:
    """Also once the lead has left that contact, is deleted, or the note is. It waits until it is known where its lead is."""
    desired = DesiredChild({"body": MARKER}, MARKER)
    plans = [
        plan_child("note", desired, link, contact),
        plan_left_child("note", link, contact, MARKER),
        plan_gone_child("note", link, contact, MARKER),
    ]
    if looks_at is None:
        assert all(isinstance(plan, Blocked) for plan in plans)
        return
    steps = {(plan.step, plan.contact_id) for plan in plans if isinstance(plan, Call)}
    assert (len(plans), steps) == (3, {("find note", looks_at)})


@given(kind=KINDS, is_gone=st.booleans(), is_lead_gone=st.booleans(), fate=FATES)
def test_a_create_in_doubt_whose_lead_leaves_its_contact_leaves_nothing_there(
    kind: Kind, is_gone: bool, is_lead_gone: bool, fate: Fate
) -> None:
    """Whether it was made or not: it is where its lead is, once, or nowhere."""
    one, planner = follower(kind), Planner(kind)
    one.ghl.contacts["new"] = Contact()
    planner.fields = {"body": f"one {MARKER}"}
    one.step(planner, fate)
    new = LinkRow(parted_from="g", settled="f/m", is_gone=is_lead_gone, ghl_id=None if is_lead_gone else "new")
    planner.contact = new
    if is_gone:
        planner.fields = None
    one.settle(planner)
    assert held(one) == []
    assert len(held(one, "new")) == (0 if is_gone or is_lead_gone else 1)
