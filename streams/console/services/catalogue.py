"""The catalogue as the console and its API give it: what works, and what does not and why. It is the same for everybody."""

from __future__ import annotations

from dataclasses import dataclass

from streams.catalogue.catalogue import counts, sections
from streams.catalogue.entry import CatalogueEntry, entries
from streams.catalogue.row import RowKind, State, Vendor


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """The entries that were asked for, in the order of the catalogue, and how many there are of each state."""

    entries: tuple[CatalogueEntry, ...]
    counts: dict[State, int]


def catalogue_page(
    state: State | None = None, vendor: Vendor | None = None, kind: RowKind | None = None, words: str = ""
) -> CataloguePage:
    """The entries with this state, vendor and kind that have all of these words."""
    found = sections(state=state, vendor=vendor, kind=kind, words=words)
    return CataloguePage(entries(found), counts(found))
