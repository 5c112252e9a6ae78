"""The next request to Lofty."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.lofty.operations import NOTES_AT_MOST
from streams.core.fingerprint import field_hash
from streams.core.to_ghl.plan import NotBefore, Settled
from streams.core.to_lofty.plan import (
    DELETED,
    Create,
    Delete,
    FindCreated,
    PutLead,
    ReadLead,
    SetFinished,
    Update,
    before,
    created,
    is_from,
    lead_body,
    looked,
    merge,
    plan,
    undone,
    written,
)
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping.lofty_sync import LoftySyncRules
from streams.messages.lofty_command import LoftyCommand

STATE = {
    "type": "Call",
    "content": "Call\n\n[ghl-task:t1]",
    "assignedRole": "Agent",
    "endAt": "2026",
    "finished": False,
}


def write(state: dict[str, Any] | None = STATE, *, at_ms: int = 10, **facts: Any) -> LoftyCommand:
    known: dict[str, Any] = {"about": "task:t1", "target": "task", **facts}
    return LoftyCommand(connection="acme", lead="600", state=state, at_ms=at_ms, accepted_ms=at_ms, **known)


def next_step(row: LoftyCommandRow, now_ms: int = 1000) -> Any:
    return plan(row, now_ms, visibility_ms=100)


def test_a_task_from_its_creation_to_its_end() -> None:
    row = merge(None, write())
    assert row is not None
    create = next_step(row)
    assert isinstance(create, Create)
    assert "finished" not in create.fields
    row = row.model_copy(update={"lofty_id": "7", "written": written(row, create)})
    assert isinstance(next_step(row), Settled)
    moved = merge(row, write({**STATE, "endAt": "2027"}, at_ms=11))
    assert moved is not None
    assert next_step(moved) == Update({"endAt": "2027"})
    done = merge(row, write({**STATE, "finished": True}, at_ms=12))
    assert done is not None
    assert next_step(done) == SetFinished(is_finished=True)
    gone = merge(row, write(None, at_ms=13))
    assert gone is not None
    assert next_step(gone) == Delete()
    assert isinstance(next_step(gone.model_copy(update={"lofty_id": None, "written": {}})), Settled)


def test_a_create_in_doubt_is_looked_for_once_it_must_be_visible() -> None:
    row = LoftyCommandRow(write=write(), intent_ms=1000)
    assert next_step(row, 1050) == NotBefore(1100)
    assert next_step(row, 1100) == FindCreated("[ghl-task:t1]")
    gone = LoftyCommandRow(write=write(None), intent_ms=1000)
    assert next_step(gone, 1100) == FindCreated("[ghl-task:t1]")


def test_a_list_that_was_cut_off_does_not_say_that_nothing_was_made() -> None:
    """Lofty gives a hundred notes at most, in no promised order, and has no second page."""
    row = LoftyCommandRow(write=write({"content": "x"}, about="note:n1", target="note"), intent_ms=1000)
    others = [{"noteId": number, "content": "another"} for number in range(NOTES_AT_MOST)]
    ours = {"noteId": 7, "content": "x\n\n[ghl-note:n1]"}

    assert looked(row, others) is None
    assert looked(row, others[1:]) == dict(DELETED)
    assert looked(row, [*others[1:], ours]) == {"lofty_id": "7", "intent_ms": None, "written": {}}


def test_an_older_command_and_one_that_is_read_again_change_nothing() -> None:
    row = merge(None, write(at_ms=10))
    assert row is not None
    assert merge(row, write(at_ms=9)) is None
    assert merge(row, write(at_ms=10)) is None


def test_a_parked_errand_is_tried_again_when_it_is_said_again() -> None:
    row = LoftyCommandRow(write=write(), parked="refused", attempts=3)
    again = merge(row, write())
    assert again is not None
    assert (again.parked, again.attempts) == ("", 0)


def test_what_a_person_deleted_in_lofty_stays_deleted() -> None:
    row = LoftyCommandRow(write=write(at_ms=11), lofty_id="7", is_gone=True)
    assert isinstance(next_step(row), Settled)


def test_a_lead_is_read_before_it_is_written() -> None:
    row = merge(None, write({"fields": {"firstName": "Ada"}}, about="fields", target="lead"))
    assert row is not None
    assert next_step(row) == ReadLead()
    assert next_step(row.model_copy(update={"body": {"firstName": "Ada"}})) == PutLead({"firstName": "Ada"})


def test_a_lead_whose_write_did_not_succeed_is_read_again() -> None:
    """Somebody may have edited it in Lofty meanwhile: what was compared before the first try is old."""
    row = merge(None, write({"fields": {"firstName": "Ada"}}, about="fields", target="lead"))
    assert row is not None
    row = row.model_copy(update={"body": {"firstName": "Ada"}})
    step = next_step(row)
    sent = row.model_copy(update=before(row, step, 1000))
    assert next_step(sent) == ReadLead()
    assert next_step(sent.model_copy(update=undone(row, step))) == ReadLead()


TEXT, CALL = "cannotText", "cannotCall"
LACKS = field_hash(False)


def opt_out(*flags: str, base: dict[str, str] | None, **facts: Any) -> LoftyCommand:
    return write({"fields": dict.fromkeys(flags, True)}, about="opt-outs", target="lead", base=base, **facts)


@pytest.mark.parametrize(
    ("command", "is_read"),
    [
        (opt_out(TEXT, base={TEXT: LACKS}), False),
        (opt_out(TEXT, CALL, base={TEXT: LACKS, CALL: LACKS}), False),
        (opt_out(TEXT, base=None), True),
        (opt_out(TEXT, CALL, base={TEXT: LACKS}), True),
        (opt_out(TEXT, "city", base={TEXT: LACKS, "city": "h"}), True),
        (write({"fields": {"city": "Austin"}}, about="fields", target="lead", base={"city": "h"}), True),
        (write({"fields": {}}, about="fields", target="lead", base={}), True),
    ],
)
def test_only_flags_that_lofty_is_known_to_lack_are_written_without_a_read(
    command: LoftyCommand, is_read: bool
) -> None:
    """The read costs a request of Lofty's few, and says nothing that a write of flags alone would have to know."""
    row = merge(None, command)
    assert row is not None
    assert next_step(row) == (ReadLead() if is_read else PutLead((command.state or {})["fields"]))


