"""docs/catalogue.md, from the rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.catalogue.catalogue import counts
from streams.catalogue.row import CatalogueRow, Section, Vendor

NAMES: dict[Vendor, str] = {"lofty": "Lofty", "ghl": "GoHighLevel"}

BEGINNING = """# Catalogue

Every trigger and action of Lofty and GoHighLevel, and how far each works here. This page is made by
`lofty-ghl catalogue --markdown` from the rows in `streams/catalogue/`; a test fails when it is not current.
`lofty-ghl catalogue WORDS --details` searches it, and the console has it under Catalogue.

| state | means |
| --- | --- |
| works | the pipeline does it, with the setting that is named; the test that is named shows it |
| client only | our client can do it, checked against the vendor's document; nothing calls it yet |
| vendor allows | the vendor's interface has it, and we do not use it |
| vendor refuses | the vendor's interface has no way to do it |

A flow is a trigger and an action together: what happens at one vendor, and what we do at the other.
"""


def page(sections: Iterable[Section]) -> str:
    """The whole page."""
    return "\n".join(_lines(tuple(sections)))


def _lines(sections: tuple[Section, ...]) -> Iterator[str]:
    yield BEGINNING
    numbers = counts(sections)
    total = sum(numbers.values())
    yield f"{total} rows: {', '.join(f'{number} {state}' for state, number in numbers.items())}.\n"
    for section in sections:
        yield f"## {section.title}\n"
        yield "| what | where | state | behind it | setting, or reason | test |"
        yield "| --- | --- | --- | --- | --- | --- |"
        yield from map(_row, section.rows)
        yield ""


def _row(row: CatalogueRow) -> str:
    behind = [*row.events, *row.requests, *row.scopes]
    about = [f"`{row.setting}`" if row.setting else "", row.note]
    cells = (
        row.title,
        f"{NAMES[row.vendor]}, {row.kind}",
        row.state,
        "<br>".join(f"`{name}`" for name in behind),
        "<br>".join(filter(None, about)),
        f"`{row.test}`" if row.test else "",
    )
    return f"| {' | '.join(cells)} |".replace("  ", " ")
