"""`lofty-ghl directories`: the custom fields and users of the locations, as the workers know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    count_of,
    named_connections,
    print_findings,
    refuse_on,
    settings_in_force,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.messages import Observation

directories = typer.Typer(
    name="directories", help="Read custom fields and users of the GHL locations again.", no_args_is_help=True
)


@directories.command()
def refresh(
    config: ConfigOption = DEFAULT_CONFIG, connection: ConnectionOption = "", as_json: JsonOption = False
) -> None:
    """Have the workers read custom fields with their options, users and calendars again, at once instead of within the hour.

    Contacts that lacked what is there now, or were written to a field that was made again, are then written again by themselves.
    Exit code 3: a worker did not answer.

    Example: lofty-ghl directories refresh --connection acme
    """
    from streams.operations.worker_queries.directories import ask_directories
    from streams.operations.worker_queries.errors import CannotFinish

    settings = settings_in_force(config)
    chosen = named_connections(settings, connection)
    with refuse_on(CannotFinish, code=AWAY):
        answers = with_kafka(settings, lambda: ask_directories(settings, chosen, is_fresh=True))
    found = {name: _counts(answer) for name, answer in answers.items()}
    print_findings(found, (_line(name, answer) for name, answer in answers.items()), as_json=as_json)


def _counts(answer: Observation) -> dict[str, Any]:
    fields, users = len(set(answer.custom_fields.values())), len(set(answer.users.values()))
    return {"custom_fields": fields, "users": users, "remade_fields": answer.remade_fields}


def _line(name: str, answer: Observation) -> str:
    counts = _counts(answer)
    says = f"{name}: {count_of(counts['custom_fields'], 'custom field')}, {count_of(counts['users'], 'user')}"
    remade = ", ".join(sorted(answer.remade_fields))
    return f"{says}; made again in GHL: {remade}" if remade else says
