"""Plans the webhook subscriptions of a connection at Lofty: which to create, to keep and to remove.

Lofty returns the subscriptions of the whole team, including those of other vendors. It allows several for the same list, and then
delivers each webhook several times. A subscription cannot be changed, so a wrong one is replaced: the new one is created before
the old one is removed, so that no webhook is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.lofty.wire import Subscription

LISTS: dict[int, str] = {2: "leads", 9: "notes", 10: "tasks", 11: "appointments", 12: "stage changes"}
"""The lists that a connection needs, as Lofty numbers them."""

LIMIT = 5000
PERMISSION_MODE = 1
"""All leads that the owner of the key may see, not only those assigned to that person."""

Action = Literal["keep", "create", "remove"]


@dataclass(frozen=True, slots=True)
class SubscriptionStep:
    """One step: what to do about a subscription, and why. `subscription` is None for one that is created."""

    action: Action
    list_id: int
    because: str
    subscription: Subscription | None = None


def reconcile(
    existing: Sequence[Subscription], url: str, base: str, others: Collection[str] = ()
) -> list[SubscriptionStep]:
    """The steps in order: missing subscriptions are created before others are removed.

    Lofty delivers to `url`. `base` is the part of it before the secret: a subscription with this base is ours, even if its secret
    is an earlier one. `others` are the addresses of our other connections. Subscriptions of anybody else are never touched.
    """
    ours = [one for one in existing if _is_ours(one, url, base, others)]
    steps: list[SubscriptionStep] = []
    for list_id, what in LISTS.items():
        right = [one for one in ours if one.list_id == list_id and one.callback_url == url and _is_right(one)]
        if right:
            steps.append(SubscriptionStep("keep", list_id, what, right[0]))
        else:
            steps.append(SubscriptionStep("create", list_id, f"{what} are not delivered"))
    kept = {step.subscription.subscribe_id for step in steps if step.subscription is not None}
    steps += [
        SubscriptionStep("remove", one.list_id, _wrong(one, url), one) for one in ours if one.subscribe_id not in kept
    ]
    return steps


def removal(
    existing: Iterable[Subscription], url: str, base: str, others: Collection[str] = ()
) -> list[SubscriptionStep]:
    """The steps that remove all of our subscriptions."""
    ours = (one for one in existing if _is_ours(one, url, base, others))
    return [SubscriptionStep("remove", one.list_id, "as asked for", one) for one in ours]


def _is_ours(one: Subscription, url: str, base: str, others: Collection[str]) -> bool:
    return one.callback_url == url or (one.callback_url.startswith(base) and one.callback_url not in others)


def _is_right(one: Subscription) -> bool:
    # Lofty sometimes answers with a lower limit than the one asked for; creating the subscription again would change nothing.
    return one.permission_mode in (None, PERMISSION_MODE)


def _wrong(one: Subscription, url: str) -> str:
    if one.list_id not in LISTS:
        return "its list is not needed"
    if one.callback_url != url:
        return "it calls an address with an earlier secret"
    if not _is_right(one):
        return f"its permissionMode is {one.permission_mode}: it delivers only some leads"
    return "it delivers each webhook a second time"
