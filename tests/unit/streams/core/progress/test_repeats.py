"""When work that fails in the same way again and again is parked, and when its connection pauses instead."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import (
    AnswerTooLarge,
    ConnectorError,
    MalformedAnswer,
    NotSent,
    TokenUnavailable,
    Unanswered,
    VendorError,
)
from streams.core.progress import repeats as module
from streams.core.progress.repeats import (
    DEFECT,
    LONG,
    MOST_RUNS,
    SHORT,
    Failure,
    Limit,
    RepeatedFailures,
    defect,
    failure_of,
)

MALFORMED = Failure("malformed answer", "expected JSON", SHORT)
DEFECT_OF_OURS = defect(KeyError("planted"))
FACTS = {"vendor": "ghl", "operation": "o", "messages": ("m",)}


def fail(repeats: RepeatedFailures, failure: Failure, *times: float, key: str = "k") -> list[str]:
    """What is decided at each of these times."""
    return [repeats.failed(key, "s", failure, at) for at in times]


def test_a_thing_that_fails_while_others_go_well_is_parked_after_some_minutes() -> None:
    """Both the number and the time are needed."""
    repeats = RepeatedFailures()
    assert fail(repeats, MALFORMED, 0, 1, 2, 3, 4, 5, 100) == ["again"] * 7
    repeats.succeeded("other", "s", 101)
    assert fail(repeats, MALFORMED, 179, 180) == ["again", "park"]


def test_work_that_ends_at_the_same_time_is_not_parked_beyond_the_bound() -> None:
    """Eight in flight all fail for good before the first of them is parked: that is decided for three of them."""
    repeats = RepeatedFailures()
    keys = [f"k{number}" for number in range(8)]
    for key in keys:
        fail(repeats, DEFECT_OF_OURS, 0, 1, 2, 3, key=key)
    assert [repeats.failed(key, "s", DEFECT_OF_OURS, 300) for key in keys] == ["park"] * 3 + ["pause"] * 5
    repeats.kept("k0", "s")  # Kafka did not take it
    for key in ("k1", "k2"):
        repeats.parked(key, "s")
    assert repeats.failed("k3", "s", DEFECT_OF_OURS, 301) == "park"
    assert repeats.failed("k3", "s", DEFECT_OF_OURS, 302) == "park", "it does not count against itself"
    assert repeats.failed("k4", "s", DEFECT_OF_OURS, 303) == "pause"
    repeats.succeeded("k5", "s", 304)
    assert repeats.failed("k4", "s", DEFECT_OF_OURS, 305) == "park"


def test_a_thing_that_fails_seldom_is_not_parked_by_time_alone() -> None:
    """Two failures in an hour are no proof."""
    repeats = RepeatedFailures()
    assert fail(repeats, MALFORMED, 0) == ["again"]
    repeats.succeeded("other", "s", 1)
    assert fail(repeats, MALFORMED, 3600, 3601, 3602, 3603) == ["again", "again", "again", "park"]


def test_when_nothing_else_goes_well_it_takes_longer() -> None:
    """It is more likely the vendor; a success of before the first failure proves nothing, nor does another connection's."""
    repeats = RepeatedFailures()
    repeats.succeeded("other", "s", -1)
    fail(repeats, MALFORMED, 0, 1, 2, 3, 4)
    repeats.succeeded("other", "another connection", 5)
    assert fail(repeats, MALFORMED, SHORT.alone_seconds - 1, SHORT.alone_seconds) == ["again", "park"]


def test_what_only_an_outage_explains_is_never_parked_alone() -> None:
    """A 5xx for a day is an outage; beside others that go well it is about the thing."""
    repeats, failure = RepeatedFailures(), Failure("server error", "500", LONG)
    assert set(fail(repeats, failure, *range(0, 86_400, 300))) == {"again"}
    repeats.succeeded("other", "s", 86_400)
    assert fail(repeats, failure, 86_401) == ["park"]


def test_another_failure_begins_anew() -> None:
    """The same way means the same way; a success ends it, too."""
    repeats = RepeatedFailures()
    one, other = defect(ValueError("a")), defect(RecursionError("b"))
    assert fail(repeats, one, 0, 100, 200, 300)[-1] == "again"
    assert fail(repeats, other, 301) == ["again"]
    assert fail(repeats, one, 302, 402, 502, 602) == ["again"] * 4
    repeats.succeeded("k", "s", 603)
    assert fail(repeats, one, 604) == ["again"]


