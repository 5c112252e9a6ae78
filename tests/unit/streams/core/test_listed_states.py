"""What lists held may stand for a read only where nothing has overtaken it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.core import listed_states
from streams.core.listed_states import MOST_AGE_MS, PROOF_MS, SAMPLE_MS, ListedStates, judge
from streams.core.rows import FetchRow
from streams.messages import Entity

LEAD = Entity.contact("acme", "7")
OTHER = Entity.contact("acme", "8")
NOTE = Entity("acme", "7", "note", "70")
STATE = {"leadId": 7, "firstName": "Ada", "tags": [{"tagName": "vip"}]}


def pending(entity: Entity = LEAD, **more: Any) -> FetchRow:
    """A read that a backfill asked for."""
    fields: dict[str, Any] = {
        "operation": "created",
        "newest_update_ms": 1,
        "oldest_update_ms": 1,
        "accepted_ms": 1,
        "origin": "backfill",
    }
    return FetchRow(**entity._asdict(), **(fields | more))


def kept(states: ListedStates, *entities: Entity, now_ms: int = 0, state: dict[str, Any] = STATE) -> None:
    """A list was read."""
    with states.listing() as listing:
        for entity in entities:
            listing.keep(entity, state, now_ms)


def proven(*kinds: Entity) -> ListedStates:
    """The lists of these kinds hold all."""
    states = ListedStates()
    for entity in kinds or (LEAD,):
        kept(states, entity)
        assert states.turn(pending(entity), 0) == "request"
        assert states.was_read(entity, STATE, 0) == "whole"
    return states


def test_the_first_read_of_a_kind_shows_whether_its_list_holds_all() -> None:
    """The others wait for it, and then take what was listed."""
    states = ListedStates()
    kept(states, LEAD, OTHER, NOTE)
    assert states.turn(pending(), 0) == "request"
    assert states.turn(pending(OTHER), 1) == "wait"
    assert states.turn(pending(NOTE), 1) == "request", "another kind, another list"
    assert states.was_read(LEAD, STATE, 2) == "whole"
    assert states.turn(pending(OTHER), 3) == "take"
    taken = states.take(OTHER)
    assert (taken.state, taken.read_ms) == (STATE, 0)
    assert states.turn(pending(OTHER), 3) == "request", "it is taken once"


def test_a_list_that_holds_less_is_not_used_for_a_day() -> None:
    """Then it is tried again."""
    states = ListedStates()
    kept(states, LEAD, OTHER)
    states.turn(pending(), 0)
    assert states.was_read(LEAD, {**STATE, "lastName": "Lovelace"}, 0) == "poorer"
    assert states.turn(pending(OTHER), 1) == "request"
    assert states.was_read(OTHER, STATE, 1) is None, "nothing new"
    kept(states, LEAD, now_ms=PROOF_MS + 1)
    states.turn(pending(), PROOF_MS + 1)
    assert states.was_read(LEAD, STATE, PROOF_MS + 1) == "whole"


@pytest.mark.parametrize(
    ("listed", "single", "said"),
    [
        (STATE, STATE, "whole"),
        ({**STATE, "more": 1}, STATE, "whole"),
        (STATE, {**STATE, "score": 3}, "poorer"),
        ({**STATE, "firstName": "A"}, STATE, "poorer"),
        ({**STATE, "firstName": None}, STATE, "poorer"),
        ({**STATE, "tags": []}, STATE, "poorer"),
        ({**STATE, "firstName": "Augusta"}, STATE, "unknown"),
        (STATE, {**STATE, "firstName": ""}, "unknown"),
        ({**STATE, "isDone": False, "score": 0}, {**STATE, "isDone": True, "score": 5}, "unknown"),
        ({**STATE, "lastUpdateTime": "1", "firstName": ""}, {**STATE, "lastUpdateTime": "2"}, "unknown"),
        ({**STATE, "lastUpdateTime": "1"}, {**STATE, "lastUpdateTime": "2", "score": 5}, "poorer"),
    ],
)
def test_what_a_list_lacks_or_cuts_is_told_from_an_edit(
    listed: dict[str, Any], single: dict[str, Any], said: str
) -> None:
    """An edit between the two says nothing; a field or value that is missing does, or the beginning of a text alone."""
    assert judge(listed, single) == said


def test_an_edit_between_the_two_makes_the_next_read_show_it() -> None:
    """As does a lead that is gone, and a read of which nothing was heard."""
    states = ListedStates()
    kept(states, LEAD, OTHER, NOTE)
    states.turn(pending(), 0)
    assert states.was_read(LEAD, {**STATE, "firstName": "Bob"}, 0) == "unknown"
    assert states.turn(pending(OTHER), 1) == "request"
    assert states.was_read(OTHER, None, 1) == "unknown"
    kept(states, LEAD, OTHER)
    assert states.turn(pending(), 2) == "request"
    assert states.turn(pending(OTHER), 2 + SAMPLE_MS - 1) == "wait"
    assert states.turn(pending(OTHER), 2 + SAMPLE_MS) == "request"


@pytest.mark.parametrize(
    "more",
    [{"generation": 2}, {"origin": "webhook"}, {"origin": "replay"}, {"confirms": True}, {"only_moved": True}],
)
def test_what_another_change_asked_for_too_is_read(more: dict[str, Any]) -> None:
    """It may report an edit that came after the list."""
    states = proven()
    kept(states, LEAD)
    assert states.turn(pending(**more), 1) == "request"


def test_what_was_read_or_written_since_is_not_taken() -> None:
    """Also when the list was asked for before, and answered after."""
    states = proven()
    kept(states, LEAD)
    states.was_read(LEAD, STATE, 1)
    assert states.turn(pending(), 2) == "request"
    kept(states, LEAD)
    states.was_written(LEAD.lane)
    assert states.turn(pending(), 2) == "request"
    for happens in (lambda: states.was_read(LEAD, STATE, 1), lambda: states.was_written(LEAD.lane)):
        with states.listing() as listing:
            happens()
            listing.keep(LEAD, STATE, 1)
            listing.keep(OTHER, STATE, 1)
        assert (states.turn(pending(), 2), states.turn(pending(OTHER), 2)) == ("request", "take")


def test_a_write_concerns_all_that_hangs_on_the_lead() -> None:
    """It is the lead's lane that is written in."""
    states = proven(LEAD, NOTE)
    kept(states, LEAD, NOTE, OTHER)
    states.was_written(LEAD.lane)
    assert [states.turn(pending(one), 1) for one in (LEAD, NOTE, OTHER)] == ["request", "request", "take"]


