"""What verify says of notes, tasks and appointments."""

from __future__ import annotations

import pytest

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.refused_values import refusal_words
from streams.messages import Remedy
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_lead import judge_lead
from tests.unit.streams.operations.verify.inspected import APPOINTMENT, BASIS, NOTE, STATES, TASK, World, snapshot_of


def judged(world: World, key: str) -> list[Finding]:
    """The findings about one entity."""
    return [one for one in judge_lead(world.snapshots, world.seen, BASIS) if one.entity == key]


def states(world: World, key: str) -> list[str]:
    """Their states."""
    return [one.state for one in judged(world, key)]


def test_a_note_that_is_not_in_ghl_is_missing() -> None:
    """Its link is forgotten, so that it is created again."""
    world = World()
    world.notes.clear()
    [found] = judged(world, NOTE)
    ghl_id = world.seen.standings[NOTE].ghl_id
    assert (found.state, found.remedies) == ("missing", (Remedy(cure="forget", ghl_id=ghl_id),))


@pytest.mark.parametrize("key", [TASK, APPOINTMENT])
def test_a_task_that_was_changed_in_ghl_is_different(key: str) -> None:
    """Only the changed field is written again."""
    world = World()
    next(one for one in world.tasks if one["id"] == world.standings[key].ghl_id)["completed"] = True
    [found] = judged(world, key)
    assert (found.state, found.remedies) == ("different", (Remedy(cure="doubt", fields=("completed",)),))


def test_a_task_without_the_user_that_ghl_dropped_or_lacks_is_right_and_says_so() -> None:
    """Nothing is to be repaired there."""
    world = World()
    world.snapshots[TASK] = snapshot_of(TASK, {**STATES[TASK], "_agent": {"email": "bo@example.com"}})
    [found] = judged(world, TASK)
    lacking = ("assignedTo: no GHL user has the e-mail bo@example.com",)
    assert (found.state, found.left_out) == ("ok", lacking)

    world.snapshots[TASK] = snapshot_of(TASK, {**STATES[TASK], "_agent": {"email": "agent@example.com"}})
    assert states(world, TASK) == ["different"]
    world.stand(TASK, refused={"assignedTo": field_hash("user-1")})
    [found] = judged(world, TASK)
    assert (found.state, found.left_out) == ("ok", (refusal_words("assignedTo"),))


def test_markup_that_ghls_editor_puts_around_a_note_is_no_difference() -> None:
    """The words are the same."""
    world = World()
    lines = world.notes[0]["body"].split("<br>")
    world.notes[0]["body"] = "".join(f"<p>{line}</p>" for line in lines)
    assert states(world, NOTE) == ["ok"]
    world.notes[0]["body"] = world.notes[0]["body"].replace("gardens", "castles")
    assert states(world, NOTE) == ["different"]


def test_a_twin_of_a_note_is_double_and_removed() -> None:
    """The one that the link names stays."""
    world = World()
    world.notes.append(world.notes[0] | {"id": "n-9"})
    [found] = judged(world, NOTE)
    assert (found.state, found.ghl_ids) == ("double", ("n-1", "n-9"))
    assert found.remedies == (Remedy(cure="remove", ghl_id="n-9", contact_id="c-1"),)


def test_a_note_can_be_double_and_different_at_once() -> None:
    """Both are reported, each with its remedy."""
    world = World()
    world.notes.append(dict(world.notes[0], id="n-9"))
    world.notes[0]["body"] = "Eve was here\n\n[lofty-note:1]"
    assert states(world, NOTE) == ["double", "different"]


def test_one_that_bears_the_marker_is_adopted_when_ours_is_gone() -> None:
    """No second note is created beside it; of several one is adopted and the others go."""
    world = World()
    world.notes[0]["id"] = "n-9"
    [found] = judged(world, NOTE)
    assert found.state == "missing"
    assert found.remedies == (Remedy(cure="adopt", ghl_id="n-9", contact_id="c-1", fields=("body",)),)
    world.notes.append(world.notes[0] | {"id": "n-10"})
    assert [one.cure for finding in judged(world, NOTE) for one in finding.remedies] == ["remove", "adopt"]


