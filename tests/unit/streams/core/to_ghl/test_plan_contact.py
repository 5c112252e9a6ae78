"""Contacts, planned against GHL as a dict: any states, any starting link, any fate of each request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.core.fingerprint import field_hash
from streams.core.rows import Candidate, Intent, LinkRow
from streams.core.to_ghl.plan import CUSTOM, Call, DesiredContact, NotBefore, Plan, Settled, Stuck
from streams.core.to_ghl.plan_contact import plan_contact, plan_gone_contact
from streams.core.to_ghl.refused_values import may_stand, refusal_flags
from streams.messages import Entity
from tests.unit.streams.core.to_ghl.ghl_model import EXTERNAL, LAG_MS, Contact, Fate, Follower, Ghl

LEAD = "77"
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "email": st.sampled_from([None, "a@x.test", "b@x.test"]),
    "phone": st.sampled_from([None, "+15550001", "+15550002"]),
    "lastName": st.sampled_from([None, "Ode", "Poe"]),
    "postalCode": st.sampled_from([None, "10001"]),
    "source": st.sampled_from([None, "web"]),
    CUSTOM + "c1": st.sampled_from([None, "hot", "cold"]),
}
FIELDS = st.fixed_dictionaries(VALUES)
TAGS = st.sets(st.sampled_from(["lofty-a", "lofty-b", "lofty-c"])).map(lambda tags: tuple(sorted(tags)))
STATES = st.lists(st.tuples(FIELDS, TAGS), min_size=1, max_size=4)
FATES: st.SearchStrategy[Fate] = st.sampled_from(["answered", "answered", "applied, then lost", "lost on the way"])


def desire(fields: dict[str, Any], tags: tuple[str, ...] = ()) -> DesiredContact:
    """A contact with its Lofty id in a custom field."""
    return DesiredContact({**fields, CUSTOM + EXTERNAL: LEAD}, tags, LEAD, EXTERNAL)


class Planner:
    """The plan of a contact whose desired state may change between two requests."""

    def __init__(self) -> None:
        self.desired: DesiredContact | None = None
        self.policy: Literal["tag", "delete", "ignore"] = "tag"
        self.candidate: Candidate | None = None

    def __call__(self, link: LinkRow | None, now_ms: int) -> Plan:
        if self.desired is not None:
            return plan_contact(self.desired, link, now_ms, search_lag_ms=LAG_MS, candidate=self.candidate)
        return plan_gone_contact(
            link,
            policy=self.policy,
            deleted_tag="lofty-deleted",
            lofty_id=LEAD,
            external_id_field=EXTERNAL,
            now_ms=now_ms,
            search_lag_ms=LAG_MS,
        )


def follower() -> Follower:
    """A contact that GHL does not have."""
    return Follower(Ghl(), Entity.contact("c", LEAD))


def _is_create(plan: Plan) -> bool:
    return not isinstance(plan, Call) or plan.is_create


def assert_stands(one: Follower, desired: DesiredContact | None) -> None:
    """There is one contact, and it is as wanted. A lead that never had anything that GHL takes a contact by has none."""
    assert desired is not None
    if not one.ghl.contacts:
        assert not any(desired.fields.get(name) for name in ("email", "phone", "lastName"))
        return
    (contact,) = one.ghl.contacts.values()
    assert_as_desired(contact, desired)


def assert_as_desired(contact: Contact, desired: DesiredContact) -> None:
    """All owned fields and tags are as wanted."""
    assert {name: contact.fields.get(name) for name in desired.fields} == dict(desired.fields)
    assert {tag for tag in contact.tags if tag.startswith("lofty-")} == set(desired.tags)


@given(states=STATES)
def test_each_state_is_reached_in_few_requests_and_then_nothing_more_is_planned(states: list[Any]) -> None:
    """At most create, update, add and remove tags; then settled for good."""
    one, plan = follower(), Planner()
    for fields, tags in states:
        plan.desired = desire(fields, tags)
        before = len(one.ghl.sent)
        one.settle(plan)
        assert len(one.ghl.sent) - before <= 4
        assert isinstance(one.step(plan), Settled if one.ghl.contacts else Stuck)
    assert_stands(one, plan.desired)


@settings(max_examples=300)
@given(states=STATES, fates=st.lists(st.lists(FATES, max_size=5), min_size=4, max_size=4))
def test_no_fate_of_any_request_makes_a_second_contact_or_a_wrong_field(
    states: list[Any], fates: list[list[Fate]]
) -> None:
    """Lost answers, lost requests, and a lead that changes while its create is in doubt."""
    one, plan = follower(), Planner()
    for (fields, tags), lost in zip(states, fates, strict=False):
        plan.desired = desire(fields, tags)
        for fate in lost:
            if _is_create(one.step(plan, fate)):
                continue
            one.step(plan)  # an update is tried again before the lead changes; for the rest see the next test
    one.settle(plan)
    assert_stands(one, plan.desired)


@pytest.mark.parametrize("tags", [False, True])
def test_an_update_in_doubt_is_undone_when_the_lead_changes_back(tags: bool) -> None:
    """Timeout of an update that was applied, and the agent takes the change back before the next try."""
    one, plan = follower(), Planner()
    before, after = desire({"lastName": "Ode"}), desire({"lastName": "Ode" if tags else "Poe"}, ("lofty-a",) * tags)
    plan.desired = before
    one.settle(plan)
    plan.desired = after
    one.step(plan, "applied, then lost")
    plan.desired = before
    one.settle(plan)
    (contact,) = one.ghl.contacts.values()
    assert_as_desired(contact, before)


@given(
    states=STATES,
    theirs=st.fixed_dictionaries({"website": st.just("ads"), CUSTOM + "x": st.just("theirs")}),
    owned=st.booleans(),
)
def test_what_is_not_ours_is_never_touched(states: list[Any], theirs: dict[str, Any], owned: bool) -> None:
    """Neither fields that the mapping does not own, nor tags of others, nor tags by replacing all."""
    one, plan = follower(), Planner()
    one.ghl.contacts["old"] = Contact({**theirs, "email": "a@x.test"}, {"vip"})
    for fields, tags in states:
        plan.desired = desire({**fields, "email": "a@x.test"}, tags)
        one.settle(plan)
        if owned:
            one.ghl.contacts["old"].tags.add("by-hand")
    (contact,) = one.ghl.contacts.values()
    assert {name: contact.fields[name] for name in theirs} == theirs
    assert contact.tags - set(plan.desired.tags if plan.desired else ()) == ({"vip", "by-hand"} if owned else {"vip"})


@given(
    fields=FIELDS,
    tags=TAGS,
    link_fields=st.dictionaries(st.sampled_from([*VALUES, "once-ours"]), st.sampled_from(["", "0" * 12])),
    link_tags=TAGS,
    is_deleted=st.booleans(),
)
def test_any_link_converges(
    fields: dict[str, Any],
    tags: tuple[str, ...],
    link_fields: dict[str, str],
    link_tags: tuple[str, ...],
    is_deleted: bool,
) -> None:
    """Whatever an old link says was written, the contact is as the mapping wants it at the end, and fields that were once ours stay."""
    one, plan = follower(), Planner()
    one.ghl.contacts["old"] = Contact({**dict.fromkeys(VALUES), "once-ours": "kept"}, set(link_tags))
    one.link = LinkRow(ghl_id="old", fields=link_fields, tags=link_tags, is_deleted=is_deleted)
    if is_deleted:
        one.ghl.contacts.clear()
    plan.desired = desire(fields, tags)
    one.settle(plan)
    assert_stands(one, plan.desired)
    assert all(contact.fields.get("once-ours", "kept") == "kept" for contact in one.ghl.contacts.values())


@given(fields=FIELDS, tags=TAGS)
def test_a_contact_deleted_by_hand_is_recreated_once(fields: dict[str, Any], tags: tuple[str, ...]) -> None:
    """Its link is forgotten, and everything is written again; nothing loops."""
    one, plan = follower(), Planner()
    plan.desired = desire({**fields, "lastName": "Ode"}, tags)
    one.settle(plan)
    one.ghl.contacts.clear()
    plan.desired = desire({**fields, "lastName": "Poe"}, tags)
    one.settle(plan)
    (contact,) = one.ghl.contacts.values()
    assert_as_desired(contact, plan.desired)


@pytest.mark.parametrize(
    ("policy", "left"), [("tag", {"lofty-deleted", "vip", "lofty-a"}), ("delete", None), ("ignore", {"vip", "lofty-a"})]
)
def test_a_lead_deleted_in_lofty_is_treated_by_policy(
    policy: Literal["tag", "delete", "ignore"], left: set[str] | None
) -> None:
    """Tagged beside its other tags, deleted, or left alone; and settled after that."""
    one, plan = follower(), Planner()
    plan.desired, plan.policy = desire({"email": "a@x.test"}, ("lofty-a",)), policy
    one.settle(plan)
    next(iter(one.ghl.contacts.values())).tags.add("vip")
    plan.desired = None
    one.settle(plan)
    again = one.step(plan)
    assert isinstance(again, Settled)
    assert [contact.tags for contact in one.ghl.contacts.values()] == ([] if left is None else [left])


@given(fields=FIELDS, policy=st.sampled_from(["tag", "delete", "ignore"]))
def test_a_lead_that_comes_back_is_whole_again(
    fields: dict[str, Any], policy: Literal["tag", "delete", "ignore"]
) -> None:
    """Restored from Lofty's trash: the mark of deletion goes, a deleted contact is created again."""
    one, plan = follower(), Planner()
    for desired in (desire(fields, ("lofty-a",)), None, desire(fields, ("lofty-a",))):
        plan.desired, plan.policy = desired, policy
        one.settle(plan)
    assert_stands(one, desire(fields, ("lofty-a",)))


