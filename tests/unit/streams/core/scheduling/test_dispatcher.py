"""The dispatcher's promises one by one, as sentences; their combinations are in `test_dispatcher_model.py`."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rate import RateHeaders
from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher, Item, Priority, Verdict

ROOMY = BudgetPolicy(limit=1000, window_seconds=10.0, in_flight=1000)
SINGLE = BudgetPolicy(limit=1000, window_seconds=10.0, in_flight=1)


def contact(lane: str = "a", *, budget: str = "b", tenant: str = "t", priority: Priority = Priority.LIVE) -> Item:
    """The contact of a lane."""
    return Item(f"{lane}:contact", lane, budget, tenant, priority, rank=0)


def note(lane: str = "a", name: str = "note", *, budget: str = "b", priority: Priority = Priority.LIVE) -> Item:
    """A note of a lane."""
    return Item(f"{lane}:{name}", lane, budget, "t", priority, rank=1)


def dispatcher(policy: BudgetPolicy = ROOMY, *budgets: str) -> Dispatcher:
    """A dispatcher that owns some budgets."""
    core = Dispatcher()
    for budget in budgets or ("b",):
        core.acquire(budget, policy)
    return core


def end(core: Dispatcher, item: Item, verdict: Verdict = Verdict.DONE, now: float = 0.0, wait: float = 0.0) -> None:
    """Report an item from answer to finish."""
    core.answered(item, now)
    core.finish(item, verdict, now, wait_seconds=wait)


def keys(started: list[Item]) -> list[str]:
    """The keys of what was started."""
    return [item.key for item in started]


def test_ten_offers_of_a_waiting_entity_are_one_start() -> None:
    """Offers of an entity that waits coalesce."""
    core = dispatcher()
    told = [core.offer_item(contact(), 0.0) for _ in range(10)]
    (first,) = core.start(0.0)
    end(core, first)
    assert told == [True] + [False] * 9
    assert core.start(100.0) == []
    assert core.is_idle


def test_ten_offers_of_an_active_entity_are_exactly_one_more_start() -> None:
    """What changes while it is worked on is worked on once more."""
    core = dispatcher()
    core.offer_item(contact(), 0.0)
    (first,) = core.start(0.0)
    told = [core.offer_item(contact(), 0.0) for _ in range(10)]
    end(core, first)
    (second,) = core.start(0.0)
    end(core, second)
    assert told == [True] + [False] * 9
    assert core.start(0.0) == []


def test_an_offer_after_the_answer_and_before_the_finish_is_not_lost() -> None:
    """Between answer and finish the entity still is active."""
    core = dispatcher()
    core.offer_item(contact(), 0.0)
    (first,) = core.start(0.0)
    core.answered(first, 0.0)
    core.offer_item(contact(), 0.0)
    core.finish(first, Verdict.PARKED, 0.0)
    assert keys(core.start(0.0)) == ["a:contact"]


def test_a_live_change_of_an_entity_in_backfill_goes_on_as_live() -> None:
    """The urgency of an offer that comes while the entity is active is kept."""
    core = dispatcher(SINGLE)
    core.offer_item(contact(priority=Priority.BACKFILL), 0.0)
    (first,) = core.start(0.0)
    core.offer_item(contact("z", priority=Priority.SWEEP), 0.0)
    core.offer_item(contact(priority=Priority.LIVE), 0.0)
    end(core, first)
    (second,) = core.start(0.0)
    assert (second.key, second.priority) == ("a:contact", Priority.LIVE)


def test_an_offer_to_a_budget_that_is_not_ours_is_refused() -> None:
    """The tables of its owner remember it."""
    core = dispatcher()
    assert core.offer_item(contact(budget="other"), 0.0) is False
    assert core.is_idle


def test_a_contact_goes_before_its_notes_and_one_at_a_time() -> None:
    """The lane's order, whatever was offered first."""
    core = dispatcher()
    for item in (note(), note(name="task"), contact(priority=Priority.BACKFILL)):
        core.offer_item(item, 0.0)
    order = []
    for _ in range(3):
        (item,) = core.start(0.0)
        order.append(item.key)
        end(core, item)
    assert order == ["a:contact", "a:note", "a:task"]


def test_a_contact_that_waits_after_a_failure_holds_its_notes_back() -> None:
    """The lane waits with its contact."""
    core = dispatcher()
    core.offer_item(contact(), 0.0)
    core.offer_item(note(), 0.0)
    (item,) = core.start(0.0)
    end(core, item, Verdict.RETRY, wait=5.0)
    assert core.start(4.0) == []
    assert core.wait_seconds(4.0) == 1.0
    assert keys(core.start(5.0)) == ["a:contact"]


