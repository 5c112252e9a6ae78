"""After the steps each needed list has one right subscription of ours, and nobody else's was touched."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from connectors.lofty.wire import Subscription
from streams.operations.subscriptions.plan import LISTS, PERMISSION_MODE, SubscriptionStep, reconcile, removal

BASE = "https://hooks.example.com/lofty/"
URL, EARLIER, SISTER = f"{BASE}now", f"{BASE}before", f"{BASE}sister"
FOREIGN = "https://elsewhere.example.com/lofty/now"


def one_of(
    subscribe_id: int, list_id: int, callback_url: str, limit: int | None, permission_mode: int | None
) -> Subscription:
    """A subscription as Lofty lists it."""
    facts = {"subscribeId": subscribe_id, "listId": list_id, "callbackUrl": callback_url}
    return Subscription.model_validate({**facts, "limit": limit, "permissionMode": permission_mode})


EXISTING = st.lists(
    st.builds(
        one_of,
        subscribe_id=st.integers(1, 10**9),
        list_id=st.sampled_from([*LISTS, 1, 3]),
        callback_url=st.sampled_from([URL, EARLIER, SISTER, FOREIGN]),
        limit=st.sampled_from([None, 100, 5000]),
        permission_mode=st.sampled_from([None, 0, PERMISSION_MODE]),
    ),
    max_size=14,
    unique_by=lambda one: one.subscribe_id,
)


def after(existing: list[Subscription], steps: list[SubscriptionStep]) -> list[Subscription]:
    """What Lofty holds when all steps were done."""
    ids = count(2 * 10**9)
    held = {one.subscribe_id: one for one in existing}
    for step in steps:
        if step.action == "create":
            made = one_of(next(ids), step.list_id, URL, 5000, PERMISSION_MODE)
            held[made.subscribe_id] = made
        elif step.action == "remove" and step.subscription is not None:
            del held[step.subscription.subscribe_id]
    return list(held.values())


@given(existing=EXISTING)
def test_each_needed_list_has_one_right_subscription_and_no_other_is_ours(existing: list[Subscription]) -> None:
    """Whatever stood there; and a second run has nothing to do."""
    held = after(existing, reconcile(existing, URL, BASE, {SISTER}))
    ours = [one for one in held if one.callback_url in (URL, EARLIER)]
    assert sorted(one.list_id for one in ours) == sorted(LISTS)
    assert {one.callback_url for one in ours} == {URL}
    assert all(one.permission_mode in (None, PERMISSION_MODE) for one in ours)
    assert {step.action for step in reconcile(held, URL, BASE, {SISTER})} == {"keep"}


@given(existing=EXISTING)
def test_nobody_elses_is_touched(existing: list[Subscription]) -> None:
    """Neither another vendor's nor that of another connection of ours."""
    theirs = [one for one in existing if one.callback_url in (SISTER, FOREIGN)]
    for decide in (reconcile, removal):
        held = after(existing, decide(existing, URL, BASE, {SISTER}))
        assert [one for one in held if one.callback_url in (SISTER, FOREIGN)] == theirs


@given(existing=EXISTING)
def test_nothing_is_removed_before_its_successor_stands(existing: list[Subscription]) -> None:
    """Interrupted after any step: no list that was delivered is lost."""
    steps = reconcile(existing, URL, BASE, {SISTER})
    told = {one.list_id for one in existing if one.callback_url in (URL, EARLIER)} & LISTS.keys()
    for done in range(len(steps) + 1):
        held = after(existing, steps[:done])
        assert told <= {one.list_id for one in held if one.callback_url in (URL, EARLIER)}


@given(existing=EXISTING)
def test_removal_leaves_nothing_of_ours(existing: list[Subscription]) -> None:
    """Earlier secrets' included."""
    held = after(existing, removal(existing, URL, BASE, {SISTER}))
    assert not [one for one in held if one.callback_url in (URL, EARLIER)]
