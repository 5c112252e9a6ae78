"""`lofty-ghl catalogue`: every trigger and action of both vendors, and how far each of them works here."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import JsonOption, print_findings

if TYPE_CHECKING:
    from streams.catalogue.row import CatalogueRow, Section

WIDTH = 80


class StateChoice(StrEnum):
    """How far something works."""

    WORKS = "works"
    CLIENT_ONLY = "client only"
    ALLOWS = "vendor allows"
    REFUSES = "vendor refuses"


class VendorChoice(StrEnum):
    """Where it happens."""

    LOFTY = "lofty"
    GHL = "ghl"


class KindChoice(StrEnum):
    """What it is."""

    FLOW = "flow"
    TRIGGER = "trigger"
    ACTION = "action"
    LOOKUP = "lookup"


def catalogue(
    words: Annotated[list[str] | None, typer.Argument(help="Only rows that have all of these words.")] = None,
    state: Annotated[StateChoice | None, typer.Option("--state", help="Only rows of this state.")] = None,
    vendor: Annotated[VendorChoice | None, typer.Option("--vendor", help="Only rows of this vendor.")] = None,
    kind: Annotated[KindChoice | None, typer.Option("--kind", help="Only flows, triggers, actions or lookups.")] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Also operations, rights, settings, reasons and tests.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/catalogue.md.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List every trigger and action of Lofty and GoHighLevel: what works, by which setting, and the test that shows it.

    A flow is both: what happens at one vendor, and what is done at the other. `works`: the pipeline does it. `client only`: our
    client can do it, and nothing calls it. `vendor allows`, `vendor refuses`: what the vendor's interface has, or has not.

    Example: lofty-ghl catalogue pipeline --state works --vendor ghl --json
    """
    from dataclasses import asdict

    from streams.catalogue.catalogue import SECTIONS, counts, sections
    from streams.catalogue.entry import entries

    if as_markdown:
        from streams.catalogue.markdown import page

        typer.echo(page(SECTIONS), nl=False)
        return
    found = sections(
        state=None if state is None else state.value,
        vendor=None if vendor is None else vendor.value,
        kind=None if kind is None else kind.value,
        words=" ".join(words or ()),
    )
    total = ", ".join(f"{number} {name}" for name, number in counts(found).items() if number)
    documents = [asdict(one) for one in entries(found)]
    print_findings(documents, [*_lines(found, details=details), total or "no row has that"], as_json=as_json)


def _lines(found: tuple[Section, ...], *, details: bool) -> Iterator[str]:
    for section in found:
        yield section.title
        for row in section.rows:
            yield from _wrapped(f"  {row.state:<14}  {row.vendor:<5}  {row.kind:<7}  ", row.title)
            if details:
                yield from (line for name, text in _details(row) for line in _wrapped(f"{'':4}{name:<9}", text))
        yield ""


def _details(row: CatalogueRow) -> Iterator[tuple[str, str]]:
    parts: tuple[tuple[str, Any], ...] = (
        ("reason", row.reason),
        ("limits", row.limits),
        ("event", ", ".join(row.events)),
        ("request", ", ".join(row.requests)),
        ("rights", " ".join(row.scopes)),
        ("setting", row.setting or ("always on" if row.state == "works" else "")),
        ("test", row.test),
    )
    return ((name, text) for name, text in parts if text)


def _wrapped(begins: str, text: str) -> Iterator[str]:
    from textwrap import wrap

    for line in wrap(text, WIDTH - len(begins), break_long_words=False, break_on_hyphens=False):
        yield f"{begins}{line}"
        begins = " " * len(begins)