@pytest.mark.parametrize(("verdict", "starts"), [(Verdict.DONE, ["a:note"]), (Verdict.PARKED, [])])
def test_only_a_contact_that_is_done_unblocks_its_notes(verdict: Verdict, starts: list[str]) -> None:
    """A parked contact is not in GHL, so what hangs on it still has to wait."""
    core = dispatcher()
    core.offer_item(note(), 0.0)
    (blocked,) = core.start(0.0)
    end(core, blocked, Verdict.BLOCKED)
    core.offer_item(contact(), 0.0)
    (owner,) = core.start(0.0)
    end(core, owner, verdict)
    assert owner.key == "a:contact"
    assert keys(core.start(1.0)) == starts


def test_a_contact_is_as_urgent_as_the_note_that_waits_for_it() -> None:
    """A live note is not held up by the backfill of its contact."""
    core = dispatcher(SINGLE)
    core.offer_item(note(), 0.0)
    (blocked,) = core.start(0.0)
    end(core, blocked, Verdict.BLOCKED)
    core.offer_item(contact("z", priority=Priority.SWEEP), 0.0)
    core.offer_item(contact(priority=Priority.BACKFILL), 0.0)
    assert keys(core.start(0.0)) == ["a:contact"]


def test_opt_outs_go_before_live_before_sweep_before_backfill_before_verification() -> None:
    """Across lanes the priority decides, whatever came first."""
    core = dispatcher(SINGLE)
    for priority in (Priority.BACKFILL, Priority.VERIFY, Priority.SWEEP, Priority.LIVE, Priority.OPT_OUT):
        core.offer_item(contact(priority.name, priority=priority), 0.0)
    order = []
    for _ in Priority:
        (item,) = core.start(0.0)
        order.append(item.lane)
        end(core, item)
    assert order == ["OPT_OUT", "LIVE", "SWEEP", "BACKFILL", "VERIFY"]


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(list(Verdict)[:4])), max_size=40))
def test_tenants_that_share_a_budget_are_started_by_turns(turns: list[tuple[int, Verdict]]) -> None:
    """While both have ready lanes of equal priority, their starts differ by one at most, however they end."""
    core = dispatcher(BudgetPolicy(10_000, 10.0, in_flight=4))
    for number in range(200):
        core.offer_item(contact(f"big-{number}", tenant="big"), 0.0)
    for number in range(200):
        core.offer_item(contact(f"small-{number}", tenant="small"), 0.0)
    counts = {"big": 0, "small": 0}
    going: list[Item] = []
    for finishes, verdict in turns:
        for item in core.start(0.0):
            counts[item.tenant] += 1
            going.append(item)
            assert abs(counts["big"] - counts["small"]) <= 1
        for item in going[:finishes]:
            end(core, item, verdict, wait=60.0)
        del going[:finishes]


def test_a_tenant_that_holds_its_breath_gives_its_turns_away() -> None:
    """A held tenant starts nothing, the others go on; after the release its work goes on."""
    core = dispatcher(SINGLE)
    core.offer_item(contact("a", tenant="held"), 0.0)
    core.offer_item(contact("z", tenant="free"), 0.0)
    core.hold_tenant("b", "held")
    (item,) = core.start(0.0)
    end(core, item)
    waits = core.wait_seconds(0.0)
    nothing = core.start(0.0)
    core.release_tenant("b", "held")
    assert (item.key, nothing, waits) == ("z:contact", [], None)
    assert keys(core.start(0.0)) == ["a:contact"]


@pytest.mark.parametrize("obstacle", ["paused", "dead", "exhausted", "used up", "full"])
def test_a_budget_that_cannot_go_on_delays_no_other(obstacle: str) -> None:
    """Pause, dead token, used-up window or day and full flight concern one budget alone."""
    core = dispatcher(BudgetPolicy(2, 10.0, 1, daily_limit=100), "b", "c")
    for lane in ("a", "z"):
        core.offer_item(contact(lane), 0.0)
    match obstacle:
        case "paused" | "dead":
            core.pause("b", inf if obstacle == "dead" else 60.0, "429")
        case "exhausted":
            core.observe("b", RateHeaders(limit=2, remaining=0, reset_seconds=9.0), 0.0)
        case "used up":
            core.observe("b", RateHeaders(daily_limit=100, daily_remaining=0, daily_reset_seconds=9.0), 0.0)
        case "full":
            core.start(0.0)
    core.offer_item(contact("y", budget="c"), 0.0)
    assert keys(core.start(0.0)) == ["y:contact"]