def test_a_flag_whose_write_did_not_succeed_is_written_again() -> None:
    """It is the same request, whatever became of the first."""
    row = merge(None, opt_out(TEXT, base={TEXT: LACKS}))
    assert row is not None
    sent = row.model_copy(update=before(row, next_step(row), 1000))
    assert next_step(sent) == PutLead({TEXT: True})


def test_flags_of_which_one_may_be_there_are_read_once_they_gather() -> None:
    known, unknown = opt_out(TEXT, base={TEXT: LACKS}), opt_out(CALL, base=None, at_ms=11)
    row = merge(merge(None, known), unknown)
    assert row is not None
    assert next_step(row) == ReadLead()
    settled = merge(merge(None, unknown).model_copy(update={"is_settled": True}), known)  # type: ignore[union-attr]  # never None
    assert settled is not None
    assert next_step(settled) == PutLead({TEXT: True})


def test_fields_gather_with_the_oldest_base_until_they_are_written() -> None:
    first = write(
        {"fields": {"firstName": "A", "phone": "1"}}, about="fields", target="lead", base={"firstName": "old"}
    )
    second = write({"fields": {"firstName": "B"}}, about="fields", target="lead", base={"firstName": "mid"}, at_ms=5)
    row = merge(merge(None, first), second)
    assert row is not None
    assert row.write.state == {"fields": {"firstName": "B", "phone": "1"}}
    assert row.write.base == {"firstName": "old"}


@pytest.mark.parametrize(
    ("owner", "now", "base", "body", "kept"),
    [
        ("ghl", "Eve", "Ada", {"firstName": "Adelaide"}, ()),
        ("newest", "Ada", "Ada", {"firstName": "Adelaide"}, ()),
        ("newest", "Eve", "Ada", {}, ("firstName",)),
        ("newest", "Adelaide", "Ada", {}, ()),
    ],
)
def test_whose_value_wins(owner: Any, now: str, base: str, body: dict[str, Any], kept: tuple[str, ...]) -> None:
    wanted = write({"fields": {"firstName": "Adelaide"}}, target="lead", base={"firstName": field_hash(base)})
    found = lead_body(wanted, {}, {"firstName": now}, LoftySyncRules(owners={"firstName": owner}))
    assert found == (body, kept)