@pytest.mark.parametrize("fate", ["applied, then lost", "lost on the way"])
def test_a_lead_that_comes_back_while_the_deletion_of_its_contact_is_in_doubt_has_one(fate: Fate) -> None:
    """The link says that all stands as it is wanted again; the deletion may have been carried out."""
    one, plan = follower(), Planner()
    alive, plan.policy = desire({"email": "a@x.test"}, ("lofty-a",)), "delete"
    plan.desired = alive
    one.settle(plan)
    plan.desired = None
    one.step(plan, fate)
    plan.desired = alive
    one.settle(plan)
    (contact,) = one.ghl.contacts.values()
    assert_as_desired(contact, alive)


@pytest.mark.parametrize("fate", ["applied, then lost", "lost on the way"])
@given(policy=st.sampled_from(["tag", "ignore"]))
def test_a_lead_that_comes_back_after_a_create_in_doubt_is_one_contact(
    fate: Fate, policy: Literal["tag", "ignore"]
) -> None:
    """Deleted in Lofty before the answer to its create was known, whatever is done with contacts of deleted leads."""
    one, plan = follower(), Planner()
    plan.desired, plan.policy = desire({"lastName": "Ode"}), policy
    one.step(plan, fate)
    plan.desired = None
    one.settle(plan)
    plan.desired = desire({"lastName": "Ode"})
    one.settle(plan)
    assert len(one.ghl.contacts) == 1