def test_a_longer_pause_stands_and_the_end_is_waited_for() -> None:
    """A second, shorter pause does not shorten the first."""
    core = dispatcher()
    core.offer_item(contact(), 0.0)
    core.pause("b", 30.0, "429")
    core.pause("b", 10.0, "429 again")
    assert core.wait_seconds(0.0) == 30.0
    assert core.start(29.0) == []
    assert keys(core.start(30.0)) == ["a:contact"]


def test_a_failed_entity_waits_and_others_of_its_budget_go_on() -> None:
    """Backoff concerns one lane."""
    core = dispatcher()
    core.offer_item(contact(), 0.0)
    core.offer_item(contact("z"), 0.0)
    for item in core.start(0.0):
        end(core, item, Verdict.RETRY if item.lane == "a" else Verdict.AGAIN, wait=5.0)
    assert keys(core.start(0.0)) == ["z:contact"]


def test_a_budget_that_was_lost_and_gained_again_has_not_forgotten_what_it_spent() -> None:
    """The vendor still counts what was sent before a rebalance."""
    core = dispatcher(BudgetPolicy(2, 10.0, 2))
    for lane in "ay":
        core.offer_item(contact(lane), 0.0)
    answered, unanswered = core.start(0.0)
    core.answered(answered, 1.0)
    core.release("b")
    core.acquire("b", BudgetPolicy(2, 10.0, 2))
    core.offer_item(contact(), 2.0)
    core.offer_item(contact("z"), 2.0)
    at_once = core.start(2.0)
    core.answered(unanswered, 3.0)
    assert at_once == []
    assert keys(core.start(11.0)) == ["a:contact"]
    assert keys(core.start(13.0)) == ["z:contact"]


def test_a_late_report_does_not_end_the_work_of_a_budget_gained_again() -> None:
    """A report counts for the start it was given by, even when the same entity is in flight again."""
    core = dispatcher(SINGLE)
    core.offer_item(contact(), 0.0)
    (old,) = core.start(0.0)
    core.release("b")
    core.acquire("b", SINGLE)
    core.offer_item(contact(), 0.0)
    core.offer_item(note(), 0.0)
    while_the_old_one_is_out = core.start(0.0)
    core.answered(old, 1.0)
    (new,) = core.start(1.0)
    core.finish(old, Verdict.DONE, 1.0)
    core.answered(old, 1.0)
    (view,) = core.view(1.0)
    assert while_the_old_one_is_out == []
    assert new.key == "a:contact"
    assert view.in_flight == 1
    assert core.start(1.0) == []


DAILY = BudgetPolicy(1000, 10.0, 100, daily_limit=100, live_reserve=0.25)
"""With twenty-five requests a day for live changes, and five of them before these are paced."""


def told(remaining: int, reset_seconds: float = 86_400.0) -> RateHeaders:
    """What the vendor says of its day."""
    return RateHeaders(daily_limit=100, daily_remaining=remaining, daily_reset_seconds=reset_seconds)


def test_when_the_quota_is_low_only_opt_outs_and_live_changes_start_and_the_view_says_what_waits_for_it() -> None:
    """An operator sees why nothing happens."""
    core = dispatcher(DAILY)
    core.observe("b", told(20), 0.0)
    for priority in Priority:
        core.offer_item(contact(priority.name, priority=priority), 0.0)
    started = [item.lane for item in core.start(0.0)]
    (view,) = core.view(0.0)
    assert started == ["OPT_OUT", "LIVE"]
    assert (view.quota_left, view.quota_limit, view.waiting_for_quota) == (18, 100, 3)
    assert view.quota_regime == "low: only live changes"
    assert view.as_dict()["waiting"] == {"opt_out": 0, "live": 0, "sweep": 1, "backfill": 1, "verify": 1}


def test_what_waits_for_the_quota_goes_on_as_the_reserve_shrinks() -> None:
    """The time is known, so the dispatcher sleeps until then."""
    core = dispatcher(DAILY)
    core.observe("b", told(20), 0.0)
    core.offer_item(contact(priority=Priority.BACKFILL), 0.0)
    at_first = core.start(0.0)
    seconds = core.wait_seconds(0.0)
    assert at_first == []
    assert seconds == pytest.approx(86_400 / 5, rel=0.001)
    assert keys(core.start(seconds or 0.0)) == ["a:contact"]