def test_when_most_would_be_parked_the_connection_pauses_instead() -> None:
    """At most three in a row without a success between them; one success, and it goes on."""
    repeats, decisions = RepeatedFailures(), []
    for number in range(6):
        key = f"k{number}"
        decisions.append(fail(repeats, defect(ValueError("x")), 0, 100, 200, 300, 400, key=key)[-1])
        if decisions[-1] == "park":
            repeats.parked(key, "s")
    assert decisions == ["park", "park", "park", "pause", "pause", "pause"]
    repeats.succeeded("other", "s", 500)
    assert fail(repeats, defect(ValueError("x")), 501, key="k5") == ["park"]


def test_more_than_half_of_the_last_is_most() -> None:
    """Successes between them do not help when they are too few."""
    repeats = RepeatedFailures(Limit(most_in_a_row=3, most_part=0.5, of_last=10))
    parked = 0
    for number in range(100):
        if number % 3 == 0:
            repeats.succeeded(f"good {number}", "s", number)
        elif fail(repeats, defect(ValueError("x")), 0, 1, 2, 3, 1000 + number, key=f"k{number}")[-1] == "park":
            repeats.parked(f"k{number}", "s")
            parked += 1
    assert 34 <= parked <= 34 * 6 / 4 < 66


@pytest.mark.parametrize(
    ("error", "policy"),
    [
        (NotSent("GET", "https://x.test", "c"), None),
        (TokenUnavailable("b", "c"), None),
        (Unanswered("GET", "https://x.test", "TimeoutError"), LONG),
        (AnswerTooLarge("GET", "https://x.test", 200, 1), SHORT),
        (MalformedAnswer(status=200, **FACTS), SHORT),
        (VendorError(status=500, **FACTS), LONG),
        (VendorError(status=429, **FACTS), None),
        (VendorError(status=401, **FACTS), None),
    ],
)
def test_which_answers_count_and_how_long(error: ConnectorError, policy: object) -> None:
    """What says nothing of the thing (no connection, a pause) never counts."""
    failure = failure_of(error)
    assert (failure.policy if failure else None) == policy


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever more failing things: the one that failed longest ago is forgotten."""
    assert MOST_RUNS <= 10_000
    monkeypatch.setattr(module, "MOST_RUNS", 3)
    repeats = RepeatedFailures()
    for key in "abcabcd":
        repeats.failed(key, "s", MALFORMED, 0)
    assert [repeats.times(key) for key in "abcd"] == [0, 2, 2, 1]


FAILURES = st.sampled_from(
    [MALFORMED, Failure("server error", "500", LONG), defect(ValueError("x")), defect(RecursionError("y"))]
)
EVENTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.none() | FAILURES, st.floats(0, 700, allow_nan=False)), max_size=120
)


@given(EVENTS)
def test_whatever_happens_nothing_is_parked_too_soon_or_too_often(
    events: list[tuple[str, Failure | None, float]],
) -> None:
    """A model beside it: the run of equal failures of each thing, and what was parked since the last success."""
    repeats, limit, now = RepeatedFailures(), Limit(), 0.0
    runs: dict[str, tuple[Failure, list[float]]] = {}
    in_a_row, succeeded_at = 0, -inf
    for key, failure, seconds in events:
        now += seconds
        if failure is None:
            repeats.succeeded(key, "s", now)
            runs.pop(key, None)
            in_a_row, succeeded_at = 0, now
            continue
        before = runs.get(key)
        same = before is not None and (before[0].cause, before[0].kind) == (failure.cause, failure.kind)
        runs[key] = (failure, [*(before[1] if before and same else []), now])
        decision = repeats.failed(key, "s", failure, now)
        times, policy = runs[key][1], failure.policy
        is_proven = succeeded_at > times[0]
        is_due = len(times) >= policy.times and now - times[0] >= (
            policy.over_seconds if is_proven else policy.alone_seconds
        )
        assert (decision != "again") == is_due
        if decision == "park":
            assert in_a_row < limit.most_in_a_row
            repeats.parked(key, "s")
            del runs[key]
            in_a_row += 1


def test_the_patience_is_what_the_decision_says() -> None:
    """Some minutes; a defect of ours has no outage to wait for."""
    assert 60 <= SHORT.over_seconds <= 300
    assert DEFECT.alone_seconds == DEFECT.over_seconds
    assert LONG.alone_seconds == inf
