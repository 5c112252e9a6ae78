"""`lofty-ghl conflicts`: what two people have in common, so that one of them goes without it; a person decides who is who."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    count_of,
    named_connections,
    plain,
    print_findings,
    refuse,
    refuse_on,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.messages import IdentityDecision
    from streams.operations.conflicts.open_conflicts import ConflictItem, ConflictPerson
    from streams.settings import Settings


class Answer(StrEnum):
    """What a person may say of two people."""

    SAME = "same"
    APART = "apart"


def conflicts(
    answer: Annotated[
        Answer | None, typer.Argument(help="Decide: the two are the same person, or stay apart. Without it, list.")
    ] = None,
    lead: Annotated[str, typer.Argument(help="The lead about which you decide, by its Lofty id.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    contact: Annotated[
        str, typer.Option("--contact", help="Decide only towards this GHL contact; without it, towards all.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List leads whose e-mail or phone another GHL contact has, with both people and what to do; or decide who is who.

    `same LEAD`: they are one person. `apart LEAD`: they are two. The worker does what follows; a decision can be changed.
    Exit code of a list: 1 when something is undecided. Of a decision: 1 when it was not made; 3: no worker answered.

    Example: lofty-ghl conflicts same 600123 --connection acme
    """
    from streams.operations.conflicts.reader import read_conflicts
    from streams.operations.history.index.reader import IndexReader

    settings = settings_in_force(config)
    chosen = [one.name for one in named_connections(settings, connection)]
    if answer is not None and not lead:
        refuse(f"about whom? lofty-ghl conflicts {answer} LEAD, with the id of a lead that `lofty-ghl conflicts` lists")
    index = IndexReader.of(settings)
    try:
        found = with_kafka(settings, lambda: read_conflicts(settings, chosen, index), writes=answer is not None)
    finally:
        index.close()
    if answer is not None:
        _decide(
            settings,
            [one for one in found if one.person.lead == lead and contact in ("", one.other_contact_id)],
            answer.value,
            lead,
            as_json=as_json,
        )
    print_findings([_document(item) for item in found], _lines(found), as_json=as_json)
    raise typer.Exit(WRONG if any(item.is_open for item in found) else 0)


def _decide(
    settings: Settings, items: list[ConflictItem], decision: IdentityDecision, lead: str, *, as_json: bool
) -> NoReturn:
    import getpass
    from dataclasses import asdict

    from streams.operations.conflicts.decide import decide
    from streams.operations.worker_queries.errors import CannotFinish

    if not items:
        refuse(f"lead {lead} is in no conflict: `lofty-ghl conflicts` lists those that are", WRONG)
    if len({item.person.connection for item in items}) > 1:
        refuse(f"lead {lead} is in conflicts of several connections: name one with --connection")
    with refuse_on(CannotFinish, code=AWAY):
        results = with_kafka(settings, lambda: decide(settings, items, decision, getpass.getuser()))
    lines = (f"lead {lead}: {f'not decided: {one.problem}' if one.problem else one.next}" for one in results)
    print_findings([asdict(one) for one in results], lines, as_json=as_json)
    raise typer.Exit(WRONG if any(one.problem for one in results) else 0)


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
