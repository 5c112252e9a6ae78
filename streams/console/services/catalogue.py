"""The catalogue as the console and its API give it: what works, and what does not and why. It is the same for everybody."""

from __future__ import annotations

from dataclasses import dataclass

from streams.catalogue.catalogue import counts, rows_of, sections
from streams.catalogue.row import RowKind, State, Vendor


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One trigger, action or lookup of a vendor, or a flow: what happens at `vendor`, and what is done at the other.

    `requests` are methods and paths at the vendor, `scopes` the rights that it needs in GoHighLevel. `setting` switches it on, empty
    for what is always on or does not work. `test` shows that it works, `reason` says why it does not, `limits` what is left out.
    """

    id: str
    section: str
    vendor: Vendor
    kind: RowKind
    title: str
    state: State
    events: tuple[str, ...]
    requests: tuple[str, ...]
    scopes: tuple[str, ...]
    setting: str
    test: str
    limits: str
    reason: str


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
    entries = tuple(
        CatalogueEntry(
            id=row.id,
            section=title,
            vendor=row.vendor,
            kind=row.kind,
            title=row.title,
            state=row.state,
            events=row.events,
            requests=row.requests,
            scopes=row.scopes,
            setting=row.setting,
            test=row.test,
            limits=row.limits,
            reason=row.reason,
        )
        for title, row in rows_of(found)
    )
    return CataloguePage(entries, counts(found))
