"""Stages of both sides against each other: what an event of an opportunity means, and that many edits come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ghl.wire import Pipeline
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.directory import Directory, named_pipelines
from streams.core.to_ghl.opportunity import (
    LOFTY_STAGE,
    PIPELINE,
    PLACE,
    STAGE,
    holding,
    overruled_stage,
    plan_opportunity,
    resolve_opportunity,
    settles_stage,
    stage_hash,
)
from streams.core.to_ghl.plan import UNKNOWN, Call, DesiredChild, Settled
from streams.core.to_lofty import EventContext, EventResponse, NeedsRead, respond
from streams.core.to_lofty.plan import PutLead, ReadLead, before, merge, plan, stage_body
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping import FieldOwner, StagePair, StageTable, map_opportunity
from streams.mapping.lofty_sync import LOFTY_STAGE_EDIT, STAGE_WRITTEN, LoftySyncRules
from streams.messages import Entity, GhlEvent, Receipt

AT = 1_750_000_000_000
BUYERS = Pipeline.model_validate(
    {"id": "p", "name": "Buyers", "stages": [{"id": one, "name": one.upper()} for one in ("a", "b", "c", "odd")]}
)
DIRECTORY = Directory(pipelines=named_pipelines([BUYERS]))
TABLE = StageTable(
    (
        StagePair("A", "Buyers", "A"),
        StagePair("B", "Buyers", "B"),
        StagePair("Second B", "Buyers", "B"),
        StagePair("B won", "Buyers", "B", "won"),
        StagePair("C", "Buyers", "C"),
    )
)
LEAD = Entity("acme", "7", "opportunity", "7")
Place = dict[str, Any]


def place(stage: str, status: str = "open") -> Place:
    return {PIPELINE: "p", STAGE: stage, "status": status}


def link_at(stage: str, lofty: str, status: str = "open", **more: Any) -> LinkRow:
    fields = {name: field_hash(value) for name, value in place(stage, status).items()}
    return LinkRow(ghl_id="o", refers_to="c", fields={**fields, LOFTY_STAGE: stage_hash(lofty)}, settled="x", **more)


def judged(
    type_: str, shown: Place, link: LinkRow | None, owner: FieldOwner | None, found: Place | None = None, **more: Any
) -> EventResponse | NeedsRead:
    id_ = more.pop("id", "o")
    event = GhlEvent(type=type_, location="l", id=id_, contact="c", at_ms=AT, accepted_ms=AT, body=shown)
    about: dict[str, Any] = {"own": LEAD, "own_link": link, "stages": TABLE, "directory": DIRECTORY, **more}
    seen = {"id": "o", "contactId": "c", **found} if found is not None else None
    context = EventContext(event, "acme", "7", LinkRow(ghl_id="c"), found=seen, **about)
    return respond(context, LoftySyncRules(stage=owner))


@pytest.mark.parametrize("owner", ["lofty", "ghl", "newest"])
def test_what_the_link_says_is_an_echo_and_what_differs_is_read_first(owner: FieldOwner) -> None:
    """An older webhook that comes last differs, and is an echo once GHL was asked."""
    link = link_at("b", "B")

    assert judged("OpportunityStageUpdate", place("b"), link, owner) == EventResponse("echo")
    assert judged("OpportunityUpdate", place("a"), link, owner) == NeedsRead("opportunity")
    assert judged("OpportunityUpdate", place("a"), link, owner, place("b")) == EventResponse("echo")
    assert judged("OpportunityUpdate", place("a"), link, owner, {"contactId": "another"}).because == "overtaken"  # type: ignore[union-attr]  # it was read


def test_the_owner_says_what_becomes_of_a_move() -> None:
    """Undone, carried, or nobody's business."""
    link = link_at("a", "A")
    undone, carried, newest, nothing = (
        judged("OpportunityStageUpdate", place("c"), link, owner, place("c"))
        for owner in ("lofty", "ghl", "newest", None)
    )

    assert undone == EventResponse("answered", restore=PLACE)
    assert carried == newest
    assert isinstance(newest, EventResponse)
    [write] = newest.writes
    assert (write.about, write.state, write.base, write.contact) == (
        *("stage", {"fields": {"stage": "C"}}, {"stage": stage_hash("A")}),
        "c",
    )
    assert nothing == EventResponse("no rule")


def test_what_ghl_holds_is_carried_and_not_what_the_webhook_says() -> None:
    late = judged("OpportunityStageUpdate", place("b"), link_at("a", "A"), "newest", place("c"))

    assert isinstance(late, EventResponse)
    assert [write.state for write in late.writes] == [{"fields": {"stage": "C"}}]