@pytest.mark.parametrize("fate", ["applied, then lost", "lost on the way"])
def test_a_lead_deleted_while_its_create_is_in_doubt_is_not_left_behind(fate: Fate) -> None:
    """The contact is looked for before it is called never written."""
    one, plan = follower(), Planner()
    plan.desired, plan.policy = desire({"email": "a@x.test"}), "delete"
    one.step(plan, fate)
    plan.desired = None
    one.settle(plan)
    assert one.ghl.contacts == {}


def test_absence_counts_only_after_the_search_had_time() -> None:
    """A contact without e-mail and phone is not created again before GHL's search could show it."""
    one, plan = follower(), Planner()
    plan.desired = desire({"lastName": "Ode"})
    one.step(plan)  # a look for what our memory may have lost
    one.step(plan, "applied, then lost")
    at_ms = one.link.intent.at_ms if one.link and one.link.intent else 0
    assert plan(one.link, at_ms + LAG_MS - 1) == NotBefore(at_ms + LAG_MS)
    found = plan(one.link, at_ms + LAG_MS)
    assert isinstance(found, Call)
    assert (found.step, found.marker, found.body) == ("find contact", LEAD, {"customField": EXTERNAL})


@pytest.mark.parametrize("field_id", [None, "another"])
def test_a_create_in_doubt_that_cannot_be_looked_for_is_not_called_never_made(field_id: str | None) -> None:
    """Its custom field cannot be read, or was created again since: a search by another field would find nothing, and make a duplicate."""
    one, plan = follower(), Planner()
    plan.desired = desire({"lastName": "Ode"})
    one.step(plan)  # a look for what our memory may have lost
    one.step(plan, "applied, then lost")
    late = one.now_ms + 2 * LAG_MS
    custom = {} if field_id is None else {CUSTOM + field_id: LEAD}
    alive = plan_contact(
        DesiredContact({"lastName": "Ode", **custom}, (), LEAD, field_id), one.link, late, search_lag_ms=LAG_MS
    )
    gone = plan_gone_contact(
        one.link, policy="tag", deleted_tag="x", lofty_id=LEAD, external_id_field=field_id, now_ms=late
    )
    assert isinstance(alive, Stuck)
    assert isinstance(gone, Stuck)
    assert "parked retry" in alive.because


