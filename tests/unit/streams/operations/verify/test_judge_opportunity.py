"""What verify says of an opportunity, by what the link names and the stages say."""

from __future__ import annotations

from typing import Any

from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.lead_opportunity import as_opportunity
from streams.messages import Observation, Snapshot, Standing
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_child import judge_children
from tests.unit.streams.core.to_ghl.test_lead_opportunity import DIRECTORY, RULES, lead

KEY, OWNER = "c:7:opportunity:7", "c:7:contact:7"
RIGHT = {"id": "o", "contactId": "g", "name": "Ann", "pipelineId": "p", "pipelineStageId": "s2", "status": "open"}


def judged(
    of: Snapshot,
    standing: Standing,
    *held: dict[str, Any],
    owner: Standing | None = None,
    directory: Directory = DIRECTORY,
    has_contact: bool = True,
) -> Finding:
    """The finding about the opportunity."""
    seen = Observation(
        run="r",
        number=1,
        connection="c",
        lead="7",
        answer="seen",
        at_ms=1,
        standings={KEY: standing, OWNER: owner or Standing(ghl_id="g")},
        contact={"id": "g"} if has_contact else None,
        opportunities=held,
    )
    [found] = judge_children({KEY: as_opportunity(of)}, seen, RULES, directory, is_absent_right=False)
    return found


LINKED = Standing(ghl_id="o", written=("name", "pipelineId", "pipelineStageId", "status"))


def test_what_is_as_wanted_is_ok() -> None:
    """All that we write is compared."""
    found = judged(lead("Hot"), LINKED, RIGHT)
    assert (found.state, found.compared, found.ghl_ids) == ("ok", 4, ("o",))


def test_what_was_moved_is_different_and_written_again() -> None:
    """Its fields are unknown from then on."""
    found = judged(lead("Hot"), LINKED, {**RIGHT, "pipelineStageId": "s1"})
    assert (found.state, [one.field for one in found.differences]) == ("different", ["pipelineStageId"])
    assert [one.cure for one in found.remedies] == ["doubt"]


def test_what_is_gone_is_missing_and_made_again() -> None:
    """Also what was never written."""
    for standing in (LINKED, Standing()):
        found = judged(lead("Hot"), standing)
        assert (found.state, [one.cure for one in found.remedies]) == ("missing", ["forget"])


def test_what_is_not_carried_is_as_it_should_be() -> None:
    """Without a pair, of a deleted lead, and of a contact that another lead writes."""
    moved = {**RIGHT, "pipelineStageId": "s1"}
    assert judged(lead("Nurture"), LINKED, moved).state == "ok"
    assert judged(lead(None), LINKED, moved).state == "ok"
    assert judged(lead("Hot"), LINKED, moved, owner=Standing(ghl_id="g", shares="c:8:contact:8")).state == "ok"


def test_without_its_contact_or_its_stage_it_says_so() -> None:
    """A missing contact comes first; a stage that is lacking is named."""
    assert judged(lead("Hot"), LINKED, has_contact=False).because == "its contact is not in GHL"
    lacking = judged(lead("Hot"), LINKED, RIGHT, directory=Directory())
    assert lacking.left_out == ("stage 'Hot': the location has no pipeline 'Buyers'",)
    assert judged(lead("Hot"), Standing(parked="no such stage")).state == "parked"
