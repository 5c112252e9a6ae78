"""An unexplained 403: about one record it is parked, about all the budget pauses, and nothing is parked for lost access."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from streams.core.refusals import ALIKE, MOST_KEPT, TRIES, Judgement, Refusals

BUDGET = "loc"
STEPS, RECORDS = ("update contact", "create note"), tuple("abcde")

requests = st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(RECORDS)), max_size=120)


def play(
    asked: list[tuple[str, str]], is_refused: Callable[[str, str], bool]
) -> list[tuple[str, str, Judgement | None]]:
    """Each request in turn: refused with a judgement, or served (None). What is parked is not asked for again."""
    on, parked, found = Refusals(), set[tuple[str, str]](), []
    for step, record in asked:
        if (step, record) in parked:
            continue
        if not is_refused(step, record):
            on.served(BUDGET, step, record)
            found.append((step, record, None))
            continue
        judgement = on.refused(BUDGET, step, record)
        found.append((step, record, judgement))
        if judgement is Judgement.PARK:
            parked.add((step, record))
    return found


@given(requests)
def test_lost_access_parks_nothing_and_pauses_soon(asked: list[tuple[str, str]]) -> None:
    """Nothing is served: after three different records, or three tries of one, each refusal pauses."""
    found = play(asked, lambda _step, _record: True)
    assert all(judgement is not Judgement.PARK for _, _, judgement in found)
    tries, row = Counter[tuple[str, str]](), {step: set[str]() for step in STEPS}
    for step, record, judgement in found:
        tries[step, record] += 1
        row[step].add(record)
        is_all = tries[step, record] >= TRIES or len(row[step]) >= ALIKE
        assert (judgement is Judgement.PAUSE) is is_all


@given(st.lists(st.sampled_from(RECORDS), max_size=200), st.sampled_from(RECORDS))
def test_one_foreign_record_among_others_is_parked_and_the_others_go_on(asked: list[str], foreign: str) -> None:
    """From its third try on, once anything else was served since its first."""
    found = play([(STEPS[0], record) for record in asked], lambda _step, record: record == foreign)
    tries, is_served = 0, False
    for _, _, judgement in found:
        if judgement is None:
            is_served = tries > 0
            continue
        tries += 1
        at_last = Judgement.PARK if is_served else Judgement.PAUSE
        assert judgement is (Judgement.TRY_AGAIN if tries < TRIES else at_last)


@given(requests)
def test_a_step_that_is_refused_to_everybody_parks_fewer_than_three(asked: list[tuple[str, str]]) -> None:
    """Though all other steps are served."""
    found = play(asked, lambda step, _record: step == STEPS[0])
    parked = {record for step, record, judgement in found if judgement is Judgement.PARK}
    assert len(parked) < ALIKE
    different = [record for step, record, _ in found if step == STEPS[0]]
    if len(set(different)) >= ALIKE:
        last = [judgement for step, _, judgement in found if step == STEPS[0]][-1]
        assert last is Judgement.PAUSE


@given(requests, st.sets(st.tuples(st.sampled_from(STEPS), st.sampled_from(RECORDS)), max_size=ALIKE - 1))
def test_fewer_than_three_foreign_records_never_stop_what_is_served(
    asked: list[tuple[str, str]], foreign: set[tuple[str, str]]
) -> None:
    """A pause needs three in a row, or that nothing was served since the record was refused first."""
    found = play(asked, lambda step, record: (step, record) in foreign)
    first: dict[tuple[str, str], int] = {}
    for place, (step, record, judgement) in enumerate(found):
        if judgement is None:
            continue
        began = first.setdefault((step, record), place)
        served = any(one is None for _, _, one in found[began:place])
        assert judgement is not Judgement.PAUSE or not served


@given(requests, st.integers(0, 119))
def test_access_that_comes_back_ends_it(asked: list[tuple[str, str]], back: int) -> None:
    """From the first served request of a step on, none of its records is judged by what was before."""
    on = Refusals()
    for step, record in asked[:back]:
        on.refused(BUDGET, step, record)
    for step in STEPS:
        for record in RECORDS:
            on.served(BUDGET, step, record)
    assert on.refused(BUDGET, STEPS[0], RECORDS[0]) is Judgement.TRY_AGAIN


def test_budgets_are_judged_apart() -> None:
    """What one location serves says nothing of another."""
    on = Refusals()
    for number in range(ALIKE):
        on.refused("one", STEPS[0], str(number))
    assert on.refused("other", STEPS[0], "0") is Judgement.TRY_AGAIN


def test_it_remembers_a_bounded_number_of_records() -> None:
    """Ever new records are refused: the first is new again."""
    on = Refusals()
    for number in range(MOST_KEPT + 5):
        on.served(BUDGET, STEPS[0], "other")
        on.refused(BUDGET, STEPS[0], str(number))
    assert len(on._budgets[BUDGET].refused) == MOST_KEPT
