"""Faults in what was done to the system, and in how soon it was well again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.chaos.history import MOST_SECONDS, Deed, History
from tests.chaos.history.in_time import wanted_of
from tests.chaos.history_planting import Pick, pick_from

MOST_OFFSETS = 10**9


def leave_out_an_act(history: History, pick: Pick[Any]) -> History:
    """What was planned was not done."""
    deed = pick_from(pick, [one for one in history.deeds if not one.is_outage])
    return replace(history, deeds=[one for one in history.deeds if one is not deed])


def do_without_effect(history: History, pick: Pick[Any]) -> History:
    """It was done, and nothing was seen of it."""
    deed = pick_from(pick, history.deeds)
    nothing = replace(deed, seen={**deed.seen, pick_from(pick, deed.seen): 0})
    return replace(history, deeds=[nothing if one is deed else one for one in history.deeds])


def grow_not(history: History, pick: Pick[Any]) -> History:
    """Whatever an act says of itself: the deployment has the partitions of before."""
    partitions = history.settings.kafka.partitions
    fence = pick_from(pick, history.fences)
    fences = [*history.fences, replace(fence, offset=fence.offset + MOST_OFFSETS, of=2 * partitions)]
    return replace(history, grows_to=2 * partitions, partitions=partitions, fences=fences)


def work_in_no_new_partition(history: History, _pick: Pick[Any]) -> History:
    """The topics are there, and no worker ever owned them."""
    partitions = 2 * history.settings.kafka.partitions
    fences = [replace(one, of=history.settings.kafka.partitions) for one in history.fences]
    return replace(history, grows_to=partitions, partitions=partitions, fences=fences)


def park_a_stray_nowhere(history: History, pick: Pick[Any]) -> History:
    """Nobody finds it again."""
    stray = pick_from(pick, history.strays)
    return replace(history, parked=[one for one in history.parked if one.source != stray.source])


def write_never(history: History, pick: Pick[Any]) -> History:
    """An edit of the outage whose version never came."""
    edit = pick_from(pick, [one for one in history.edits if one.version and _in_outage(history, one.at)])
    edits = [*history.edits, replace(edit, version=edit.version + 500, at=_outage(history).until)]
    return replace(history, edits=edits)


def write_too_late(history: History, pick: Pick[Any]) -> History:
    """Kafka had been back for long."""
    outage, sooner = _outage(history), MOST_SECONDS + 60.0
    pick_from(pick, wanted_of(history.edits, outage))
    edits = [replace(one, at=one.at - sooner) if _in_outage(history, one.at) else one for one in history.edits]
    early = replace(outage, at=outage.at - sooner, until=outage.until - sooner)
    return replace(history, edits=edits, deeds=[early if one is outage else one for one in history.deeds])


def _outage(history: History) -> Deed:
    return next(one for one in history.deeds if one.is_outage)


def _in_outage(history: History, at: float) -> bool:
    return _outage(history).at <= at <= _outage(history).until