def test_live_changes_that_wait_for_a_scarce_quota_coalesce() -> None:
    """Each request that is left carries the newest state."""
    core = dispatcher(DAILY)
    core.observe("b", told(3), 0.0)
    core.offer_item(contact("z"), 0.0)
    (first,) = core.start(0.0)
    end(core, first)
    told_new = [core.offer_item(contact(), 1.0) for _ in range(10)]
    at_once, seconds = core.start(1.0), core.wait_seconds(1.0)
    assert at_once == []
    assert told_new == [True] + [False] * 9
    assert seconds == pytest.approx(86_400 / 3, rel=0.01)
    assert len(core.start(1.0 + (seconds or 0.0))) == 1


def test_the_end_of_the_quota_pauses_until_the_reset_even_when_nobody_says_pause() -> None:
    """A 429 of the day brings the headers that say so; then everything goes on by itself."""
    core = dispatcher(DAILY)
    core.offer_item(contact(priority=Priority.BACKFILL), 0.0)
    (first,) = core.start(0.0)
    core.observe("b", told(0, 600.0), 0.0)
    end(core, first, Verdict.RETRY, wait=5.0)
    nothing, seconds = core.start(599.0), core.wait_seconds(599.0)
    (view,) = core.view(599.0)
    assert nothing == []
    assert (view.quota_regime, view.waiting_for_quota) == ("used up: waiting for the reset", 1)
    assert seconds == pytest.approx(2.0)
    assert keys(core.start(601.0)) == ["a:contact"]


def test_a_budget_that_was_lost_and_gained_again_has_not_forgotten_its_day() -> None:
    """A rebalance is no new day."""
    core = dispatcher(BudgetPolicy(1000, 10.0, 100, daily_limit=2, live_reserve=0.0))
    for lane in "ay":
        core.offer_item(contact(lane), 0.0)
    answered, unanswered = core.start(0.0)
    core.answered(answered, 1.0)
    core.release("b")
    core.acquire("b", BudgetPolicy(1000, 10.0, 100, daily_limit=2, live_reserve=0.0))
    core.offer_item(contact("z"), 2.0)
    core.answered(unanswered, 3.0)
    (view,) = core.view(3.0)
    assert core.start(3.0) == []
    assert view.quota_left == 0


def test_a_budget_without_a_daily_quota_has_none_in_its_view() -> None:
    """Lofty has no such limit."""
    (view,) = dispatcher().view(0.0)
    assert (view.quota_left, view.quota_reset_seconds, view.quota_regime) == (None, None, "")


def test_a_step_that_counts_on_the_one_before_goes_before_the_others_of_its_priority() -> None:
    """But not before what is more urgent, nor out of the turn of another tenant."""
    core = dispatcher(SINGLE)
    for item in (contact("a"), contact("b"), contact("c", priority=Priority.OPT_OUT)):
        core.offer_item(item, 0.0)
    found = []
    for verdict in (Verdict.DONE, Verdict.NEXT, Verdict.DONE, Verdict.DONE):
        (one,) = core.start(0.0)
        found.append(one.lane)
        if len(found) == 2:
            core.offer_item(contact("d", priority=Priority.OPT_OUT), 0.0)
        end(core, one, verdict)
    assert found == ["c", "a", "d", "a"]
    assert keys(core.start(0.0)) == ["b:contact"]


@pytest.mark.parametrize(("verdict", "most"), [(Verdict.NEXT, 600), (Verdict.AGAIN, None)])
def test_hundreds_of_reads_that_grow_old_are_each_followed_by_their_write(verdict: Verdict, most: int | None) -> None:
    """Three hundred contacts, ten requests a second, and what was read counts for ten seconds: behind the others none is ever written."""
    core = dispatcher(BudgetPolicy(limit=100, window_seconds=10.0, in_flight=10))
    for number in range(300):
        core.offer_item(contact(f"{number}"), 0.0)
    now, requests, read_at, written = 0.0, 0, dict[str, float](), 0
    while written < 300 and requests < 6_000:
        for one in core.start(now):
            requests += 1
            core.answered(one, now)
            if now - read_at.pop(one.lane, -inf) < 10.0:
                written += 1
                core.finish(one, Verdict.DONE, now)
            else:
                read_at[one.lane] = now
                core.finish(one, verdict, now)
        now += 0.05
    assert (written == 300, requests) == (True, most) if most else written == 0