def test_what_is_old_or_of_another_owner_is_not_taken() -> None:
    """Nor what was proven then."""
    states = proven()
    kept(states, LEAD)
    assert states.turn(pending(), MOST_AGE_MS) == "take"
    assert states.turn(pending(), MOST_AGE_MS + 1) == "request"
    kept(states, LEAD, OTHER)
    states.forget("acme")
    assert states.turn(pending(), 1) == "request"
    kept(states, LEAD)
    assert states.turn(pending(), 1) == "request", "it is to be proven again"


def test_memory_is_bounded_and_what_nobody_took_leaves_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is read by a request."""
    monkeypatch.setattr(listed_states, "MOST_BYTES", 200)
    states = proven()
    leads = [Entity.contact("acme", str(number)) for number in range(1, 10)]
    kept(states, *leads)
    turns = [states.turn(pending(one), 1) for one in leads]
    assert turns == sorted(turns, reverse=True)
    assert 0 < turns.count("take") < 9
    late = MOST_AGE_MS + 1
    kept(states, OTHER, now_ms=late)
    assert states.turn(pending(OTHER), late) == "take"
    states.take(OTHER)
    states.forget("acme")
    assert states._bytes == 0
    assert not states._lanes


# -- in any order --------------------------------------------------------------------------------------------


STEPS = (
    *("edit", "list", "list sees", "listed", "turn", "sees", "back", "write", "wrote"),
    *("list others", "listed others"),
)


@dataclass
class EditedLead:
    """One lead that is edited, listed, read and written in any order, with requests that overlap as they like.

    `version` is Lofty's; what an answer holds is of some moment between its request and its arrival. `emitted` is what went to GHL.
    """

    random: random.Random
    states: ListedStates = field(default_factory=proven)
    taken: int = 0
    version: int = 1
    written: int = 0
    pending: bool = False
    emitted: list[int] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """The lead as it is."""
        return {"leadId": 7, "version": self.version}

    def life(self, steps: int) -> None:
        """Anything, so often. Lists, also of others, may be under way during anything else; a lane does one thing at a time."""
        listing: Any = None
        of_others: list[Any] = []
        held: dict[str, Any] | None = None
        busy: str = ""
        answer: dict[str, Any] | None = None
        for _ in range(steps):
            match self.random.choice(STEPS):
                case "edit":
                    self.version += 1
                case "list others":
                    of_others.append(self.states.listing())
                    of_others[-1].__enter__()
                case "listed others" if of_others:
                    of_others.pop(0).__exit__(None, None, None)
                case "list" if listing is None:
                    listing = self.states.listing()
                    opened, held = listing.__enter__(), None
                case "list sees" if listing is not None and held is None:
                    held = self.state()
                case "listed" if listing is not None and held is not None:
                    opened.keep(LEAD, held, 0)
                    listing.__exit__(None, None, None)
                    listing, self.pending = None, True
                case "turn" if self.pending and not busy:
                    match self.states.turn(pending(), 0):
                        case "take":
                            self.taken += 1
                            self.emit(self.states.take(LEAD).state)
                        case "request":
                            busy, answer = "read", None
                case "sees" if busy == "read" and answer is None:
                    answer = self.state()
                case "back" if busy == "read" and answer is not None:
                    self.states.was_read(LEAD, answer, 0)
                    self.emit(answer)
                    busy = ""
                case "write" if not busy:
                    self.states.was_written(LEAD.lane)
                    busy = "write"
                case "wrote" if busy == "write":
                    self.version += 1
                    self.states.was_written(LEAD.lane)
                    self.written, busy = self.version, ""

    def emit(self, state: dict[str, Any]) -> None:
        """A snapshot."""
        self.pending = False
        self.emitted.append(state["version"])
        assert state["version"] >= self.written, "a state of before our own write"


def test_in_any_order_no_snapshot_is_older_than_the_one_before_it_or_than_our_write() -> None:
    """As if each had been read at its turn; and lists are used all the same."""
    taken = 0
    for seed in range(3000):
        lead = EditedLead(random.Random(seed))
        lead.life(80)
        assert lead.emitted == sorted(lead.emitted), f"seed {seed}"
        taken += lead.taken
    assert taken > 300
