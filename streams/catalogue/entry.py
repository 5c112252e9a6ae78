"""A row as programs get it: from the command, the API and the console."""

from __future__ import annotations

from dataclasses import dataclass

from streams.catalogue.row import RowKind, Section, State, Vendor


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


def entries(found: tuple[Section, ...]) -> tuple[CatalogueEntry, ...]:
    """The rows of some sections, in their order."""
    return tuple(
        CatalogueEntry(
            id=row.id,
            section=section.title,
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
        for section in found
        for row in section.rows
    )