def test_a_note_that_bears_anothers_marker_and_is_linked_is_never_removed() -> None:
    """Somebody copied the text of one note into another: the other is different, not one too many."""
    world = World()
    other = "acme:77:note:4"
    world.snapshots[other] = snapshot_of(other, {"noteId": 4, "content": "has a dog"})
    world.standings[other] = world.standings[NOTE].model_copy(update={"ghl_id": "n-4"})
    world.notes.append({"id": "n-4", "body": world.notes[0]["body"]})
    assert states(world, NOTE) == ["ok"]
    assert states(world, other) == ["different"]


def test_what_is_deleted_in_lofty_and_still_in_ghl_is_orphaned_and_removed() -> None:
    """By its link when the link knows it, else by its GHL id."""
    world = World()
    world.delete_in_lofty(TASK)
    world.tasks.append(world.tasks[0] | {"id": "t-9"})
    [found] = judged(world, TASK)
    assert found.state == "orphaned"
    assert found.remedies == (Remedy(cure="doubt"), Remedy(cure="remove", ghl_id="t-9", contact_id="c-1"))


def test_a_note_with_loftys_own_delete_flag_is_deleted() -> None:
    """Lofty reports deletions of notes in two ways."""
    world = World()
    world.snapshots[NOTE] = snapshot_of(NOTE, {"noteId": 1, "content": "x", "deleteFlag": True})
    assert states(world, NOTE) == ["orphaned"]
    world.notes.clear()
    assert states(world, NOTE) == ["ok"]


def test_a_marker_that_lofty_knows_nothing_of_is_told_and_left_alone() -> None:
    """We cannot know that Lofty deleted it."""
    world = World()
    world.notes.append({"id": "n-9", "body": "old\n\n[lofty-note:999]"})
    [found] = judged(world, "acme:77:note:999")
    assert (found.state, found.ghl_ids, found.remedies) == ("orphaned", ("n-9",), ())


def test_notes_of_others_are_nobodys_business() -> None:
    """Without a marker and without a link they are not ours."""
    world = World()
    world.notes.append({"id": "n-9", "body": "written by hand in GHL"})
    assert all(not one.is_wrong for one in judge_lead(world.snapshots, world.seen, BASIS))


def test_a_note_whose_marker_was_edited_away_is_found_by_its_link() -> None:
    """It is different, not missing."""
    world = World()
    world.notes[0]["body"] = "the marker is gone"
    assert states(world, NOTE) == ["different"]


def test_a_system_note_is_not_carried_and_not_missing() -> None:
    """Nor is one without a text."""
    world = World()
    world.snapshots[NOTE] = snapshot_of(NOTE, {"noteId": 1, "content": "x", "systemNote": True})
    world.notes.clear()
    assert states(world, NOTE) == ["ok"]


def test_a_note_on_its_way_is_pending_however_it_looks() -> None:
    """A parked one is reported with the reason."""
    world = World()
    world.notes.clear()
    world.stand(NOTE, is_pending=True)
    assert states(world, NOTE) == ["pending"]
    world.stand(NOTE, parked="404 no such contact")
    [found] = judged(world, NOTE)
    assert (found.state, "404" in found.because) == ("parked", True)


def test_what_waited_when_its_lead_was_deleted_is_rightly_not_in_ghl() -> None:
    """It is not created for a lead that is gone. One that was in GHL is missing all the same."""
    world = World()
    lead = next(key for key in world.snapshots if ":contact:" in key)
    world.snapshots[lead] = snapshot_of(lead, None)
    world.notes.clear()
    assert states(world, NOTE) == ["missing"]
    world.stand(NOTE, ghl_id=None)
    assert states(world, NOTE) == ["ok"]