def test_while_lofty_has_the_stage_from_before_ghls_place_stays_and_after_the_write_it_is_an_edit() -> None:
    """What was settled before that end is read once more."""
    moved = link_at("b", "B", heard={LOFTY_STAGE: stage_hash("A")})
    body = {"stage": stage_hash("B")}
    ended = judged(STAGE_WRITTEN, body, moved, "newest")
    waiting = judged(STAGE_WRITTEN, body, moved.model_copy(update={"settled": ""}), "newest")

    assert [holding(moved, stage_hash(one), "newest") for one in ("A", "C")] == [frozenset(PLACE), frozenset()]
    assert holding(moved, stage_hash("C"), "ghl") == frozenset(PLACE)
    assert isinstance(ended, EventResponse)
    assert isinstance(waiting, EventResponse)
    assert (ended.base, ended.reads, waiting.reads) == ({LOFTY_STAGE: stage_hash("B")}, True, False)
    assert judged(STAGE_WRITTEN, {"stage": stage_hash("C")}, moved, "newest") == EventResponse("overtaken")


def test_a_status_without_a_pair_and_another_stage_of_the_same_place_move_nothing() -> None:
    """Of a lead in the second of two stages with one place: it stays there."""
    lost = judged("OpportunityStatusUpdate", place("b", "lost"), link_at("b", "Second B"), "newest", place("b", "lost"))

    assert isinstance(lost, EventResponse)
    assert (lost.writes, lost.fields[LOFTY_STAGE]) == ((), stage_hash("Second B"))


def test_a_stage_without_a_pair_is_named_and_moves_nothing() -> None:
    odd = judged("OpportunityStageUpdate", place("odd"), link_at("a", "A"), "ghl", place("odd"))

    assert isinstance(odd, EventResponse)
    assert (odd.because, odd.writes, len(odd.flags)) == ("left out", (), 1)


def test_a_write_of_ours_without_an_answer_is_no_move() -> None:
    doubtful = link_at("a", "A").model_copy(update={"fields": {**dict.fromkeys(PLACE, UNKNOWN), LOFTY_STAGE: UNKNOWN}})

    assert judged("OpportunityUpdate", place("c"), doubtful, "newest") == EventResponse("overtaken")
    assert holding(doubtful, stage_hash("A"), "newest") == frozenset()


def test_of_several_opportunities_none_is_taken_for_the_leads() -> None:
    """One alone is; where the lead has another, that one counts."""
    made, none = place("b"), LinkRow()
    alone = judged("OpportunityCreate", made, none, "newest", id="n", listed=("n",))
    several = judged("OpportunityCreate", made, none, "newest", id="n", listed=("n", "m"))
    another = judged("OpportunityStageUpdate", made, link_at("a", "A"), "newest", id="n")

    assert judged("OpportunityCreate", made, none, "newest", id="n") == NeedsRead("opportunities")
    assert alone == EventResponse("answered", takes="n")
    assert [(one.because, len(one.flags)) for one in (several, another) if isinstance(one, EventResponse)] == [
        ("left out", 1)
    ] * 2


