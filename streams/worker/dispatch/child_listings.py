"""Remembers what contacts had when they were listed, so that one listing serves also the notes that come a little later.

Only we write our markers, in the contact's lane, and what we create has a link: so what was not listed is not there.
What was listed and is deleted in GHL meanwhile is found once, and no second time: what is used is taken out.
So is what we delete ourselves: of two leads with one contact, one may delete there what the other looks for since it moved.
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
class Listings:
    """By contact and step, for one epoch of the partition's owner. `seconds` is a monotonic clock."""

    seconds: Callable[[], float] = time.monotonic
    _kept: OrderedDict[tuple[str, str], _Listing] = field(default_factory=OrderedDict)
    _size: int = 0

    def get(self, contact_id: str, step: str, epoch: int) -> Held | None:
        """What a contact still has of its listing; None if it must be listed."""
        listing = self._kept.get((contact_id, step))
        if listing is None or listing.epoch != epoch or self.seconds() - listing.at >= REMEMBERED_SECONDS:
            return None
        return listing.held

    def put(self, contact_id: str, step: str, epoch: int, held: Held) -> None:
        """Remember a listing of now."""
        self._forget((contact_id, step))
        listing = self._kept[contact_id, step] = _Listing(self.seconds(), epoch, held, 1 + len(held))
        self._size += listing.size
        while self._size > MOST_REMEMBERED:
            self._forget(next(iter(self._kept)))

    def drop(self, contact_id: str, ghl_id: str) -> None:
        """This note, task or appointment of a contact is about to be deleted, and no longer to be found."""
        for step in FIND_STEPS.values():
            if listing := self._kept.get((contact_id, step)):
                for key in [key for key, one in listing.held.items() if one.ghl_id == ghl_id]:
                    del listing.held[key]

    def _forget(self, key: tuple[str, str]) -> None:
        if listing := self._kept.pop(key, None):
            self._size -= listing.size
