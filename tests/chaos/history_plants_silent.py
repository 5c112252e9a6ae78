"""Faults against connections that are paused or removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.chaos.history import PAUSED, REMOVED, History, Silence
from tests.chaos.history.told import worker_of
from tests.chaos.history_planting import Pick, pick_from

GONE = Silence("gone", "loc-that-is-gone", "0", REMOVED, 0.0)
"""Honest by itself: nobody asks for it."""


def ask_while_it_is_paused(history: History, pick: Pick[Any]) -> History:
    """A worker asks for a connection that it should leave alone."""
    entry = pick_from(pick, [one for one in history.ghl if worker_of(one)])
    paused = Silence("west", entry.budget, "0", PAUSED, entry.at - 0.001, entry.at + 0.001)
    return replace(history, silences=[GONE, paused])


def write_after_its_removal(history: History, pick: Pick[Any]) -> History:
    """A worker that has not taken it over goes on."""
    entry = pick_from(pick, [one for one in history.ghl if worker_of(one) and one.applied])
    return replace(history, ghl=[*history.ghl, replace(entry, budget=GONE.location)], silences=[GONE])


def leave_a_key(history: History, pick: Pick[Any]) -> History:
    """Whoever removed the connection has forgotten it."""
    return replace(history, silences=[replace(GONE, left=("credential:gone:ghl_token",))])
