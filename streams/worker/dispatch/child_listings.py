"""Remembers what contacts had when they were listed, so that one listing serves also the notes that come a little later.

Only we write our markers, in the contact's lane, and what we create has a link: so what was not listed is not there.
What was listed and is deleted in GHL meanwhile is found once, and no second time: what is used is taken out.
So is what we delete ourselves: of two leads with one contact, one may delete there what the other looks for since it moved. Whichever
comes first holds: what one has taken up is not deleted by the other, and what is being deleted is not found, however late GHL does it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.core.to_ghl.adopt import HeldChild
from streams.core.to_ghl.plan_child import FIND_STEPS
from streams.messages import Kind

REMEMBERED_SECONDS = 600.0
MOST_REMEMBERED = 10_000
"""How many notes, tasks and appointments of listings are remembered; the oldest listings are forgotten first."""

Held = dict[tuple[Kind, str], HeldChild]
"""What a contact has with a marker of ours, by kind and Lofty id."""


@dataclass(frozen=True, slots=True)
class _Listing:
    at: float
    epoch: int
    held: Held
    size: int


@dataclass(slots=True)
class _Recent:
    """Who did something last, by the GHL id of what it was done with. The oldest are first, so that forgetting them costs nothing."""

    _done: OrderedDict[str, tuple[str, float]] = field(default_factory=OrderedDict)

    def put(self, ghl_id: str, key: str, now: float) -> None:
        """It is done now; what is older than is remembered is forgotten."""
        self._done[ghl_id] = (key, now)
        self._done.move_to_end(ghl_id)
        while now - next(iter(self._done.values()))[1] >= REMEMBERED_SECONDS:
            self._done.popitem(last=False)

    def by(self, ghl_id: str) -> str | None:
        """Who did it; None if nobody did lately."""
        key, _ = self._done.get(ghl_id, (None, 0.0))
        return key


@dataclass(slots=True)
class Listings:
    """By contact and step, for one epoch of the partition's owner. `seconds` is a monotonic clock."""

    seconds: Callable[[], float] = time.monotonic
    _kept: OrderedDict[tuple[str, str], _Listing] = field(default_factory=OrderedDict)
    _size: int = 0
    _going: _Recent = field(default_factory=_Recent)
    """What we have begun to delete."""
    _taken: _Recent = field(default_factory=_Recent)
    """Who has taken up what was found: its link may not say so yet."""

    def get(self, contact_id: str, step: str, epoch: int) -> Held | None:
        """What a contact still has of its listing; None if it must be listed."""
        listing = self._kept.get((contact_id, step))
        if listing is None or listing.epoch != epoch or self.seconds() - listing.at >= REMEMBERED_SECONDS:
            return None
        return listing.held

    def put(self, contact_id: str, step: str, epoch: int, held: Held) -> None:
        """Remember a listing of now, and take out of it what is being deleted."""
        for found in [found for found, child in held.items() if self.is_going(child.ghl_id)]:
            del held[found]
        self._forget((contact_id, step))
        listing = self._kept[contact_id, step] = _Listing(self.seconds(), epoch, held, 1 + len(held))
        self._size += listing.size
        while self._size > MOST_REMEMBERED:
            self._forget(next(iter(self._kept)))

    def drop(self, contact_id: str, ghl_id: str) -> None:
        """This note, task or appointment of a contact is about to be deleted, and no longer to be found."""
        self._going.put(ghl_id, "", self.seconds())
        for step in FIND_STEPS.values():
            if listing := self._kept.get((contact_id, step)):
                for key in [key for key, one in listing.held.items() if one.ghl_id == ghl_id]:
                    del listing.held[key]

    def is_going(self, ghl_id: str) -> bool:
        """Whether we have begun to delete it: it may be listed all the same."""
        return self._going.by(ghl_id) is not None

    def take(self, ghl_id: str, key: str) -> None:
        """An entity takes up what was found."""
        self._taken.put(ghl_id, key, self.seconds())

    def is_taken(self, ghl_id: str, but: str) -> bool:
        """Whether another entity than `but` has taken it up a moment ago."""
        return self._taken.by(ghl_id) not in (None, but)

    def _forget(self, key: tuple[str, str]) -> None:
        if listing := self._kept.pop(key, None):
            self._size -= listing.size