def test_the_other_addresses_of_a_lead_stay() -> None:
    wanted = write({"fields": {"email": "new@example.com"}}, target="lead")
    lead = {"emails": ["old@example.com", "other@example.com"]}
    body, _ = lead_body(wanted, lead, {"email": "old@example.com"}, LoftySyncRules(owners={"email": "ghl"}))
    assert body == {"emails": ["new@example.com", "other@example.com"]}


def test_a_marker_must_stand_alone_on_its_line() -> None:
    assert is_from({"content": "Call\n\n[ghl-task:t1]"}, "[ghl-task:t1]")
    assert not is_from({"content": "see [ghl-task:t1] there"}, "[ghl-task:t1]")


# -- whatever becomes of a request ------------------------------------------------------------------------


class Lofty:
    """One lead's tasks as a dict, and the steps of one Lofty command through plan, request and row until it is settled."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.row: LoftyCommandRow | None = None
        self.now_ms = 1000
        self.made = 0

    def want(self, state: dict[str, Any] | None) -> None:
        """GHL reports a newer state."""
        self.now_ms += 1
        row = merge(self.row, write(state, at_ms=self.now_ms))
        assert row is not None
        self.row = row

    def step(self, fate: str = "answered") -> bool:
        """At most one request, which has the given fate; False when nothing is left to do."""
        assert self.row is not None
        step = plan(self.row, self.now_ms, visibility_ms=100)
        if isinstance(step, Settled):
            return False
        if isinstance(step, NotBefore):
            self.now_ms = step.at_ms
            return True
        row = self.row
        self.change(**before(row, step, self.now_ms))
        if fate == "refused":
            self.change(**undone(row, step))
            return True
        if fate == "lost on the way":
            return True
        facts = self.do(step)
        if fate == "answered":
            self.change(**facts)
        return True

    def change(self, **facts: Any) -> None:
        assert self.row is not None
        self.row = self.row.model_copy(update=facts)

    def do(self, step: Any) -> dict[str, Any]:
        """Lofty does it; what the row reads after its answer."""
        assert self.row is not None
        lofty_id = self.row.lofty_id or ""
        match step:
            case Create(fields):
                self.made += 1
                lofty_id = str(self.made)
                self.tasks[lofty_id] = {**fields, "finished": False}
                return created(self.row, step, lofty_id)
            case FindCreated():
                found = looked(self.row, [{"id": int(key), **task} for key, task in self.tasks.items()])
                assert found is not None
                return found
            case _ if lofty_id not in self.tasks:
                assert isinstance(step, Delete), "what was deleted by us is not taken for deleted by hand"
                return dict(DELETED)
            case Update(fields):
                self.tasks[lofty_id].update(fields)
                return {"written": written(self.row, step)}
            case SetFinished(is_finished):
                self.tasks[lofty_id]["finished"] = is_finished
                return {"is_finished": is_finished}
            case Delete():
                del self.tasks[lofty_id]
                return dict(DELETED)
        raise AssertionError(step)


@given(
    life=st.lists(
        st.tuples(
            st.sampled_from([None, STATE, {**STATE, "endAt": "2027"}, {**STATE, "finished": True}]),
            st.lists(st.sampled_from(["answered", "applied, then lost", "lost on the way", "refused"]), max_size=4),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_becomes_of_requests_there_is_one_task_as_wanted_last(
    life: list[tuple[dict[str, Any] | None, list[str]]],
) -> None:
    """Answers are lost, the worker ends between a request and its answer, and GHL's states come and come back meanwhile."""
    lofty = Lofty()
    for state, fates in life:
        lofty.want(state)
        for fate in fates:
            lofty.step(fate)
            assert len(lofty.tasks) <= 1
    while lofty.step():
        assert len(lofty.tasks) <= 1
    wanted = life[-1][0]
    assert list(lofty.tasks.values()) == ([] if wanted is None else [wanted])