class Sides:
    """A lead in Lofty, its opportunity in GHL, and all that is between: each step is one that a worker does at some time."""

    def __init__(self, owner: FieldOwner) -> None:
        self.owner = owner
        self.lofty, self.ghl = "A", place("a")
        self.link = link_at("a", "A")
        self.snapshots: list[str] = []
        self.events: list[tuple[str, Place]] = []
        self.command: LoftyCommandRow | None = None
        self.writes = self.version = 0

    def in_lofty(self, stage: str) -> None:
        """Somebody edits the lead."""
        self.lofty = stage
        self.snapshots.append("read")

    def in_ghl(self, moved: Place) -> None:
        """Somebody moves the opportunity: two webhooks."""
        self.ghl = moved
        self.events += [("OpportunityUpdate", moved), ("OpportunityStageUpdate", moved)]

    def read(self) -> None:
        """Lofty is read; what is read is delivered later."""
        if "read" in self.snapshots:
            self.snapshots[self.snapshots.index("read")] = self.lofty

    def deliver(self) -> None:
        """The snapshot that was read first reaches GHL's side, and is planned to its end."""
        if not self.snapshots or self.snapshots[0] == "read":
            return
        stage = self.snapshots.pop(0)
        self.version += 1
        mapped = map_opportunity({"leadId": 7, "stage": stage}, TABLE)
        wanted = resolve_opportunity(mapped, DIRECTORY) if mapped else None
        wanted = DesiredChild({name: wanted.fields[name] for name in PLACE}, "") if wanted else None
        if found := overruled_stage(self.link, stage_hash(stage), self.owner):
            self.events.append((LOFTY_STAGE_EDIT, {"wanted": found}))
        contact, held = LinkRow(ghl_id="c"), holding(self.link, stage_hash(stage), self.owner)
        step = plan_opportunity(wanted, self.link, contact, AT, search_lag_ms=0, holding=held)
        if isinstance(step, Call):
            self.writes += 1
            self.ghl = {**self.ghl, **step.body}
            self.events.append(("OpportunityUpdate", dict(self.ghl)))
            self.record("applied", fields=dict(step.fields or {}))
            held = holding(self.link, stage_hash(stage), self.owner)
            step = plan_opportunity(wanted, self.link, contact, AT, search_lag_ms=0, holding=held)
        assert isinstance(step, Settled)
        self.record("unchanged", settled=f"{stage}/m", **settles_stage(self.link, stage_hash(stage), wanted))

    def judge(self, at: int) -> None:
        """One of the events is judged, in any order; what it reads is GHL's state of then."""
        if not self.events:
            return
        type_, body = self.events.pop(at % len(self.events))
        response = judged(type_, body, self.link, self.owner)
        if isinstance(response, NeedsRead):
            response = judged(type_, body, self.link, self.owner, self.ghl, knows_stages=True)
        assert isinstance(response, EventResponse)
        for write in response.writes:
            self.command = merge(self.command, write)
        if response.fields:
            self.record("applied", fields={**self.link.fields, **response.fields}, heard=dict(response.base))
        if response.restore:
            self.record("doubtful", fields={**self.link.fields, **dict.fromkeys(response.restore, UNKNOWN)})
        if response.restore or response.reads:
            self.snapshots.append("read")

    def write_back(self) -> None:
        """The next request for the command, if one waits."""
        row = self.command
        if row is None or row.is_settled:
            return
        match plan(row, AT, visibility_ms=0):
            case ReadLead():
                body, _ = stage_body(row, {"stage": self.lofty}, TABLE, self.owner)
                facts: dict[str, Any] = {"body": body} if body else {"is_settled": True}
            case PutLead(body) as step:
                row = row.model_copy(update=before(row, step, AT))
                self.writes += 1
                self.in_lofty(body["stage"])
                facts = {"is_settled": True}
            case other:
                raise AssertionError(other)
        self.command = row.model_copy(update=facts)
        if self.command.is_settled:
            wanted = stage_hash((row.write.state or {})["fields"]["stage"])
            self.events.append((STAGE_WRITTEN, {"stage": wanted}))

    def record(self, outcome: Any, **facts: Any) -> None:
        about = {"connection": "acme", "lead": "7", "kind": "opportunity", "id": "7", "step": "s", "at_ms": AT}
        self.link = record_link(self.link, Receipt(outcome=outcome, version_ms=self.version, **about, **facts))

    def rounds(self) -> Iterator[int]:
        """Everything is worked off, for so many rounds."""
        number = 0
        while self.events or self.snapshots or (self.command is not None and not self.command.is_settled):
            self.read()
            self.deliver()
            self.judge(0)
            self.write_back()
            number += 1
            yield number


LOFTY = st.tuples(st.just("in_lofty"), st.sampled_from(["A", "B", "Second B", "B won", "C", "Nurture"]))
GHL = st.tuples(
    st.just("in_ghl"), st.sampled_from([place("a"), place("b"), place("b", "won"), place("c"), place("odd")])
)
WORK = st.tuples(st.sampled_from(["read", "deliver", "write_back"]))
JUDGE = st.tuples(st.just("judge"), st.integers(0, 5))
STEPS = st.lists(st.one_of(LOFTY, GHL, WORK, WORK, JUDGE), max_size=60)


@pytest.mark.parametrize("owner", ["lofty", "ghl", "newest"])
@given(steps=STEPS)
def test_conflicting_edits_of_stages_come_to_rest_and_agree(owner: FieldOwner, steps: list[tuple[Any, ...]]) -> None:
    """Whatever order: a bounded number of writes, and both sides name one place, unless one of them has a stage without a pair."""
    sides, edits = Sides(owner), 0
    for name, *arguments in steps:
        edits += name.startswith("in_")
        getattr(sides, name)(*arguments)
    for number in sides.rounds():
        assert number < 60 + 12 * len(steps), "a loop"

    pair = TABLE.pair_of(sides.lofty)
    is_one_sided = pair is None or sides.ghl[STAGE] == "odd"
    assert is_one_sided or sides.ghl == place(pair.stage.lower(), pair.status)  # type: ignore[union-attr]  # it has a pair
    assert sides.writes <= 4 * edits
    if owner == "lofty":
        assert sides.command is None
