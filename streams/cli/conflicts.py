"""`lofty-ghl conflicts`: what two people have in common, so that one of them goes without it; a person decides who is who."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    count_of,
    named_connections,
    plain,
    print_findings,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.operations.conflicts.open_conflicts import ConflictItem, ConflictPerson


def conflicts(
    config: ConfigOption = DEFAULT_CONFIG, connection: ConnectionOption = "", as_json: JsonOption = False
) -> None:
    """List leads whose e-mail or phone another GHL contact has, with both people and what to do.

    Exit code 1 when something is undecided.

    Example: lofty-ghl conflicts --connection acme
    """
    from streams.operations.conflicts.reader import read_conflicts

    settings = settings_or_refuse(config)
    chosen = [one.name for one in named_connections(settings, connection)]
    found = with_kafka(settings, lambda: read_conflicts(settings, chosen), writes=False)
    print_findings([_document(item) for item in found], _lines(found), as_json=as_json)
    raise typer.Exit(WRONG if any(item.is_open for item in found) else 0)


def _document(item: ConflictItem) -> dict[str, Any]:
    from dataclasses import asdict

    person = asdict(item.person)
    return {"connection": person["connection"], **asdict(item), "is_open": item.is_open}


def _lines(found: list[ConflictItem]) -> Iterator[str]:
    for item in found:
        says = f"decided: {item.decided}" if item.decided else "undecided"
        state = "left out of its contact" if item.state == "left out" else "one contact for both"
        yield f"{item.person.connection}  {item.field} {plain(item.value)}: {state}, {says}"
        yield f"    {_person(item.person)}, GHL contact {item.contact_id or '(none of its own)'}"
        whose = _person(item.other) if item.other is not None else "no lead's"
        yield f"    {whose}, GHL contact {item.other_contact_id}"
        yield f"    {item.to_do}"
    undecided = sum(item.is_open for item in found)
    yield f"{count_of(len(found), 'conflict')}, {undecided} undecided" if found else "no conflicts"


def _person(person: ConflictPerson) -> str:
    shown = (person.name, person.email, person.phone, "deleted in Lofty" if person.is_gone else "")
    return plain(", ".join([f"lead {person.lead}", *filter(None, shown)]))
