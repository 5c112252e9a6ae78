"""Lofty's objects: ids as text, and None for what is unset."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.lofty.wire import Subscription, is_unset

SUBSCRIPTION = {"subscribeId": 5, "listId": 2, "callbackUrl": "https://e.example"}


@pytest.mark.parametrize("unset", [-1, 0, "N/A", ""])
def test_unset_values_are_read_as_none(unset: Any) -> None:
    """-1, 0, "N/A" and "" all mean nothing."""
    found = Subscription.model_validate({**SUBSCRIPTION, "teamId": unset, "vendorId": unset})
    assert (found.team_id, found.vendor_id) == (None, None)


def test_unknown_fields_are_kept() -> None:
    """Lofty adds fields as it likes."""
    assert Subscription.model_validate({**SUBSCRIPTION, "somethingNew": {"a": 1}}).model_extra == {
        "somethingNew": {"a": 1}
    }


def test_a_subscription_needs_its_id() -> None:
    """Without it, it could never be removed."""
    with pytest.raises(ValidationError):
        Subscription.model_validate({**SUBSCRIPTION, "subscribeId": -1})


def test_subscriptions_are_read() -> None:
    """`vendorId` is the owner of a subscription."""
    found = Subscription.model_validate({**SUBSCRIPTION, "vendorId": 161, "teamId": 1})
    assert (found.subscribe_id, found.vendor_id, found.team_id) == ("5", "161", "1")


@pytest.mark.parametrize(("value", "expected"), [("N/A", True), (-1, True), (False, False), ("x", False), (7, False)])
def test_false_is_a_value(value: Any, expected: bool) -> None:
    """Though it equals 0."""
    assert is_unset(value) is expected