def test_a_create_in_doubt_is_looked_for_by_what_it_was_sent_with() -> None:
    """A custom field that the location got later is not on it."""
    intent = Intent(
        at_ms=1, step="create contact", fields={"email": field_hash("a@x.test")}, identifiers={"email": "a@x.test"}
    )
    found = plan_contact(desire({"email": "b@x.test"}), LinkRow(intent=intent), 2 * LAG_MS, search_lag_ms=LAG_MS)
    assert isinstance(found, Call)
    assert (found.step, found.body) == ("find contact", {"email": "a@x.test"})


@pytest.mark.parametrize(
    ("status", "field_id", "expected"),
    [(422, EXTERNAL, True), (422, None, False), (422, "later", False), (400, EXTERNAL, False)],
)
def test_a_refused_create_may_have_been_done_where_it_can_be_looked_for(
    status: int, field_id: str | None, expected: bool
) -> None:
    """Where it cannot, the refusal is believed: it would wait for ever."""
    create = plan_contact(desire({"email": "a@x.test"}), None, 0, search_lag_ms=LAG_MS)
    assert isinstance(create, Call)
    assert may_stand(create, status, field_id) is expected


def test_a_field_that_was_never_written_and_is_empty_is_not_sent() -> None:
    """A contact that GHL had before keeps what Lofty never knew; an update carries only what changed."""
    link = LinkRow(ghl_id="g", fields={"city": field_hash("Rome"), "postalCode": field_hash("1")})
    desired = DesiredContact({"city": "Rome", "lastName": None, "postalCode": None, CUSTOM + "c": None}, (), LEAD)
    plan = plan_contact(desired, link, 0, search_lag_ms=0)
    assert isinstance(plan, Call)
    assert plan.body == {"postalCode": ""}


def test_custom_fields_travel_by_id() -> None:
    """GHL ignores in silence what is addressed by key; an empty text clears."""
    link = LinkRow(ghl_id="g", fields={CUSTOM + "c1": "old", CUSTOM + "c2": "old"})
    plan = plan_contact(DesiredContact({CUSTOM + "c1": 5, CUSTOM + "c2": None}, (), LEAD), link, 0, search_lag_ms=0)
    assert isinstance(plan, Call)
    assert plan.body == {"customFields": [{"id": "c1", "field_value": 5}, {"id": "c2", "field_value": ""}]}


def test_a_field_that_became_empty_while_the_create_was_in_doubt_is_cleared() -> None:
    """The lost create may have written it, so it is cleared once the contact is known."""
    one, plan = follower(), Planner()
    plan.desired = desire({"email": "a@x.test", "lastName": "Ode"})
    one.step(plan, "applied, then lost")
    plan.desired = desire({"email": "a@x.test", "lastName": None})
    one.settle(plan)
    (contact,) = one.ghl.contacts.values()
    assert_as_desired(contact, plan.desired)


REFUSED = frozenset({"+15550001", "b@x.test"})
BY_PHONE = {**dict.fromkeys(VALUES), "phone": "+15550001", "lastName": "Ode"}
"""The lead that is hardest to find again: the phone by which GHL would match it is not on the contact that GHL made."""


@settings(max_examples=300)
@given(
    states=STATES,
    fates=st.lists(st.lists(FATES, max_size=5), min_size=4, max_size=4),
    applies=st.booleans(),
)
@example(states=[(BY_PHONE, ())], fates=[["applied, then lost"]], applies=True)
@example(
    states=[(BY_PHONE, ()), (BY_PHONE | {"lastName": None}, ())], fates=[["applied, then lost"] * 2] * 2, applies=True
)
def test_a_value_that_ghl_refuses_costs_that_value_only(
    states: list[Any], fates: list[list[Fate]], applies: bool
) -> None:
    """Whether or not GHL makes the contact that it refuses: one contact, all other values, and the refused ones are flagged.

    The hardest case: GHL makes the contact without the refused phone, and its answer is lost, too.
    """
    one, plan = Follower(Ghl(REFUSED, applies_refused=applies), Entity.contact("c", LEAD)), Planner()
    for (fields, tags), lost in zip(states, fates, strict=False):
        plan.desired = desire(fields, tags)
        for fate in lost:
            if _is_create(one.step(plan, fate)):
                continue
            one.step(plan)
    one.settle(plan, most=12)
    assert plan.desired is not None
    taken = {name: value for name, value in plan.desired.fields.items() if value not in REFUSED}
    assert_stands(one, replace(plan.desired, fields=taken))
    refused = sorted(set(plan.desired.fields) - set(taken)) if one.ghl.contacts else []
    flags = refusal_flags(plan.desired.fields, one.link)
    assert not one.ghl.contacts or [flag.partition(":")[0] for flag in flags] == refused


