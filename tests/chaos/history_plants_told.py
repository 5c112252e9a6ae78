"""Faults in what receipts tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streams.messages import Entity, Receipt
from tests.chaos.history import History, Received
from tests.chaos.history_planting import Pick, pick_from

_CREATES = ("create contact", "create note", "create task", "create appointment")


def forget_an_intent(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """Nothing says that a create was intended."""
    return lambda history, pick: _forget(history, pick, lambda one: one.outcome == "intended", steps)


def forget_the_outcome(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """Nothing says what became of an entity after its intent."""
    return lambda history, pick: _forget(history, pick, lambda one: one.outcome != "intended", steps)


def intend_too_late(history: History, pick: Pick[Any]) -> History:
    """A create is intended only after it was sent."""
    return _retell(history, pick, lambda one: one.outcome == "intended", 60_000)


def tell_too_early(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """The last write of an entity came after all of its receipts."""
    return lambda history, pick: _retell(history, pick, lambda one: one.outcome != "intended", -600_000, steps)


def tell_before_the_intent(*steps: str) -> Callable[[History, Pick[Any]], History]:
    """On the topic, the outcome of a create stands before its intent."""

    def plant(history: History, pick: Pick[Any]) -> History:
        among = steps or _CREATES
        created = [one for one in history.receipts if one.receipt.outcome == "applied" and one.receipt.step in among]
        line = pick_from(pick, created)
        others = [one for one in history.receipts if one is not line]
        return replace(history, receipts=[replace(line, offset=-1), *others])

    return plant


def _forget(
    history: History, pick: Pick[Any], is_forgotten: Callable[[Receipt], bool], steps: tuple[str, ...]
) -> History:
    entity = _created(history, pick, steps)
    kept = [one for one in history.receipts if one.receipt.entity != entity or not is_forgotten(one.receipt)]
    return replace(history, receipts=kept)


def _retell(
    history: History, pick: Pick[Any], is_meant: Callable[[Receipt], bool], later_ms: int, steps: tuple[str, ...] = ()
) -> History:
    """The same receipts of an entity, made at another time."""
    entity = _created(history, pick, steps)

    def retold(one: Received) -> Received:
        receipt = one.receipt
        if receipt.entity != entity or not is_meant(receipt):
            return one
        return replace(one, receipt=receipt.model_copy(update={"at_ms": receipt.at_ms + later_ms}))

    return replace(history, receipts=[retold(one) for one in history.receipts])


def _created(history: History, pick: Pick[Any], steps: tuple[str, ...] = ()) -> Entity:
    """An entity that GHL was asked to create, and did; by one of these steps, where some are named, and no opportunity otherwise."""
    receipts = [one.receipt for one in history.receipts]
    meant = {one.entity for one in receipts if (one.step in steps if steps else one.kind != "opportunity")}
    by_outcome = {
        wanted: {one.entity for one in receipts if one.outcome == wanted} & meant for wanted in ("intended", "applied")
    }
    return pick_from(pick, sorted(by_outcome["intended"] & by_outcome["applied"]))
