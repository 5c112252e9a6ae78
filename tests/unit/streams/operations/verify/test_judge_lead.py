"""What verify says of a contact: right, missing, different, double, or under way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.contact_identity import KEPT
from streams.core.to_ghl.planning import Rules
from streams.mapping import TagRules, compile_mapping
from streams.messages import Conflict, Remedy
from streams.operations.verify.findings import STATES, Finding
from streams.operations.verify.judge_lead import VerificationBasis, bears, judge_lead, judge_unknown
from tests.unit.streams.operations.verify.inspected import (
    BASIS,
    CONTACT,
    LEAD,
    MAPPING,
    NOTE,
    RULES,
    TASK,
    World,
    snapshot_of,
)


def judged(world: World, basis: VerificationBasis = BASIS, bearers: tuple[str, ...] = ()) -> list[Finding]:
    """The findings about the contact itself."""
    return [one for one in judge_lead(world.snapshots, world.seen, basis, bearers) if one.entity == CONTACT]


def only(findings: list[Finding]) -> Finding:
    """The one finding."""
    [found] = findings
    return found


def test_a_world_that_is_right_has_nothing_wrong() -> None:
    """Contact, note, task and appointment are each found and compared."""
    found = judge_lead(World().snapshots, World().seen, BASIS)
    counted = Counter(one.state for one in found)
    assert {state: counted[state] for state in STATES} == {
        "ok": 4,
        "pending": 0,
        "parked": 0,
        "conflict": 0,
        "missing": 0,
        "different": 0,
        "double": 0,
        "orphaned": 0,
    }
    assert all(one.compared for one in found)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        ({"firstName": "Eve"}, "firstName"),
        ({"email": None}, "email"),
        ({"customFields": {"f-lead": LEAD, "f-stage": "Old"}}, "custom:f-stage"),
        ({"customFields": {"f-lead": "123", "f-stage": "New"}}, "custom:f-lead"),
    ],
)
def test_a_field_that_was_changed_in_ghl_is_different_and_marked_to_be_written_again(
    spoil: dict[str, Any], field: str
) -> None:
    """The finding says which field, what is wanted and what was found."""
    world = World()
    assert world.contact is not None
    world.contact |= spoil
    found = only(judged(world))
    assert (found.state, [one.field for one in found.differences]) == ("different", [field])
    assert found.remedies == (Remedy(cure="doubt", fields=(field,)),)


def test_a_field_that_lofty_leaves_empty_is_not_ours_unless_we_wrote_it() -> None:
    """A GHL user may fill it in; what we wrote and Lofty emptied must go."""
    world = World()
    assert world.contact is not None
    world.contact["city"] = "Austin"
    assert only(judged(world)).state == "ok"
    world.stand(CONTACT, written=(*world.standings[CONTACT].written, "city"))
    assert [one.field for one in only(judged(world)).differences] == ["city"]


def test_what_a_lost_memory_may_have_written_is_right_and_reported() -> None:
    """A town and a tag of a contact that an earlier memory wrote: a person may have added them, so verify names them."""
    world = World()
    assert world.contact is not None
    world.contact |= {"city": "Austin", "tags": ["lofty", "theirs"]}
    assert only(judged(world)).left_out == ()
    world.stand(CONTACT, is_recalled=True)
    found = only(judged(world))
    assert (found.state, found.left_out) == ("ok", (f"city: {KEPT}", f"tags: theirs: {KEPT}"))


def test_a_tag_that_is_ours_and_missing_is_added_again() -> None:
    """The contact may also have tags of others."""
    world = World()
    assert world.contact is not None
    world.contact["tags"] = ["theirs"]
    assert only(judged(world)).remedies == (Remedy(cure="doubt", tags=("lofty",)),)


def test_a_tag_that_is_ours_and_not_wanted_any_more_is_removed() -> None:
    """It is ours because we wrote it, or because the tag rules say so."""
    world = World()
    assert world.contact is not None
    world.contact["tags"] = ["lofty", "theirs", "stage: old"]
    assert only(judged(world)).state == "ok"
    owning = compile_mapping(tags=TagRules(always=("lofty",), owned=("stage: *",)))
    found = only(judged(world, replace(BASIS, rules=replace(RULES, mapping=owning))))
    assert found.remedies == (Remedy(cure="doubt", tags=("stage: old",)),)
    world.stand(CONTACT, tags=("lofty", "stage: old"))
    assert only(judged(world)).remedies == (Remedy(cure="doubt", tags=("stage: old",)),)


def test_a_contact_that_is_not_in_ghl_is_missing_with_all_that_hangs_on_it() -> None:
    """Its link is forgotten, and those of its notes and tasks, so that all are created again."""
    world = World()
    world.contact = None
    found = judge_lead(world.snapshots, world.seen, BASIS)
    assert {one.state for one in found} == {"missing"}
    assert len(found) == 4
    assert {remedy.cure for one in found for remedy in one.remedies} == {"forget"}
    assert {remedy.ghl_id for one in found for remedy in one.remedies} == {
        standing.ghl_id for standing in world.seen.standings.values()
    }


def test_a_contact_that_was_deleted_in_ghl_may_be_left_alone_by_policy() -> None:
    """Then nothing about the lead is wrong; one that was never written is missing all the same."""
    world = World()
    world.contact = None
    leaving = replace(BASIS, leaves_deleted=True)
    assert {one.state for one in judge_lead(world.snapshots, world.seen, leaving)} == {"ok"}
    world.stand(CONTACT, ghl_id=None)
    assert only(judged(world, leaving)).state == "missing"


def test_another_contact_that_bears_the_leads_id_is_adopted_when_ours_is_gone() -> None:
    """No second contact is created beside it."""
    world = World()
    world.contact = None
    found = only(judged(world, bearers=("c-9",)))
    assert found.state == "missing"
    assert [(one.cure, one.ghl_id) for one in found.remedies] == [("adopt", "c-9")]
    assert "email" in found.remedies[0].fields
    assert "city" not in found.remedies[0].fields


def test_two_contacts_of_one_lead_are_double_and_left_to_a_person() -> None:
    """Ours comes first, the advice is to merge them; the linked one is compared as ever."""
    found = judged(World(), bearers=("c-9",))
    assert [(one.state, one.remedies) for one in found] == [("double", ()), ("ok", ())]
    assert found[0].ghl_ids == ("c-1", "c-9")
    assert "merge" in found[0].advice


@pytest.mark.parametrize(("is_lead", "cure"), [(True, "leave"), (False, "doubt")])
def test_a_contact_with_the_id_of_another_living_lead_is_left_to_that_one(is_lead: bool, cure: str) -> None:
    """Somebody typed in the id of a lead that is not alive: that is written over."""
    world = World()
    assert world.contact is not None
    world.contact["customFields"]["f-lead"] = "88"
    found = only(judged(world, replace(BASIS, is_lead=lambda lead: is_lead)))
    assert found.state == "different"
    assert [one.cure for one in found.remedies] == [cure]
    assert ("88" in found.because) is is_lead


def test_a_lead_that_shares_another_ones_contact_is_right_and_its_notes_are_no_orphans() -> None:
    """Nothing of the contact is compared with this lead, and nothing that hangs there for the other one is too much."""
    world = World()
    assert world.contact is not None
    world.stand(CONTACT, shares="acme:88:contact:88")
    world.contact["firstName"] = "Ben"
    world.notes.append({"id": "n-9", "body": "theirs\n[lofty-note:9]"})
    knowing = replace(BASIS, is_child=lambda kind, id: (kind, id) == ("note", "9"))
    states = [{one.state for one in judge_lead(world.snapshots, world.seen, basis)} for basis in (BASIS, knowing)]
    assert states == [{"ok", "orphaned"}, {"ok"}]


@pytest.mark.parametrize(("decided", "is_undecided"), [((), True), (("c-2",), False)])
@pytest.mark.parametrize("shares", ["", "acme:88:contact:88"])
def test_a_recorded_conflict_is_a_conflict_and_not_right(
    shares: str, decided: tuple[str, ...], is_undecided: bool
) -> None:
    """Its value is nowhere else called wrong; a conflict about a value that the lead no longer has is none."""
    world = World()
    assert world.contact is not None
    email = world.contact["email"]
    conflict = Conflict(hash=field_hash(email), contact_id="c-2", lead="acme:88:contact:88")
    refused = {"email": conflict.hash}
    world.stand(CONTACT, refused=refused, conflicts={"email": conflict}, decided=decided, shares=shares)
    del world.contact["email"]
    found = only(judged(world))
    assert (found.state, found.is_wrong, found.is_undecided) == ("conflict", False, is_undecided)
    assert "email: GHL contact c-2 has it, that of acme:88:contact:88" in found.because
    assert ("lofty-ghl conflicts" in found.advice) is is_undecided

    world.contact["email"] = email
    old = {"email": conflict.model_copy(update={"hash": "another"})}
    world.stand(CONTACT, refused={"email": "another"}, conflicts=old)
    assert only(judged(world)).state == "ok"


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        ({"is_pending": True}, "pending"),
        ({"parked": "422 bad phone"}, "parked"),
        ({"version_ms": 11}, "pending"),
    ],
)
def test_what_is_under_way_or_waits_for_a_person_is_not_wrong(standing: dict[str, Any], state: str) -> None:
    """However it looks in GHL."""
    world = World()
    world.contact = None
    world.stand(CONTACT, **standing)
    found = judge_lead(world.snapshots, world.seen, BASIS)
    assert found[0].state == state
    assert {one.state for one in found[1:]} == {"pending"}


@pytest.mark.parametrize(
    ("policy", "tags", "state", "cures"),
    [
        ("tag", ["lofty-deleted"], "ok", []),
        ("tag", [], "different", ["doubt"]),
        ("ignore", [], "ok", []),
        ("delete", [], "orphaned", ["doubt"]),
    ],
)
def test_a_lead_that_is_deleted_in_lofty_is_judged_by_the_policy(
    policy: Any, tags: list[str], state: str, cures: list[str]
) -> None:
    """Tagged, deleted, or left as it is."""
    world = World()
    assert world.contact is not None
    world.delete_in_lofty(CONTACT)
    world.contact["tags"] = tags
    found = only(judged(world, replace(BASIS, rules=Rules(MAPPING, "US", lead_deleted=policy))))
    assert (found.state, [one.cure for one in found.remedies]) == (state, cures)


def test_a_lead_that_is_deleted_and_not_in_ghl_is_right() -> None:
    """With all that hung on it."""
    world = World()
    world.delete_in_lofty(CONTACT)
    world.contact = None
    assert {one.state for one in judge_lead(world.snapshots, world.seen, BASIS)} == {"ok"}


@pytest.mark.parametrize(("policy", "cures"), [("tag", ["ask"]), ("delete", ["ask"]), ("ignore", [])])
def test_a_lead_that_is_deleted_and_whose_contact_only_its_id_shows_is_asked_about(
    policy: Any, cures: list[str]
) -> None:
    """Memory was lost, and the lead was deleted by the time it was read. One whose link names a contact is not."""
    world = World()
    world.delete_in_lofty(CONTACT)
    world.contact = None
    basis = replace(BASIS, rules=Rules(MAPPING, "US", lead_deleted=policy))
    assert only(judged(world, basis, ("c-old",))).remedies == ()
    world.stand(CONTACT, ghl_id=None)
    found = only(judged(world, basis, ("c-old",)))
    assert [(one.cure, one.ghl_id) for one in found.remedies] == [(cure, "c-old") for cure in cures]


@pytest.mark.parametrize(
    ("policy", "lead", "tags", "state", "cures"),
    [
        ("tag", "7", [[]], "orphaned", ["ask"]),
        ("tag", "7", [["lofty-deleted", "x"]], "ok", []),
        ("tag", "7", [["lofty-deleted"], []], "orphaned", ["ask"]),
        ("delete", "7", [["lofty-deleted"]], "orphaned", ["ask"]),
        ("ignore", "7", [["lofty-deleted"]], "orphaned", ["ask"]),
        ("tag", "no id: it has : in it", [[]], "orphaned", []),
    ],
)
def test_a_contact_of_an_unknown_lead_is_asked_about_unless_it_is_tagged(
    policy: Any, lead: str, tags: list[list[str]], state: str, cures: list[str]
) -> None:
    """An earlier memory has tagged it; also where the lead was merged, and is nowhere in Lofty. What hangs on it is asked about, too."""
    notes = ({"id": "n-1", "body": "said<br>[lofty-note:5]"},)
    seen = [
        World().seen.model_copy(update={"contact": {"id": f"c-{number}", "tags": one}, "notes": notes, "tasks": ()})
        for number, one in enumerate(tags)
    ]
    found = judge_unknown("acme", lead, seen, Rules(MAPPING, "US", lead_deleted=policy))
    assert (found.state, [one.cure for one in found.remedies], len(found.ghl_ids)) == (state, cures, len(tags))
    assert all(one.hanging == ("note:5",) for one in found.remedies)


def test_what_hangs_on_the_contact_of_a_deleted_lead_and_nobody_knows_is_right() -> None:
    """Where it lives, somebody has to look: it is not known in Lofty."""
    for is_gone, state in ((True, "ok"), (False, "orphaned")):
        world = World()
        if is_gone:
            world.delete_in_lofty(CONTACT)
        del world.snapshots[NOTE]
        found = [one for one in judge_lead(world.snapshots, world.seen, BASIS) if one.entity == NOTE]
        assert [one.state for one in found] == [state]


def test_a_contact_that_we_deleted_and_somebody_brought_back_is_left_to_a_person() -> None:
    """We never delete the same contact twice."""
    world = World()
    world.delete_in_lofty(CONTACT)
    world.stand(CONTACT, is_deleted=True)
    found = only(judged(world, replace(BASIS, rules=Rules(MAPPING, "US", lead_deleted="delete"))))
    assert (found.state, found.remedies, bool(found.advice)) == ("orphaned", (), True)


def test_children_without_a_contact_in_lofty_are_judged_by_themselves() -> None:
    """The contact was never read yet."""
    world = World()
    world.snapshots = {NOTE: snapshot_of(NOTE, {"noteId": 1, "content": "x"})}
    world.contact = None
    world.standings = {}
    assert [one.state for one in judge_lead(world.snapshots, world.seen, BASIS)] == ["missing"]


def test_whether_a_contact_bears_a_leads_id_is_read_from_its_custom_field() -> None:
    """Ids may come as numbers."""
    assert bears({"customFields": {"f": 77}}, "f", "77")
    assert not bears({"customFields": {"f": "78"}}, "f", "77")
    assert not bears({}, "f", "77")


def test_a_finding_is_told_as_json() -> None:
    """With the names of its remedies."""
    world = World()
    world.contact = None
    told = only(judged(world)).as_dict()
    assert (told["entity"], told["state"], told["repair"]) == (CONTACT, "missing", ["forget"])
    assert TASK not in str(told)


@pytest.mark.parametrize(
    ("lead", "contact", "differ"),
    [
        ({"cannotText": True}, {}, (["SMS"], [])),
        ({}, {"dndSettings": {"SMS": {"status": "permanent"}}}, ([], ["SMS"])),
        ({"unsubscription": True}, {"dndSettings": {"Email": {"status": "active"}}}, None),
        ({}, {}, None),
    ],
)
def test_opt_outs_are_compared_both_ways(
    lead: dict[str, Any], contact: dict[str, Any], differ: tuple[list[str], list[str]] | None
) -> None:
    """The repair makes the worker compare them again, on both sides."""
    world = World()
    world.contact = {**(world.contact or {}), **contact}
    state = {**(world.snapshots[CONTACT].state or {}), **lead}
    world.snapshots[CONTACT] = snapshot_of(CONTACT, state)
    finding = only(judged(world, replace(BASIS, rules=replace(RULES, opt_outs=True))))
    assert judged(world)[0].state == "ok"
    if differ is None:
        assert finding.state == "ok"
        return
    [difference] = finding.differences
    assert (difference.field, difference.wanted, difference.found) == ("dndSettings", *differ)
    assert finding.remedies == (Remedy(cure="doubt", fields=("dndSettings",)),)