def test_a_refused_value_is_sent_again_only_once_it_changes() -> None:
    """Other changes of the lead do not send it. The old value is cleared: it is no longer the lead's."""
    one, plan = Follower(Ghl(REFUSED), Entity.contact("c", LEAD)), Planner()
    plan.desired = desire({"email": "a@x.test", "phone": "+15550002"})
    one.settle(plan)
    for name in ("Ode", "Poe"):
        plan.desired = desire({"email": "a@x.test", "phone": "+15550001", "lastName": name})
        one.settle(plan)
    (contact,) = one.ghl.contacts.values()
    assert (contact.fields["phone"], contact.fields["lastName"]) == (None, "Poe")
    assert one.ghl.sent == ["create contact", *["update contact"] * 3]
    plan.desired = desire({"email": "a@x.test", "phone": None, "lastName": "Poe"})
    one.settle(plan)
    assert contact.fields["phone"] is None
    assert refusal_flags(plan.desired.fields, one.link) == ()


@pytest.mark.parametrize("fields", [{}, {"city": "Austin"}, {"firstName": "", "lastName": None}])
def test_a_lead_without_anything_that_ghl_takes_a_contact_by_waits(fields: dict[str, Any]) -> None:
    """With the reason, and what to do."""
    plan = plan_contact(desire(fields), None, 0, search_lag_ms=LAG_MS)
    assert isinstance(plan, Stuck)
    assert plan.reason == "nameless"
    assert "add one of them in Lofty" in plan.because


@pytest.mark.parametrize("fields", [{"phone": "+15550001", "lastName": "Ode"}, {"phone": "+15550001"}])
def test_a_lead_whose_only_identifier_is_refused_is_a_lead_by_name(fields: dict[str, Any]) -> None:
    """Looked for first, where the refused create may have been done; without a name it waits."""
    one, plan = Follower(Ghl(REFUSED, applies_refused="lastName" in fields), Entity.contact("c", LEAD)), Planner()
    plan.desired = desire(fields)
    last = one.settle(plan)
    assert isinstance(last, Settled if "lastName" in fields else Stuck)
    assert len(one.ghl.contacts) == ("lastName" in fields)
    assert "find contact" in one.ghl.sent


def test_a_source_that_became_empty_while_the_create_was_in_doubt_is_cleared_by_an_update() -> None:
    """A create may not say that it is null."""
    one, plan = follower(), Planner()
    plan.desired = desire({"email": "a@x.test", "source": "web"})
    one.step(plan, "applied, then lost")
    plan.desired = desire({"email": "a@x.test", "source": None})
    one.settle(plan)
    (contact,) = one.ghl.contacts.values()
    assert contact.fields["source"] is None
    assert one.ghl.sent == ["create contact", "create contact", "read contact", "update contact"]


@pytest.mark.parametrize("email", [None, "a@x.test"])
def test_a_contact_made_without_its_refused_phone_and_whose_answer_is_lost_is_found(email: str | None) -> None:
    """By its Lofty id, since no duplicate is refused by a phone that is not there; an e-mail matches at once."""
    one, plan = Follower(Ghl(REFUSED, applies_refused=True), Entity.contact("c", LEAD)), Planner()
    plan.desired = desire({"email": email, "phone": "+15550001", "lastName": "Ode"})
    one.step(plan, "applied, then lost")
    one.settle(plan, most=12)
    (contact,) = one.ghl.contacts.values()
    assert contact.fields["lastName"] == "Ode"
    assert one.ghl.sent[1] == ("create contact" if email else "find contact")
    assert refusal_flags(plan.desired.fields, one.link) == (
        "phone: GHL refuses this value; it is sent again once it changes",
    )


def test_a_contact_by_name_that_our_memory_has_lost_is_found_by_its_lofty_id() -> None:
    """No create by name is refused as a duplicate, so it is looked for before."""
    one, plan = follower(), Planner()
    plan.desired = desire({"lastName": "Ode"})
    one.settle(plan)
    one.link, one.candidate = None, None
    one.now_ms += LAG_MS
    one.settle(plan)
    assert len(one.ghl.contacts) == 1
    assert one.ghl.sent[-3:] == ["find duplicate", "read contact", "update contact"]
